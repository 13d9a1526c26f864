"""init: write resources.toml from the resources that the Azure CLI lists, without storing keys."""

import argparse
import os
import re
import sys
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import anyio

from custom_speech_server import config_source
from custom_speech_server.azure_cli import KINDS, AzureAccount, AzureCLIError, DiscoveredAccounts, list_accounts
from custom_speech_server.commands.doctor import examine
from custom_speech_server.commands.options import add_shared
from custom_speech_server.console import notice, progress, wrapped
from custom_speech_server.resource_config import from_file
from custom_speech_server.resource_file_editor import ResourceFile, table_name
from custom_speech_tools.speech.resource import TRAINING_REGIONS
from custom_speech_tools.speech.sanitize import quote, sanitize


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_shared(parser, "--config")
    option = parser.add_argument
    option("--all", action="store_true", help="add every resource without asking")
    option("--only", nargs="+", action="extend", metavar="NAME", help="add these resources, by name or resource id")
    option("--subscription", metavar="NAME", help="search only this subscription, by name or id")
    option("--repair", action="store_true", help="add missing regions and resource ids to existing entries")
    option("--dry-run", action="store_true", help="print the new file instead of writing it")
    parser.epilog = """Exit status: 0 every added resource answers, 1 one does not, 2 nothing was written.

examples:
  az login
  custom-speech-mcp init
  custom-speech-mcp init --only contoso-train contoso-berlin"""


@dataclass(slots=True)
class Candidate:
    """An account and the name of its entry in the file, if any."""

    account: AzureAccount
    entry: str | None
    remarks: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # values that the entry lacks
    can_be_added: bool = False


def run(options: argparse.Namespace) -> int:
    """Write the file, check the added resources, and return the exit status."""
    file = ResourceFile.read(config_source.config_file(options.config, os.environ) or config_source.user_config_file())
    with progress("Asking az for your Speech resources."):
        found = anyio.run(list_accounts, options.subscription)
    candidates = compare(file, found)
    _print_table(candidates, found)
    chosen = _choose(options, candidates)
    added: dict[str, dict[str, object]] = {}
    for one in chosen:
        added[table_name(one.account, {*file.entries, *added})] = one.account.as_entry(found.az)
    completed = {one.entry: one.missing for one in candidates if options.repair and one.entry and one.missing}
    if not added and not completed:
        print("\nNothing was added.")
        return 0
    text = file.with_entries(added, completed)
    if options.dry_run:
        print(f"\nNew content of {file.path}:\n\n{text}", end="")
        return 0
    file.write(text)
    options.interrupted = f"interrupted; {file.path} was written, and nothing is left running."
    for verb, names in (("Added", added), ("Completed", completed)):
        if names:
            print(wrapped(f"\n{verb} {', '.join(names)} in {file.path}."))
    return _examine(file, {*added, *completed}, found)


def compare(file: ResourceFile, found: DiscoveredAccounts) -> list[Candidate]:
    """Match the accounts with the entries of the file. An entry that matches several accounts is not completed."""
    candidates = [Candidate(one, file.entry_of(one)) for one in found.accounts]
    uses = Counter(one.entry for one in candidates)
    for one in candidates:
        if one.entry is None:
            problem = one.account.problem
            one.can_be_added, one.remarks = not problem, [f"cannot be added: {problem}"] if problem else []
            continue
        differences, missing = file.compare(one.entry, one.account)
        one.remarks = [f"in the file as {one.entry}", *differences]
        if uses[one.entry] > 1:
            one.remarks.append("the entry matches several resources: set its resource_id by hand")
        else:
            one.missing = missing
            one.remarks += [f"{name} is missing (--repair adds it)" for name in missing]
    return candidates


def _print_table(candidates: list[Candidate], found: DiscoveredAccounts) -> None:
    """Print the accounts by subscription, with a number for each that can be added."""
    width = max((len(one.account.name) for one in candidates), default=0)
    line = f"{{:<4}}  {{:<{width}}}  {{:<13}}  {{:<20}}  {{:<4}}  {{:<4}}  {{}}"
    subscription, number = None, 0
    for one in candidates:
        account = one.account
        if account.subscription != subscription:
            subscription = account.subscription
            print(f"\nSubscription {sanitize(subscription.name, 64)} ({subscription.id})")
            print(line.format("", "name", "kind", "region", "tier", "keys", "trains audio"))
        number += one.can_be_added
        shown, tier = str(number) if one.can_be_added else "-", sanitize(account.tier or "?", 12)
        keys, audio = "off" if account.keys_disabled else "on", "yes" if account.region in TRAINING_REGIONS else "no"
        print(line.format(shown, account.name, KINDS[account.kind], account.region, tier, keys, audio))
        if one.remarks:
            print(wrapped("; ".join(one.remarks) + ".", " " * 6, " " * 6))
    if not candidates:
        print("The readable subscriptions have no Speech, Foundry or multi-service resource.")
    for unread in found.unread:
        print(wrapped(f"Not read: {unread}"), file=sys.stderr)


def _choose(options: argparse.Namespace, candidates: list[Candidate]) -> list[Candidate]:
    """Return the accounts to add, chosen by the options or by the user on the terminal."""
    new = [one for one in candidates if one.can_be_added]
    if options.only:
        wanted = {name.lower() for name in options.only}
        known = {name.lower() for one in candidates for name in (one.account.name, one.account.id)}
        if unknown := sorted(wanted - known):
            raise AzureCLIError(f"`az` lists no Speech resource {', '.join(map(quote, unknown))}. Nothing was written.")
        return [one for one in new if {one.account.name.lower(), one.account.id.lower()} & wanted]
    if options.all or not new:
        return new
    if options.repair:
        return []
    if not sys.stdin.isatty():
        raise AzureCLIError("There is no terminal to ask the user: add --all, or --only with names.")
    while True:
        answer = ""
        with suppress(EOFError):
            answer = input("\nWhich resources to add? Numbers such as 1 3-5, names, or all (Enter for none): ")
        chosen = parse_choice(answer, [one.account.name for one in new])
        if chosen is not None:
            return [new[index] for index in chosen]
        print("Use the numbers or names above.")


def parse_choice(answer: str, names: list[str]) -> list[int] | None:
    """Return the indices chosen by an answer such as `1 3-5`, `contoso-train` or `all`, or None if it is invalid."""
    chosen: set[int] = set()
    for word in answer.replace(",", " ").lower().split():
        numbers = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", word)
        found = [index for index, name in enumerate(names) if word in (name.lower(), "all")]
        if numbers and not found:
            found = list(range(int(numbers[1]) - 1, int(numbers[2] or numbers[1])))
        if not found or not 0 <= found[0] <= found[-1] < len(names):
            return None
        chosen.update(found)
    return sorted(chosen)


def _examine(file: ResourceFile, names: set[str], found: DiscoveredAccounts) -> int:
    """Print the results of doctor for the entries, and return the exit status."""
    try:
        resources = from_file(file.path, os.environ)
    except config_source.ConfigurationError as error:  # another entry of the file is invalid
        notice(str(error))
        return 1
    diagnoses = examine([one for one in resources.all if one.name in names], found.accounts)
    for prefix in config_source.ENVIRONMENT_PREFIXES:
        if config_source.variable(os.environ, f"{prefix}_KEY"):
            print(wrapped(f"\n{prefix}_KEY is set, but ignored: the file takes precedence."))
    print("\nRestart the server in your client; then list_resources shows the resources.")
    return 0 if all(one.does_answer for one in diagnoses) else 1
