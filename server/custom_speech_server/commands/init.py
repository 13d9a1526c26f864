"""init: write resources.toml from what the Azure CLI knows; nothing that it knows is asked, and no key is stored."""

import argparse
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass, field

import anyio

from custom_speech_server.azure_cli import KINDS, Account, AzureCLIError, Found, list_accounts
from custom_speech_server.commands.doctor import examine
from custom_speech_server.commands.options import add_shared
from custom_speech_server.config_source import ENVIRONMENT_PREFIXES, named_file, user_config_file, variable
from custom_speech_server.console import Progress, wrapped
from custom_speech_server.resource_config import ConfigurationError, from_file
from custom_speech_server.resource_file import ResourceFile, entry_for, table_name
from custom_speech_tools.speech.sanitize import quote, sanitize


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_shared(parser, "--config")
    parser.add_argument("--all", action="store_true", help="add every resource, without asking")
    parser.add_argument("--only", nargs="+", action="extend", metavar="NAME", help="add these, by name or resource id")
    parser.add_argument("--subscription", metavar="NAME", help="look in this subscription only, by name or id")
    parser.add_argument("--repair", action="store_true", help="add missing regions and resource ids to present entries")
    parser.add_argument("--dry-run", action="store_true", help="print the file as it would be, and write nothing")
    parser.epilog = """Exit status: 0 every resource that was added answers, 1 one does not, 2 nothing was written.

examples:
  az login
  custom-speech-mcp init
  custom-speech-mcp init --only contoso-train contoso-berlin"""


@dataclass(slots=True)
class Candidate:
    """An account, and the entry of the file that it is, if any."""

    account: Account
    entry: str | None
    remarks: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        """True if it can be added."""
        return self.entry is None and self.account.problem is None


def run(options: argparse.Namespace) -> int:
    """Write the file, examine what was added, and return the exit status."""
    try:
        file = ResourceFile.read(named_file(options.config, os.environ) or user_config_file())
        with Progress("Asking az for your Speech resources."):
            found = anyio.run(list_accounts, options.subscription)
        candidates = compare(file, found)
        _print_table(candidates, found)
        chosen = _choose(options, [one for one in candidates if one.is_new], candidates)
        names = _add(options, file, chosen, [one for one in candidates if options.repair and one.missing], found.az)
        return _examine(options, file, names, found)
    except (AzureCLIError, ConfigurationError) as error:
        print(wrapped(f"custom-speech-mcp: {error}") if "\n" not in str(error) else error, file=sys.stderr)
        return 2


def compare(file: ResourceFile, found: Found) -> list[Candidate]:
    """Return the accounts beside their entries; an entry that fits several accounts is not completed."""
    candidates = [
        Candidate(one, file.entry_of(one), [f"cannot be added: {one.problem}"] if one.problem else [])
        for one in found.accounts
    ]
    uses = Counter(one.entry for one in candidates)
    for one in candidates:
        if one.entry is None:
            continue
        one.remarks = [f"in the file as {one.entry}", *file.differences(one.entry, one.account)]
        if uses[one.entry] > 1:
            one.remarks.append("the entry fits several resources: set its resource_id yourself")
        else:
            one.missing = file.missing(one.entry, one.account)
            one.remarks += [f"{name} is missing (--repair adds it)" for name in one.missing]
    return candidates


def _print_table(candidates: list[Candidate], found: Found) -> None:
    """Print the accounts below their subscriptions; those that can be added have a number."""
    header = ("", "name", "kind", "region", "tier", "keys", "trains audio")
    numbers = iter(range(1, len(candidates) + 1))
    rows = [
        (
            str(next(numbers)) if one.is_new else "-",
            one.account.name,
            KINDS[one.account.kind],
            one.account.region,
            sanitize(one.account.tier or "?", 12),
            "off" if one.account.keys_disabled else "on",
            "yes" if one.account.trains_audio else "no",
        )
        for one in candidates
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    subscription = None
    for one, row in zip(candidates, rows, strict=True):
        if one.account.subscription != subscription:
            subscription = one.account.subscription
            print(f"\nSubscription {sanitize(subscription.name, 64)} ({subscription.id})")
            print(_columns(header, widths))
        print(_columns(row, widths))
        if one.remarks:
            print(wrapped("; ".join(one.remarks) + ".", " " * 6, " " * 6))
    if not candidates:
        print("The subscriptions that could be read have no Speech, Foundry or multi-service resource.")
    for unread in found.unread:
        print(wrapped(f"Not read: {unread}"), file=sys.stderr)


def _columns(row: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _choose(options: argparse.Namespace, new: list[Candidate], candidates: list[Candidate]) -> list[Candidate]:
    """Return what to add: as the options say, else as the user says on the terminal."""
    if options.only:
        wanted = {name.lower() for name in options.only}
        known = {name.lower() for one in candidates for name in (one.account.name, one.account.id)}
        if unknown := sorted(wanted - known):
            raise AzureCLIError(f"`az` shows no Speech resource {', '.join(map(quote, unknown))}. Nothing was written.")
        return [one for one in new if {one.account.name.lower(), one.account.id.lower()} & wanted]
    if options.all or not new:
        return new
    if options.repair:
        return []
    if not sys.stdin.isatty():
        raise AzureCLIError("Nobody can be asked without a terminal: add --all, or --only with names.")
    return [new[index] for index in _ask([one.account.name for one in new])]


def _ask(names: list[str]) -> list[int]:
    """Return the indices of the names that the user wants."""
    chosen = None
    while chosen is None:
        try:
            answer = input("\nAdd which of them? Numbers such as 1 3-5, names, or all; Enter adds none: ")
        except EOFError:
            return []
        chosen = parse_choice(answer, names)
        if chosen is None:
            print("That is not one of the numbers or names above.")
    return chosen


def parse_choice(answer: str, names: list[str]) -> list[int] | None:
    """Return the indices that an answer such as `1 3-5`, `contoso-train` or `all` means; None if one is unknown."""
    chosen: set[int] = set()
    for part in answer.replace(",", " ").split():
        numbers = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part)
        named = [index for index, name in enumerate(names) if name.lower() == part.lower()]
        if part.lower() == "all":
            named = list(range(len(names)))
        elif numbers and not named:
            named = list(range(int(numbers[1]) - 1, int(numbers[2] or numbers[1])))
        if not named or not 0 <= named[0] <= named[-1] < len(names):
            return None
        chosen.update(named)
    return sorted(chosen)


def _add(
    options: argparse.Namespace, file: ResourceFile, chosen: list[Candidate], incomplete: list[Candidate], az: str
) -> list[str]:
    """Write the entries and return their names."""
    added: dict[str, dict[str, object]] = {}
    for one in chosen:
        added[table_name(one.account, {*file.entries, *added})] = entry_for(one.account, az)
    completed = {one.entry: one.missing for one in incomplete if one.entry}
    if not added and not completed:
        print("\nNothing was added.")
        return []
    text = file.with_entries(added, completed)
    if options.dry_run:
        print(f"\n{file.path} would be:\n\n{text}", end="")
        return []
    file.write(text)
    options.interrupted = f"interrupted; {file.path} was written, and nothing is left running."
    for verb, names in (("Added", added), ("Completed", completed)):
        if names:
            print(wrapped(f"\n{verb} {', '.join(names)} in {file.path}."))
    return [*added, *completed]


def _examine(options: argparse.Namespace, file: ResourceFile, names: list[str], found: Found) -> int:
    """Print what doctor says about the entries."""
    if not names:
        return 0
    try:
        resources = from_file(file.path, os.environ)
    except ConfigurationError as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return 1
    chosen = [one for one in resources.all if one.name in names]
    diagnoses = examine(chosen, resources, found.accounts)
    for prefix in ENVIRONMENT_PREFIXES:
        if variable(os.environ, f"{prefix}_KEY"):
            print(wrapped(f"\n{prefix}_KEY is set, but the file comes first; `--config` and the file decide."))
    print("\nRestart the server in your client; list_resources then shows what it works on.")
    return 0 if all(one.does_answer for one in diagnoses) else 1
