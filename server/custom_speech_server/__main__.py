"""The command line: parse it and dispatch. Nothing heavy is imported before the command is known."""

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
            stream.reconfigure(errors="replace")  # a console of Windows may show the characters of cp1252 only
    options = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        status = int(options.run(options))
        sys.stdout.flush()
    except ConfigurationError as error:
        notice(str(error))
        return 2
    except KeyboardInterrupt:
        what_is_left = "nothing was changed, and nothing is left running."
        notice(getattr(options, "interrupted", f"interrupted; {what_is_left}"))
        return 130
    except BrokenPipeError:
        # The reader of the output has gone, as `head` does; Python would otherwise report it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


def parse(arguments: list[str]) -> argparse.Namespace:
    """Return the options, which stand before or after the command, with its function `run`, or exit with 2."""
    command, rest = split(arguments)
    parser = create_parser(command)
    options, unknown = parser.parse_known_args(rest)
    if unknown and command is None and not unknown[0].startswith("-"):
        parser.error(f"{unknown[0]!r} is not a command: choose from {', '.join(COMMANDS)}")
    if unknown:
        parser.error(f"does not take {' '.join(unknown)}")
    return options


def split(arguments: list[str]) -> tuple[str | None, list[str]]:
    """Return the command, if any, and the other arguments."""
    named = [argument for argument in arguments if argument in COMMANDS]
    parsers = list(map(create_parser, (None, *named)))
    for index, argument in enumerate(arguments):
        before = arguments[index - 1] if index else ""
        # The value of an option may be spelled like a command.
        if argument in COMMANDS and not any(parser.takes_value(before) for parser in parsers):
            return argument, [*arguments[:index], *arguments[index + 1 :]]
    return None, arguments


def create_parser(command: str | None) -> CommandParser:
    """Return the parser of a command; without one the server serves over stdio. Only this command is imported."""
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
    parser.epilog = f"""commands (custom-speech-mcp COMMAND --help says more):
{listed}

examples:
  custom-speech-mcp                          serve over stdio, as an MCP client starts it
  custom-speech-mcp --config prod.toml doctor
  custom-speech-mcp demo                     see the whole job without an account

Without a command it serves MCP over stdio.
Without any configuration it works on an emulator: no account, no cost."""
    return parser


if __name__ == "__main__":
    sys.exit(main())
