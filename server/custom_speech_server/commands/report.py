"""report: expirations, models and evaluations of all resources, as a summary, an HTML page or JSON."""

import argparse
import json
from itertools import chain
from typing import Any

from custom_speech_server.commands.options import add_shared, named_resources, number, path
from custom_speech_server.console import notice, progress, wrapped
from custom_speech_server.in_process_client import MAX_ITEMS, ToolFailedError, read_only_client
from custom_speech_server.resource_config import Resources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    option = parser.add_argument
    option("--html", type=path, metavar="FILE", help="write an HTML page to this file")
    count = number("a number of tests", 0, MAX_ITEMS)
    option("--tests", type=count, default=20, metavar="N", help="number of tests shown with details (default: 20)")
    add_shared(parser, "--config", "--emulated", "--json")
    parser.epilog = """Exit status: 0 everything was read, 1 something was not, 2 wrong usage.

examples:
  custom-speech-mcp report --html models.html
  custom-speech-mcp report --json --config prod.toml"""


def run(options: argparse.Namespace) -> int:
    """Write the report and return the exit status."""
    import anyio

    from custom_speech_server.view import report_page, summary

    resources = named_resources(options)
    try:
        with progress("Reading models, endpoints and tests of all resources."):
            report = anyio.run(_collect, resources, options.tests)
        if options.html is not None:
            options.html.write_text(report_page(report), encoding="utf-8")
    except ToolFailedError as error:
        notice(str(error))
        return 1
    except OSError as error:
        notice(f"{options.html}: cannot be written: {error.strerror}.")
        return 2
    for one in report["unread"]:
        notice(f"not read: {one['resource']}: {one['reason']}")
    if options.json:
        print(json.dumps(report))
    else:
        for title, fact, more in summary(report):
            print(wrapped(f"{title}: {fact} ({more.replace('</div>', ' ').striptags()})"))
        print("The page: custom-speech-mcp report --html FILE" if options.html is None else f"\n{options.html}")
    return 1 if report["unread"] else 0


async def _collect(resources: Resources, max_evaluations: int) -> dict[str, Any]:
    """Return the results of the tools by topic, the details of the newest evaluations, and what could not be read."""
    everywhere: dict[str, Any] = {"resource": "*", "limit": MAX_ITEMS}
    async with read_only_client(resources) as call:
        report = {
            "resources": await call("list_resources"),
            "expirations": await call("check_expirations", within_days=3650, **everywhere),
            "models": await call("list_models", **everywhere),
            "endpoints": await call("list_endpoints", **everywhere),
            "evaluations": await call("list_evaluations", **everywhere),
        }
        unread: dict[str, dict[str, Any]] = {}
        for one in chain.from_iterable(answer.get("unread", []) for answer in report.values()):
            unread.setdefault(one["resource"], one)
        finished = [one for one in report["evaluations"]["evaluations"] if one["status"] == "Succeeded"]
        details = []
        for one in finished[:max_evaluations]:
            name = one["resource"]
            try:
                details.append(await call("get_evaluation", evaluation=one["id"], worst=5, words=10, resource=name))
            except ToolFailedError as error:
                unread.setdefault(name, {"resource": name, "reason": f"Test {one['display_name']}: {error}"})
    return {"unread": list(unread.values()), "now": report["expirations"]["now"], **report, "tests": details}
