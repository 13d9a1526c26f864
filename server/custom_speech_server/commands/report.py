"""report: what ends when, the models of all resources and their tests, as one page or as JSON."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from custom_speech_server.commands.options import add_shared, path
from custom_speech_server.console import Progress
from custom_speech_server.resource_config import EMULATED, ConfigurationError, Resources, load

MAX_TESTS = 5
"""Tests of each resource that are shown, the newest ones."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--html", type=path, metavar="FILE", help="write the page to this file")
    add_shared(parser, "--config", "--emulated", "--json")
    parser.epilog = """Exit status: 0 everything is shown, 1 a resource did not answer, 2 wrong usage.

examples:
  custom-speech-mcp report --html models.html
  custom-speech-mcp report --json --config prod.toml"""


def run(options: argparse.Namespace) -> int:
    """Write the report and return the exit status."""
    import anyio

    from custom_speech_server.view import page

    if options.html is None and not options.json:
        print("custom-speech-mcp: name where to write the page with --html FILE, or use --json.", file=sys.stderr)
        return 2
    try:
        resources = EMULATED if options.emulated else load(options.config, os.environ)
        with Progress("Reading models, endpoints and tests of all resources."):
            answers, problems = anyio.run(_collect, resources)
        if options.html is not None:
            Path(options.html).write_text(page(answers), encoding="utf-8")
    except (ConfigurationError, OSError) as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(answers))
    else:
        print(f"{options.html}: {len(answers)} sections.")
    for problem in problems:
        print(f"custom-speech-mcp: {problem}", file=sys.stderr)
    return 1 if problems else 0


async def _collect(resources: Resources) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the answers of the tools, in the order of the page, and what could not be read."""
    from mcp import Client

    from custom_speech_server.app import Settings, build

    answers: list[dict[str, Any]] = []
    problems: list[str] = []
    server = build(Settings(resources, state_key=os.urandom(32), read_only=True))
    async with Client(server, cache=None) as client:

        async def add(tool: str, **arguments: Any) -> dict[str, Any]:
            result = await client.call_tool(tool, arguments)
            answer = dict(result.structured_content or {})
            if result.is_error:
                problems.append("".join(getattr(block, "text", "") for block in result.content))
            elif answer.get("note"):
                problems.append(str(answer["note"]))
            return answer

        answers.append(await add("check_expirations", within_days=1500))
        answers.append(await add("list_models", resource="*", limit=100))
        tests = await add("list_evaluations", resource="*", status="Succeeded", limit=100)
        shown: dict[str, int] = {}
        for test in tests.get("evaluations", []):
            resource = str(test["resource"])
            shown[resource] = shown.get(resource, 0) + 1
            if shown[resource] <= MAX_TESTS:
                answers.append(await add("get_evaluation", evaluation=test["id"], worst=5, resource=resource))
    return [answer for answer in answers if answer], problems
