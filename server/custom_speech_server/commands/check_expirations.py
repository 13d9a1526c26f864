"""check-expirations: what stops working on all configured resources, for cron and continuous integration."""

import argparse
import json
import os
import sys
from typing import Any

import anyio

from custom_speech_server.commands.options import add_shared
from custom_speech_server.console import Progress, wrapped
from custom_speech_server.resource_config import EMULATED, ConfigurationError, Resources, load

_INDENT = " " * 12

MAX_ITEMS = 1000
"""Items that are printed; the tool returns no more."""

SOMETHING_ENDS = 3
"""Exit status: something ends within the days. 0: nothing does. 1: a resource did not answer. 2: wrong usage."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_shared(parser, "--config", "--emulated", "--json")
    parser.add_argument("--within-days", type=_days, default=365, metavar="N", help="days to look ahead (default: 365)")
    parser.add_argument("--locale", help="only this locale (en-US) or language (en)")
    parser.add_argument("--resource", default="*", help="only this resource (default: all)")
    parser.epilog = """Exit status: 0 nothing ends, 3 something ends, 1 a resource did not answer, 2 wrong usage.

examples:
  custom-speech-mcp check-expirations --within-days 90
  custom-speech-mcp check-expirations --locale de --resource berlin --json"""


def run(options: argparse.Namespace) -> int:
    """Print what ends and return the exit status."""
    try:
        resources = EMULATED if options.emulated else load(options.config, os.environ)
    except ConfigurationError as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return 2
    arguments = {
        "within_days": options.within_days,
        "locale": options.locale,
        "resource": options.resource,
        "limit": MAX_ITEMS,
    }
    with Progress("Reading models and endpoints of all resources."):
        is_error, text = anyio.run(_call, resources, arguments)
    if is_error:
        print(f"custom-speech-mcp: {text}", file=sys.stderr)
        return 1
    answer = json.loads(text)
    asked = len(resources.all) if options.resource == "*" else 1
    print(text if options.json else as_table(answer, options.within_days, asked))
    if answer.get("unread"):
        return 1
    return SOMETHING_ENDS if answer["items"] else 0


async def _call(resources: Resources, arguments: dict[str, Any]) -> tuple[bool, str]:
    """Call the tool as a client does, on a server that cannot change anything."""
    from mcp import Client

    from custom_speech_server.app import Settings, build

    server = build(Settings(resources, state_key=os.urandom(32), read_only=True))
    async with Client(server, cache=None) as client:
        result = await client.call_tool("check_expirations", arguments)
    return bool(result.is_error), "".join(getattr(block, "text", "") for block in result.content)


def as_table(answer: dict[str, Any], within_days: int, asked: int) -> str:
    """Return what could not be read, then the items, three lines each: when and what, the effect, and what to do.

    Args:
        asked: The number of resources that were asked.
    """
    unread = answer.get("unread", [])
    missing = [wrapped(f"{one['resource']}: {one['reason']}", "Not read: ") for one in unread]
    if not answer["items"]:
        if len({one["resource"] for one in unread}) == asked:
            return "\n".join(missing)
        what = "Nothing else" if unread else "Nothing"
        return "\n".join([*missing, f"{what} ends within {within_days} day(s)."])
    blocks = [
        f"{item['ends']}  {item['kind'].replace('_', ' '):<10}  {item['resource']}  {item['what']}\n"
        f"{wrapped(item['effect'], _INDENT, _INDENT)}\n{wrapped(item['action'], _INDENT, _INDENT)}"
        for item in answer["items"]
    ]
    months = ", ".join(f"{month}: {count}" for month, count in answer["per_month"].items())
    number = sum(answer["per_month"].values())
    total = f"{'At least ' if unread else ''}{number} in all ({months})"
    if number > len(answer["items"]):
        total += (
            f"\nThe first {len(answer['items'])} are shown; --locale, --resource and --within-days narrow the list."
        )
    return "\n\n".join([*filter(None, ["\n".join(missing)]), *blocks, total])


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 3650:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days from 1 to 3650")
    return int(text)
