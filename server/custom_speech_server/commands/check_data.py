"""check-data: check a local file or folder for errors that Azure would reject."""

import argparse

from custom_speech_data.dataset_kinds import KINDS
from custom_speech_server.commands.options import add_shared, path
from custom_speech_server.console import notice, progress, wrapped

_VERDICTS = {
    0: "These data can be imported.",
    1: "These data cannot be imported.",
    3: "These data can be imported after a repair, which upload_dataset makes in a copy.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    kinds = f"the kind of dataset: {', '.join(sorted(KINDS))} (default: guessed)"
    parser.add_argument("path", type=path, metavar="PATH", help="the file or folder")
    parser.add_argument("--kind", choices=sorted(KINDS), metavar="KIND", help=kinds)
    add_shared(parser, "--json")
    parser.epilog = """Exit status: 0 the data can be imported, 3 only after a repair, 1 not at all, 2 wrong usage.

examples:
  custom-speech-mcp check-data terms.txt
  custom-speech-mcp check-data recordings/ --kind Acoustic --json"""


def run(options: argparse.Namespace) -> int:
    """Print the findings and return the exit status."""
    from custom_speech_tools.check_data import check
    from custom_speech_tools.guardrails.local_files import LocalPath

    if not options.path.exists():
        notice(f"{options.path} does not exist.")
        return 2
    with progress(f"Checking {options.path}."):
        resolved = options.path.resolve()
        found = check(LocalPath(str(options.path), resolved.parent, resolved), options.kind, None)
    status = 1 if not found.ok else 3 if found.needs_repair else 0
    if options.json:
        print(found.model_dump_json())
        return status
    print(wrapped(f"{options.path}: {found.kind}{f' ({found.note})' if found.note else ''}"))
    audio = f", {found.files} recordings, {found.audio_hours} h of audio" if found.files else ""
    print(f"{found.lines} lines, {found.words} words, {found.rejected_lines} rejected{audio}")
    for finding in found.findings:
        print(wrapped(f"[{finding.level}] {finding.message} {finding.fix}", "  ", "    "))
    for repair in found.repairs:
        print(wrapped(f"upload_dataset would repair: {repair}", "  ", "    "))
    print(_VERDICTS[status])
    return status
