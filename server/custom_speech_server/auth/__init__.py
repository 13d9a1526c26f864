"""Who may call over HTTP, and what: static bearer tokens, or tokens of an OAuth authorization server."""
