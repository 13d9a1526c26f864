"""The command line: parsing and dispatch. Heavy imports wait until the command is known."""

import argparse
import os
import sys
from importlib import import_module
from io import TextIOWrapper

from custom_speech_server import __version__
from custom_speech_server.commands import COMMANDS, serve
from custom_speech_server.commands.options import CommandParser
from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.console import notice


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # Windows consoles may be limited to cp1252
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except ConfigurationError as error:
        notice(str(error))
        return 2
    except KeyboardInterrupt:
        notice(getattr(options, "interrupted", "interrupted; nothing was changed, and nothing is left running."))
        return 130
    except BrokenPipeError:
        # The reader, such as `head`, has closed the pipe. Python would report that again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the parsed options, with the function `run` of the command; on errors, exit with status 2."""
    command, rest = split(arguments)
    parser = create_parser(command)
    options, unknown = parser.parse_known_args(rest)
    if unknown and command is None and not unknown[0].startswith("-"):
        parser.error(f"{unknown[0]!r} is not a command: choose from {', '.join(COMMANDS)}")
    if unknown:
        parser.error(f"unknown arguments: {' '.join(unknown)}")
    return options


def split(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the command, or None, and the other arguments. Options may precede the command."""
    named = [argument for argument in arguments if argument in COMMANDS]
    parsers = list(map(create_parser, (None, *named)))
    for index, argument in enumerate(arguments):
        before = arguments[index - 1] if index else ""
        # An argument that equals a command may be the value of an option.
        if argument in COMMANDS and not any(parser.takes_value(before) for parser in parsers):
            return argument, [*arguments[:index], *arguments[index + 1 :]]
    return None, arguments


def create_parser(command: str | None) -> CommandParser:
    """Return the parser of a command, or of the server over stdio. Only the module of the command is imported."""
    if command is not None:
        parser = CommandParser(f"custom-speech-mcp {command}", f"{COMMANDS[command]}.")
        module = import_module(f"custom_speech_server.commands.{command.replace('-', '_')}")
        parser.set_defaults(run=module.run)
        module.add_arguments(parser)
        return parser
    parser = CommandParser("custom-speech-mcp", "Manage Azure custom speech models from AI assistants, over MCP.")
    parser.usage = "custom-speech-mcp [COMMAND] [options]"
    parser.add_argument("--version", action="version", version=f"custom-speech-mcp {__version__}")
    serve.add_server_options(parser)
    parser.set_defaults(run=serve.run, http=False)
    listed = "\n".join(f"  {name:<18} {description}" for name, description in COMMANDS.items())
    parser.epilog = f"""commands (details: custom-speech-mcp COMMAND --help):
{listed}

examples:
  custom-speech-mcp                          serve over stdio, as an MCP client starts it
  custom-speech-mcp --config prod.toml doctor
  custom-speech-mcp demo                     see the whole workflow without an account

Without a command, it serves MCP over stdio.
Without a configuration, it uses an emulator: no account, no cost."""
    return parser


if __name__ == "__main__":
    sys.exit(main())
