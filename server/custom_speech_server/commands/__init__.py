"""The commands of `custom-speech-mcp`, one module each, imported only when used.

A module defines `run(options)`, which returns the exit status, and `add_arguments(parser)`, which adds the options and
an epilog with examples. `options.add_shared` adds options of several commands.
"""

COMMANDS = {
    "serve": "Serve MCP: over stdio, or to a team over HTTP",
    "demo": "Show the whole workflow on the emulator, from data to a deployed model",
    "init": "Write the configuration from the resources that the Azure CLI lists",
    "doctor": "Check the configured resources and suggest fixes",
    "check-data": "Check a local file or folder for errors that Azure would reject",
    "check-expirations": "List the models and endpoints that expire, on all resources",
    "rollout": "Train, test and deploy a model in many regions, as a file describes",
    "report": "Report expirations, models and their tests as one page",
    "token": "Create a bearer token for access.toml",
    "emulator": "Serve the emulator of the Speech service on this machine",
}
