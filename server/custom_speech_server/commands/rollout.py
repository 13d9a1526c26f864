"""rollout: make true what a rollout file describes: one tested model in many regions; repeat it at any moment."""

import argparse
import getpass
import json
import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from custom_speech_server.commands.options import add_shared, path
from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.console import notice, wrapped

if TYPE_CHECKING:
    from custom_speech_server.app import Settings
    from custom_speech_server.rollouts.file import RolloutFile

NOTHING_CHANGES, SOMETHING_CHANGES, WRONG = 0, 2, 1
"""Exit statuses of --plan."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LOOK_SECONDS = 300
"""The longest that is waited for a service that does not answer, before anything is begun."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    option = parser.add_argument
    option("file", type=path, metavar="FILE", help="the rollout file (docs/rollouts.md)")
    option("--plan", action="store_true", help="print what would change, and change nothing")
    option("--continue", dest="only_continue", action="store_true", help="go on with an unfinished rollout; begin none")
    option("--history", action="store_true", help="print earlier rollouts of this file")
    option(
        "--wait", type=_duration, default=86400, metavar="TIME", help="the longest run: 90s, 30m, 24h (default: 24h)"
    )
    add_shared(parser, "--config", "--emulated", "--confirm", "--json")
    parser.set_defaults(
        read_only=False, toolsets=None, max_wait=None, data_dir=None, log="text", telemetry=False, http=False
    )
    parser.epilog = """Exit status: 0 done, 1 failed or wrong file, 3 not finished in time, 4 gate not passed.
With --plan: 0 nothing would change, 2 something would, 1 error.

examples:
  custom-speech-mcp rollout clinic.toml --plan
  custom-speech-mcp rollout clinic.toml --confirm never --json"""


def run(options: argparse.Namespace) -> int:
    """Plan, carry out or show a rollout, and return the exit status."""
    import anyio

    try:
        from custom_speech_server.rollouts.file import read_rollout_file

        content = read_rollout_file(options.file)
        settings = _settings(options)
    except ConfigurationError as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return WRONG
    if options.history:
        return anyio.run(show_history, options, content, settings)
    return anyio.run(roll_out_file, options, content, settings)


def _settings(options: argparse.Namespace) -> "Settings":
    from custom_speech_server.commands.serve import settings_with_state
    from custom_speech_server.observability.logs import log_text_to_stderr
    from custom_speech_server.resource_config import EMULATED, load

    log_text_to_stderr()
    resources = EMULATED if options.emulated else load(options.config, os.environ)
    settings = settings_with_state(options, resources, None)
    return replace(settings, caller=_user())


async def roll_out_file(options: argparse.Namespace, content: "RolloutFile", settings: "Settings") -> int:
    """Plan a rollout or carry it out, and return the exit status."""
    from custom_speech_server.rollouts.execution import UNFINISHED, CallFailedError, TimeIsOverError

    try:
        preview = await _ask(options, content, settings, "preview_rollout")
        if options.only_continue and preview["model"] is None:
            notice("there is no unfinished rollout to continue, and none was begun.", "text")
            return NOTHING_CHANGES
        if options.plan:
            print(json.dumps(preview) if options.json else plan_text(preview))
            return _plan_status(preview)
        if not options.json:
            print(plan_text(preview))
        agreed_by = _agreement(preview, settings)
        if agreed_by is None:
            return WRONG
        return await _carry_out(options, content, replace(settings, confirm="never", agreed_by=agreed_by), preview)
    except CallFailedError as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return WRONG
    except TimeIsOverError:
        return WRONG if options.plan else UNFINISHED


async def _ask(options: argparse.Namespace, content: "RolloutFile", settings: "Settings", tool: str) -> dict[str, Any]:
    """Return the answer of a tool that only looks."""
    from custom_speech_server.rollouts.execution import with_execution

    arguments = preview_arguments(content)
    seconds = min(_LOOK_SECONDS, options.wait) if options.wait else _LOOK_SECONDS
    return await with_execution(settings, content, seconds, _report, lambda execution: execution.call(tool, arguments))


def preview_arguments(content: "RolloutFile") -> dict[str, Any]:
    """Return the arguments of the preview."""
    if content.model.model is not None:
        return {**content.arguments(), "model": content.model.model}
    training = content.training(content.model.display_name, None)
    return {**content.arguments(), "training": {name: part for name, part in training.items() if part is not None}}


def _plan_status(preview: dict[str, Any]) -> int:
    if any(target["error"] for target in preview["targets"]):
        return WRONG
    return SOMETHING_CHANGES if preview["changes"] else NOTHING_CHANGES


def _agreement(preview: dict[str, Any], settings: "Settings") -> str | None:
    """Return how the charges were agreed to, None where they were not."""
    if not preview["charges"] or settings.confirm == "never":
        return settings.agreed_by
    if not sys.stdin.isatty():
        print(
            "custom-speech-mcp: nothing was done: this costs money, and nobody can be asked without a terminal. "
            "Pass --confirm never to agree in advance.",
            file=sys.stderr,
        )
        return None
    answer = input("Do all of this, with these charges? [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        print("Nothing was done.")
        return None
    return "by asking the user at the terminal"


async def _carry_out(
    options: argparse.Namespace, content: "RolloutFile", settings: "Settings", preview: dict[str, Any]
) -> int:
    from custom_speech_server.rollouts.execution import Execution, with_execution

    async def work(execution: Execution) -> tuple[int, dict[str, Any]]:
        return await execution.run(preview), execution.answer

    status, answer = await with_execution(settings, content, options.wait, _report, work)
    if options.json:
        print(json.dumps({**answer, "exit_status": status}))
    elif answer:
        print(result_text(answer))
    return status


async def show_history(options: argparse.Namespace, content: "RolloutFile", settings: "Settings") -> int:
    """Print earlier rollouts, and return the exit status."""
    from custom_speech_server.rollouts.execution import CallFailedError, TimeIsOverError

    try:
        history = await _ask(options, content, settings, "rollout_history")
    except (CallFailedError, TimeIsOverError) as error:
        print(f"custom-speech-mcp: {error}", file=sys.stderr)
        return WRONG
    people = _people(settings)
    for past in history["rollouts"]:
        past["by"] = sorted(people.get(past["model"], set()))
    print(json.dumps(history) if options.json else history_text(history["rollouts"]))
    return 0


def _people(settings: "Settings") -> dict[str, set[str]]:
    """Return who rolled out each model from this machine, as its audit log says."""
    people: dict[str, set[str]] = {}
    for entry in settings.audit.entries("roll_out"):
        arguments = entry.get("arguments")
        model = arguments.get("model") if isinstance(arguments, dict) else None
        if model and entry.get("caller"):
            people.setdefault(str(model), set()).add(str(entry["caller"]))
    return people


def history_text(rollouts: list[dict[str, Any]]) -> str:
    """Return earlier rollouts for people, newest first."""
    if not rollouts:
        return "No rollout of this file has been judged yet."
    return "\n\n".join(map(_past_text, rollouts))


def _past_text(past: dict[str, Any]) -> str:
    by = f", by {', '.join(past['by'])}" if past["by"] else ""
    lines = [f"{(past['created'] or '')[:10]}  {past['display_name']} ({past['model']}){by}"]
    lines.append(wrapped(past["verdict"], "  "))
    for one in past["targets"]:
        where = f"copied {one['copied'][:16]}" if one["copied"] else one["error"] or "not copied"
        live = f", in endpoint {one['endpoint']} since {(one['deployed'] or '')[:16]}" if one["endpoint"] else ""
        lines.append(wrapped(f"{one['resource']}: {where}{live}", "  "))
    return "\n".join(lines)


def plan_text(preview: dict[str, Any]) -> str:
    """Return the plan for people, at most 80 characters wide."""
    lines = [f"Model {preview['display_name']} ({preview['locale']})", wrapped(f"Gate: {preview['gate']}")]
    lines += [f"  + {change}" for change in preview["changes"]] or ["  Nothing to change."]
    lines += [wrapped(f"charge: {charge}", "  $ ") for charge in preview["charges"]]
    lines += [wrapped(f"{one['resource']}: {one['error']}", "  ! ") for one in preview["targets"] if one["error"]]
    lines += [wrapped(f"[{one['rule']}] {one['message']}", "  ! ") for one in preview["findings"]]
    return "\n".join(lines)


def result_text(answer: dict[str, Any]) -> str:
    """Return the state of all targets for people, at most 80 characters wide."""
    lines = [f"Model {answer['model']['display_name']} ({answer['model']['id']})"]
    lines.append(wrapped(f"Gate: {answer['gate']['reason']}"))
    for one in answer["targets"]:
        endpoint = f"  endpoint {one['endpoint']['display_name']} ({one['endpoint']['id']})" if one["endpoint"] else ""
        lines.append(f"  {one['resource']:<24} {one['status']}")
        lines += [wrapped(endpoint, "   ")] if endpoint else []
        lines += [wrapped(f"before: {_name(one['previous_model'])}", "     ")] if one["previous_model"] else []
        lines += [wrapped(one["error"], "     ")] if one["error"] else []
    return "\n".join(lines)


def _name(model: dict[str, Any]) -> str:
    return f"{model['display_name']} ({model['id']})"


def _report(line: str) -> None:
    notice(line, "text")


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name for the user id, as in some containers
        return None


def _duration(text: str) -> int:
    match = re.fullmatch(r"(\d{1,6})([smhd]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 30m, 24h or 2d")
    return int(match[1]) * _UNITS[match[2] or "s"]
