"""report: what ends when, the models of all resources and their tests, as one page or as JSON."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from custom_speech_server.commands.options import add_shared, path
from custom_speech_server.console import Progress, wrapped
from custom_speech_server.resource_config import EMULATED, ConfigurationError, Resources, load

MAX_ITEMS = 1000
"""Items of a list; the tools return no more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--html", type=path, metavar="FILE", help="write the page to this file")
    parser.add_argument(
        "--tests", type=_number, default=20, metavar="N", help="newest tests whose details are read (default: 20)"
    )
    add_shared(parser, "--config", "--emulated", "--json")
    parser.epilog = """Exit status: 0 everything is shown, 1 a resource did not answer, 2 wrong usage.

examples:
  custom-speech-mcp report --html models.html
  custom-speech-mcp report --json --config prod.toml"""


def run(options: argparse.Namespace) -> int:
    """Write the report and return the exit status."""
    import anyio

    from custom_speech_server.view.page import report_page, summary

    try:
        resources = EMULATED if options.emulated else load(options.config, os.environ)
        with Progress("Reading models, endpoints and tests of all resources."):
            report = anyio.run(_collect, resources, options.tests)
        if options.html is not None:
            Path(options.html).write_text(report_page(report), encoding="utf-8")
    except (ConfigurationError, OSError) as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return 2
    for one in report["unread"]:
        print(f"custom-speech-mcp: not read: {one['resource']}: {one['reason']}", file=sys.stderr)
    if options.json:
        print(json.dumps(report))
    else:
        print(
            "\n".join(
                wrapped(f"{title}: {fact} ({more.replace('</div>', ' ').striptags()})")
                for title, fact, more in summary(report)
            )
        )
        print("The page: custom-speech-mcp report --html FILE" if options.html is None else f"\n{options.html}")
    return 1 if report["unread"] else 0


async def _collect(resources: Resources, max_tests: int) -> dict[str, Any]:
    """Return the answers of the tools by what they are about, after what could not be read."""
    from mcp import Client

    from custom_speech_server.app import Settings, build

    unread: dict[str, dict[str, Any]] = {}
    server = build(Settings(resources, state_key=os.urandom(32), read_only=True))
    async with Client(server, cache=None) as client:

        async def read(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            answer = dict(result.structured_content or {})
            for one in answer.get("unread", []):
                unread.setdefault(one["resource"], one)
            if result.is_error:
                text = "".join(getattr(block, "text", "") for block in result.content)
                raise OSError(text)
            return answer

        everywhere: dict[str, Any] = {"resource": "*", "limit": MAX_ITEMS}
        report = {
            "resources": await read("list_resources"),
            "expirations": await read("check_expirations", within_days=3650, **everywhere),
            "models": await read("list_models", **everywhere),
            "endpoints": await read("list_endpoints", **everywhere),
            "evaluations": await read("list_evaluations", **everywhere),
        }
        finished = [one for one in report["evaluations"]["evaluations"] if one["status"] == "Succeeded"]
        tests = []
        for one in finished[:max_tests]:
            name, where = one["id"], one["resource"]
            result = await client.call_tool(
                "get_evaluation", {"evaluation": name, "worst": 5, "words": 10, "resource": where}
            )
            if result.is_error:
                reason = "".join(getattr(block, "text", "") for block in result.content)
                unread.setdefault(where, {"resource": where, "reason": f"Test {one['display_name']}: {reason}"})
            else:
                tests.append(result.structured_content)
    now = report["expirations"]["now"]
    return {"unread": list(unread.values()), "now": now, **report, "tests": tests}


def _number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of tests")
    return int(text)
