"""Carrying out a rollout file with the tools, until it is finished or its time is over.

Every step is a call of a tool that may be repeated; what has been done already is read from Azure. So a run that was
ended at any moment is continued by the next one, and nothing has to be kept here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Any, TypeVar

import anyio
from mcp import Client

from custom_speech_server.app import Settings, build
from custom_speech_server.console import show_progress
from custom_speech_server.rollouts.file import RolloutFile
from custom_speech_server.rollouts.tools import rollout_tools
from custom_speech_tools.runtime.tool import TRANSIENT

Result = TypeVar("Result")

WAIT_SECONDS = 45
RETRY_PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds before a call is repeated that failed for a reason that may pass; the last one repeats."""

MAX_PAUSE = 60.0
"""Seconds between two looks at what is running."""

DONE, FAILED, UNFINISHED, NOT_PASSED = 0, 1, 3, 4
"""Exit statuses of a rollout."""


class CallFailedError(Exception):
    """A tool answered with an error that will not pass; `str()` is its text."""


class TimeIsOverError(Exception):
    """The rollout is not finished in time."""


async def _show_progress(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001  # the SDK's
    show_progress(message or "")


async def with_execution(
    settings: Settings,
    file: RolloutFile,
    seconds: float,
    report: Callable[[str], None],
    work: Callable[["Execution"], Awaitable[Result]],
) -> Result:
    """Do something with the tools of a server of its own, in that time.

    Raises:
        CallFailedError: A tool answered with an error that will not pass.
        TimeIsOverError: The time was over before there was a result.
    """
    server = build(replace(settings, more_tools=rollout_tools()))
    failed: Exception
    async with Client(server, cache=None) as client:
        try:
            return await work(Execution(client, file, anyio.current_time() + seconds, report))
        except (CallFailedError, TimeIsOverError) as error:
            failed = error  # raised here, the client would make a group of it
    raise failed


@dataclass(slots=True)
class Execution:
    """A rollout that is being carried out.

    Attributes:
        until: When it has to end (`anyio.current_time`).
        report: Takes a line for people.
        answer: The last answer of roll_out, with every target.
    """

    client: Client
    file: RolloutFile
    until: float
    report: Callable[[str], None]
    answer: dict[str, Any] = field(default_factory=dict)
    _settled: dict[str, dict[str, Any]] = field(default_factory=dict)
    _shown: dict[str, str] = field(default_factory=dict)

    async def run(self, preview: dict[str, Any]) -> int:
        """Train where that is needed, then roll out; return the exit status."""
        try:
            model = await self._trained(preview)
            return DONE if model is None else await self._roll_out(model)
        except TimeIsOverError:
            self.report("The time is over; the same command goes on.")
            return UNFINISHED

    async def _trained(self, preview: dict[str, Any]) -> str | None:
        """Return the id of the model, once it is trained."""
        if preview["model"]:
            identifier = str(preview["model"]["id"])
        else:
            training = self.file.training(preview["display_name"], preview["base_model"])
            made = await self.call("create_model", {name: part for name, part in training.items() if part is not None})
            identifier = str(made["id"])
            self.report(f"Training {made['display_name']} ({identifier}).")
        here = self.file.model.resource
        while True:
            arguments = {"model": identifier, "wait_seconds": self._wait(), "resource": here}
            model = await self.call("get_model", arguments)
            if model["status"] == "Succeeded":
                return identifier
            if model["status"] == "Failed":
                raise CallFailedError(f"Training failed: {model['error']}. Correct the cause and delete {identifier}.")
            self._show("training", f"{model['display_name']} is {model['status']}.")
            await self._pause(model)

    async def _roll_out(self, model: str) -> int:
        arguments = {**self.file.arguments(), "model": model}
        while True:
            targets = [one for one in arguments["targets"] if one["resource"] not in self._settled]
            answer = await self.call("roll_out", {**arguments, "targets": targets, "wait_seconds": self._wait()})
            self._keep(answer)
            if answer["gate"]["passed"] is False:
                return NOT_PASSED
            if all(one["status"] in ("Succeeded", "Failed") for one in self.answer["targets"]):
                return DONE if self.answer["finished"] else FAILED
            await self._pause(answer)

    def _keep(self, answer: dict[str, Any]) -> None:
        """Keep the answer with all targets; one that has failed is not tried again in this run."""
        new = {one["resource"]: one for one in answer["targets"]}
        self._settled |= {name: one for name, one in new.items() if one["status"] == "Failed"}
        known = self._settled | new
        every = [known[target.resource] for target in self.file.targets]
        self.answer = {**answer, "targets": every, "finished": answer["finished"] and not self._settled}
        self._show("gate", f"Gate: {answer['gate']['reason']}")
        for one in every:
            self._show(
                one["resource"], f"{one['resource']}: {one['status']}{': ' + one['error'] if one['error'] else ''}"
            )

    def _show(self, subject: str, line: str) -> None:
        """Report what has changed."""
        if self._shown.get(subject) != line:
            self._shown[subject] = line
            self.report(line)

    def _wait(self) -> int:
        return max(0, min(WAIT_SECONDS, int(self.until - anyio.current_time())))

    async def _pause(self, answer: dict[str, Any]) -> None:
        """Wait as long as the answer suggests.

        Raises:
            TimeIsOverError: There is no time left.
        """
        pause = min(float(answer.get("check_again_after_seconds") or 0), MAX_PAUSE)
        if anyio.current_time() + pause >= self.until:
            raise TimeIsOverError
        await anyio.sleep(pause)

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Return the answer of a tool; an error that may pass is met by calling again.

        Raises:
            CallFailedError: The error will not pass.
            TimeIsOverError: There is no time for another attempt.
        """
        given = {name: value for name, value in arguments.items() if value is not None}
        for pause in chain(RETRY_PAUSES, repeat(RETRY_PAUSES[-1])):
            result = await self.client.call_tool(tool, given, progress_callback=_show_progress)
            text = "".join(getattr(block, "text", "") for block in result.content)
            if not result.is_error:
                return dict(result.structured_content or {})
            if not (result.meta or {}).get(TRANSIENT):
                raise CallFailedError(text)
            if anyio.current_time() + pause >= self.until:
                self.report(text.splitlines()[0])
                raise TimeIsOverError
            self.report(f"{text.splitlines()[0]} Trying again in {pause:.0f} s.")
            await anyio.sleep(pause)
        raise AssertionError("the pauses never end")
