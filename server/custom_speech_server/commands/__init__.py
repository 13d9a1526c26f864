"""The subcommands of `custom-speech-mcp`: a module each, imported only when it is the command that was typed.

A module defines `run(options)`, which returns the exit status, and `add_arguments(parser)`, which adds its options and
an epilog with examples. Options that several commands take come from `options.add_shared`.
"""

COMMANDS = {
    "serve": "serve MCP: over stdio, or to a team over HTTP",
    "demo": "show the whole job on the emulator, from a list to a deployed model",
    "init": "write the configuration from what the Azure CLI `az` knows",
    "doctor": "say which resources are configured and whether each answers",
    "check-data": "show what Azure would object to in a local file or folder",
    "check-expirations": "show what stops working, and when, on all resources",
    "rollout": "bring one tested model to many regions, as a file describes it",
    "report": "write what ends when, models and their tests as one page",
    "token": "create a bearer token for access.toml",
    "emulator": "serve the emulator of the service on this machine",
}
"""Every subcommand with its help."""
