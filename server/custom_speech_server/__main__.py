"""The command line: parse it and dispatch. Nothing heavy is imported before the command is known."""

import argparse
import os
import sys
from importlib import import_module

from custom_speech_server import __version__
from custom_speech_server.commands import COMMANDS, serve
from custom_speech_server.console import make_output_encodable


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    make_output_encodable()
    arguments = sys.argv[1:] if arguments is None else arguments
    options = create_parser(arguments).parse_args(arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the output has gone, as `head` does; Python would otherwise report it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def create_parser(arguments: list[str]) -> argparse.ArgumentParser:
    """Return the parser; without a command the server serves over stdio.

    Only commands that occur in the arguments are imported.
    """
    parser = argparse.ArgumentParser(
        prog="custom-speech-mcp",
        description="An MCP server with which AI assistants manage Azure custom speech models. "
        "Without a command it serves MCP over stdio, which is what an MCP client starts.",
        epilog="Without any configuration it works on an emulator of the service: no account, no cost.",
    )
    parser.add_argument("--version", action="version", version=f"custom-speech-mcp {__version__}")
    serve.add_server_options(parser)
    parser.set_defaults(run=serve.run, http=False)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", prog=parser.prog)
    for name, description in COMMANDS.items():
        suppressed = argparse.SUPPRESS if name == "serve" else None  # its options may stand before the command as well
        command = commands.add_parser(name, help=description, argument_default=suppressed)
        if name in arguments:
            module = import_module(f"custom_speech_server.commands.{name.replace('-', '_')}")
            getattr(module, "add_arguments", lambda parser: None)(command)
            command.set_defaults(run=module.run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
