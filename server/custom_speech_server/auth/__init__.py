"""Who may call over HTTP, and what: bearer tokens of a file, or tokens of an OAuth authorization server."""
