"""Subcommands of `custom-speech-mcp`."""
