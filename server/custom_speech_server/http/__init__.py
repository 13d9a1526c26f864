"""Serving MCP over Streamable HTTP. Nothing here but `options` is imported before that is chosen."""
