"""completion: print the script that completes this command's options in a shell."""

import argparse
import sys

SHELLS = ("bash", "zsh", "tcsh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to print the script for")


def run(options: argparse.Namespace) -> int:
    """Print the script and return the exit status."""
    from custom_speech_server.__main__ import create_parser
    from custom_speech_server.commands import COMMANDS

    try:
        import shtab
    except ImportError:
        print(
            "custom-speech-mcp: needs the extra `completion`: pip install 'custom-speech-mcp[completion]'",
            file=sys.stderr,
        )
        return 2
    print(shtab.complete(create_parser(list(COMMANDS)), shell=options.shell))
    return 0
