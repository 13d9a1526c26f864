"""Azure custom speech, spoken over MCP: the server, its configuration and its command line."""

__version__ = "0.1.0"
