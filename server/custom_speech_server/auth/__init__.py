"""Authentication and authorization over HTTP: static bearer tokens, or tokens of an OAuth authorization server."""
