"""check-expirations: list the models and endpoints that expire, for cron and continuous integration."""

import argparse
import json
from typing import Any

import anyio

from custom_speech_server.commands.options import add_shared, named_resources, number
from custom_speech_server.console import notice, progress, wrapped
from custom_speech_server.in_process_client import MAX_ITEMS, ToolFailedError, read_only_client

SOMETHING_EXPIRES = 3  # exit status
_INDENT = " " * 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_shared(parser, "--config", "--emulated", "--json")
    days = number("a number of days", 1, 3650)
    parser.add_argument(
        "--within-days", type=days, default=365, metavar="N", help="number of days to check (default: 365)"
    )
    parser.add_argument("--locale", help="only this locale (en-US) or language (en)")
    parser.add_argument("--resource", default="*", metavar="NAME", help="only this resource (default: all)")
    parser.epilog = """Exit status: 0 nothing expires, 3 something expires, 1 a resource did not answer, 2 wrong usage.

examples:
  custom-speech-mcp check-expirations --within-days 90
  custom-speech-mcp check-expirations --locale de --resource berlin --json"""


def run(options: argparse.Namespace) -> int:
    """Print the expirations and return the exit status."""
    resources = named_resources(options)
    arguments = {"within_days": options.within_days, "locale": options.locale, "resource": options.resource}

    async def check() -> dict[str, Any]:
        async with read_only_client(resources) as call:
            return await call("check_expirations", limit=MAX_ITEMS, **arguments)

    try:
        with progress("Reading models and endpoints of all resources."):
            answer = anyio.run(check)
    except ToolFailedError as error:
        notice(str(error))
        return 1
    if options.json:
        print(json.dumps(answer, ensure_ascii=False, separators=(",", ":")))
    else:
        print(as_table(answer, options.within_days, len(resources.all) if options.resource == "*" else 1))
    if answer.get("unread"):
        return 1
    return SOMETHING_EXPIRES if answer["items"] else 0


def as_table(answer: dict[str, Any], within_days: int, resources: int) -> str:
    """Format the unread resources and the expirations; `resources` is the number of resources that were queried."""
    unread = answer.get("unread", [])
    blocks = [wrapped(f"{one['resource']}: {one['reason']}", "Not read: ") for one in unread]
    if not answer["items"]:
        nothing = f"{'Nothing else' if unread else 'Nothing'} ends within {within_days} day(s)."
        return "\n".join(blocks if len({one["resource"] for one in unread}) == resources else [*blocks, nothing])
    blocks = ["\n".join(blocks)] if blocks else []
    for item in answer["items"]:
        entity = f"{item['kind'].replace('_', ' '):<10}  {item['resource']}  {item['what']}"
        more = (wrapped(item[field], _INDENT, _INDENT) for field in ("effect", "action"))
        blocks.append("\n".join([wrapped(entity, f"{item['ends']}  ", _INDENT), *more]))
    months = ", ".join(f"{month}: {ends}" for month, ends in answer["per_month"].items())
    count, shown = sum(answer["per_month"].values()), len(answer["items"])
    total = f"{'At least ' if unread else ''}{count} in all ({months})"
    if count > shown:
        total += f"\nThe first {shown} are shown; --locale, --resource and --within-days narrow the list."
    return "\n\n".join([*blocks, total])
