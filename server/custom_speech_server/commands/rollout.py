"""rollout: test a model and bring it to many regions as a rollout file describes; safe to repeat."""

import argparse
import getpass
import json
import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from custom_speech_server.commands import serve
from custom_speech_server.commands.options import add_shared, named_resources, path
from custom_speech_server.config_source import ConfigurationError
from custom_speech_server.console import notice, show_progress, wrapped

if TYPE_CHECKING:
    from datetime import datetime

    from custom_speech_server.app import Settings
    from custom_speech_server.rollout_file import RolloutFile
    from custom_speech_server.rollout_run import RolloutRun
    from custom_speech_tools.rollout.plan import RolloutPlan
    from custom_speech_tools.runtime.calling_client import ElicitationAnswer

NOTHING_CHANGES, SOMETHING_CHANGES, WRONG = 0, 2, 1  # exit statuses of --plan
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_PLAN_SECONDS = 300  # the longest wait for a service that does not respond, before anything is started


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    # The settings are made of the options of serve, which this command does not take: they have their defaults.
    server = argparse.ArgumentParser(add_help=False)
    serve.add_arguments(server)
    parser.set_defaults(**vars(server.parse_args([])))
    option = parser.add_argument
    option("file", type=path, metavar="FILE", help="the rollout file (docs/rollouts.md)")
    option("--plan", action="store_true", help="print what would change, and change nothing")
    option("--continue", dest="only_continue", action="store_true", help="continue an unfinished rollout; start none")
    option("--wait", type=_duration, default=86400, metavar="TIME", help="the longest run: 90s, 30m or 24h (default)")
    add_shared(parser, "--config", "--emulated", "--confirm", "--json")
    parser.set_defaults(
        interrupted="interrupted; trainings, copies and deployments that have started continue in Azure. The same "
        "command continues the rollout and creates nothing twice.",
    )
    parser.epilog = """Exit status: 0 done, 1 failed or wrong file, 3 not finished in time, 4 gate not passed.
With --plan: 0 nothing would change, 2 something would, 1 error.

examples:
  custom-speech-mcp rollout clinic.toml --plan
  custom-speech-mcp rollout clinic.toml --confirm never --json"""


def run(options: argparse.Namespace) -> int:
    """Plan or run a rollout, and return the exit status."""
    import anyio

    from custom_speech_server.observability import log_to_stderr
    from custom_speech_server.rollout_file import read_rollout_file

    log_to_stderr()
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name for the user id, as in some containers
        user = None
    try:
        content = read_rollout_file(options.file)
        settings = replace(serve.settings_with_state(options, named_resources(options), None), caller=user)
    except ConfigurationError as error:
        notice(str(error))
        return WRONG
    return anyio.run(roll_out_file, options, content, settings)


async def roll_out_file(options: argparse.Namespace, content: "RolloutFile", settings: "Settings") -> int:
    """Create the application context, plan or run the rollout, and return the exit status."""
    import anyio

    from custom_speech_server.app import app_context
    from custom_speech_server.rollout_run import UNFINISHED, RolloutRun, TimeLimitError
    from custom_speech_tools.runtime.errors import Refused
    from custom_speech_tools.runtime.registry import tool_names
    from custom_speech_tools.speech import SpeechError

    async with app_context(settings, frozenset(tool_names())) as app:
        until = anyio.current_time() + min(_PLAN_SECONDS, options.wait or _PLAN_SECONDS)
        rollout_run = RolloutRun(app, content, Terminal(), until, lambda line: notice(line, "text"))
        try:
            return await _roll_out(options, rollout_run)
        except (Refused, SpeechError) as error:
            notice(str(error))
            return WRONG
        except TimeLimitError:
            return WRONG if options.plan else UNFINISHED


async def _roll_out(options: argparse.Namespace, rollout_run: "RolloutRun") -> int:
    import anyio

    plan = await rollout_run.plan()
    if options.only_continue and plan.model.entity is None:
        notice("there is no unfinished rollout to continue, and none was started.", "text")
        return NOTHING_CHANGES
    planned = describe_plan(plan)
    if options.plan or not options.json:
        print(json.dumps(planned) if options.json else plan_text(planned))
    if options.plan:
        is_wrong = any(target["error"] for target in planned["targets"])
        return WRONG if is_wrong else SOMETHING_CHANGES if planned["changes"] else NOTHING_CHANGES
    plan, agreement = await rollout_run.obtain_agreement(plan)
    rollout_run.until = anyio.current_time() + options.wait
    status = await rollout_run.run(plan, agreement)
    answer: dict[str, Any] = rollout_run.answer.model_dump(mode="json", by_alias=True) if rollout_run.answer else {}
    if options.json:
        print(json.dumps({**answer, "exit_status": status}))
    elif answer:
        print(result_text(answer))
    return status


class Terminal:
    """The client of the command, which asks its user at the terminal."""

    can_ask = True
    may_write = True
    answer = None

    async def ask(self, question: str, effects: str, now: "datetime") -> "ElicitationAnswer":  # as CallClient requires
        """Ask the user, who has seen the plan. Without a terminal the answer is `unanswered`."""
        from custom_speech_tools.runtime.calling_client import ElicitationAnswer

        if not sys.stdin.isatty():
            why = "The command cannot ask without a terminal: pass --confirm never to agree in advance."
            return ElicitationAnswer("unanswered", why)
        print(wrapped(question))
        answer = input("Do all of this, with these charges? [y/N] ")  # noqa: ASYNC250  # no other task runs
        if answer.strip().lower() not in ("y", "yes"):
            return ElicitationAnswer("declined")
        return ElicitationAnswer("agreed", "by asking the user at the terminal", os.urandom(8).hex())

    async def report_progress(self, done: float, total: float | None, message: str) -> None:  # as CallClient requires
        """Show progress if stderr is a terminal."""
        show_progress(message)


def describe_plan(plan: "RolloutPlan") -> dict[str, Any]:
    """Return the plan as JSON data. `unknown` lists the resources that did not respond."""
    from custom_speech_tools.runtime.agreements import RULE_OF
    from custom_speech_tools.speech.sanitize import quote, sanitize

    model, gate, training = plan.model.entity, plan.gate, plan.model.training
    name, base = plan.model.display_name, training.facts.chosen_base_model if training else None
    trains = f"train model {quote(name)} on base model {quote(base.display_name if base else '')}"
    tests = ["test the model"] if gate.definition and gate.passed is None and gate.evaluation is None else []
    steps = [f"{one.speech.resource.name}: {step}" for one in plan.targets if not one.error for step in one.remaining]
    charges = [one for one in plan.findings if one.rule in (RULE_OF["training"], RULE_OF["hosting"])]
    return {
        "display_name": sanitize(name),
        "locale": plan.model.locale,
        "model": {"id": model.id, "display_name": sanitize(model.display_name)} if model else None,
        "changes": [] if gate.passed is False else [*([] if model else [trains]), *tests, *steps],
        "charges": [one.message for one in charges],
        "unknown": plan.unreachable,
        "gate": gate.reason,
        "gate_passed": gate.passed,
        "targets": [
            one.definition.model_dump()
            | {"remaining": one.remaining, "error": one.error and sanitize(one.error, 1_000)}
            for one in plan.targets
        ],
        "findings": [one.model_dump() for one in plan.findings if one not in charges],
        "now": plan.now.isoformat(timespec="seconds"),
    }


def plan_text(planned: dict[str, Any]) -> str:
    """Format the plan as text, at most 80 characters wide."""
    lines = [f"Model {planned['display_name']} ({planned['locale']})", wrapped(f"Gate: {planned['gate']}")]
    lines += [f"  + {change}" for change in planned["changes"]] or ["  Nothing to change."]
    lines += [wrapped(f"charge: {charge}", "  $ ") for charge in planned["charges"]]
    lines += [wrapped(f"{one['resource']}: {one['error']}", "  ! ") for one in planned["targets"] if one["error"]]
    lines += [wrapped(f"[{one['rule']}] {one['message']}", "  ! ") for one in planned["findings"]]
    return "\n".join(lines)


def result_text(answer: dict[str, Any]) -> str:
    """Format the state of all targets as text, at most 80 characters wide."""
    lines = [f"Model {answer['model']['display_name']} ({answer['model']['id']})"]
    lines.append(wrapped(f"Gate: {answer['gate']['reason']}"))
    for one in answer["targets"]:
        lines.append(f"  {one['resource']:<24} {one['status']}")
        for what, entity in (("endpoint", one["endpoint"]), ("before:", one["previous_model"])):
            lines += [wrapped(f"{what} {entity['display_name']} ({entity['id']})", "     ")] if entity else []
        lines += [wrapped(one["error"], "     ")] if one["error"] else []
    return "\n".join(lines)


def _duration(text: str) -> int:
    match = re.fullmatch(r"(\d{1,6})([smhd]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 30m, 24h or 2d")
    return int(match[1]) * _UNITS[match[2] or "s"]
