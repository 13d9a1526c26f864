"""Serving MCP over Streamable HTTP."""
