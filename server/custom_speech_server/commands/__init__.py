"""The subcommands of `custom-speech-mcp`: a module each, imported only when it is the command that was typed.

A module defines `run(options)`, which returns the exit status, and `add_arguments(parser)`, which adds its options and
an epilog with examples. Options that several commands take come from `options.add_shared`.
"""

COMMANDS = {
    "serve": "Serve MCP: over stdio, or to a team over HTTP",
    "demo": "Show the whole job on the emulator, from a list to a deployed model",
    "init": "Write the configuration from what the Azure CLI `az` knows",
    "doctor": "Say which resources are configured and whether each answers",
    "check-data": "Show what Azure would object to in a local file or folder",
    "check-expirations": "Show what stops working, and when, on all resources",
    "rollout": "Bring one tested model to many regions, as a file describes it",
    "report": "Write what ends when, models and their tests as one page",
    "token": "Create a bearer token for access.toml",
    "emulator": "Serve the emulator of the service on this machine",
}
