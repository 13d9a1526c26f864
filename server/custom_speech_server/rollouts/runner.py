"""Carrying out a rollout file until it is finished or its time is over.

Every step may be repeated; what has been done already is read from Azure. So a run that was ended at any moment is
continued by the next one, and nothing but the user's agreement is kept here.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import Any, TypeVar

import anyio

from custom_speech_server.rollouts.file import RolloutFile
from custom_speech_tools.guardrails.model_plan import train
from custom_speech_tools.rollout.execution import execute, is_conflict
from custom_speech_tools.rollout.plan import RolloutPlan, agreed_rollout, plan_rollout
from custom_speech_tools.rollout.request import Subject
from custom_speech_tools.rollout.results import Rollout, present_rollout
from custom_speech_tools.rollout.target import Target
from custom_speech_tools.rollout.training import plan_file
from custom_speech_tools.runtime.agreement import Agreement
from custom_speech_tools.runtime.auditing import CallAuditor
from custom_speech_tools.runtime.client import CallClient
from custom_speech_tools.runtime.confirmation import carry_out
from custom_speech_tools.runtime.context import AppContext, CallContext, call_seconds
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.polling import check_again_after, poll_until_terminal
from custom_speech_tools.speech import SpeechError, schemas

Result = TypeVar("Result")

WAIT_SECONDS = 45
RETRY_PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0)  # seconds before a step that failed is repeated; the last one repeats
MAX_PAUSE = 60.0  # seconds between two looks at what is running
DONE, FAILED, UNFINISHED, NOT_PASSED = 0, 1, 3, 4  # exit statuses


class TimeIsOverError(Exception):
    """The rollout is not finished in time."""


class TrainingFailedError(Exception):
    """The model could not be trained; `str()` says why."""


@dataclass(slots=True)
class Runner:
    """A rollout file that is being carried out.

    Attributes:
        terminal: Asks whoever runs the command.
        until: When it has to end (`anyio.current_time`).
        report: Takes a line for people.
        answer: The last state, with every target.
        _settled: The targets that have failed, by resource: they are not tried again in this run.
        _shown: What was last reported, by its subject.
    """

    app: AppContext
    file: RolloutFile
    terminal: CallClient
    until: float
    report: Callable[[str], None]
    answer: Rollout | None = None
    _settled: dict[str, Target] = field(default_factory=dict)
    _shown: dict[str, str] = field(default_factory=dict)

    async def plan(self) -> RolloutPlan:
        """Return the plan, waiting for a service that does not answer."""
        return await self._attempt("roll_out", self._plan)

    async def agreed(self, show: Callable[[RolloutPlan], None]) -> tuple[RolloutPlan, Agreement]:
        """Return the plan and the agreement to everything in it that costs money; it is kept for the next run.

        Args:
            show: Shows the plan before the user is asked.

        Raises:
            Refused: The user did not agree, nobody can be asked, or it is not known what will cost money.
        """

        async def make(call: CallContext) -> RolloutPlan:
            plan = await self._plan(call)
            show(plan)
            if plan.unknown and call.app.confirmation.mode == "ask":
                why = f"It is not known what will be charged: {', '.join(plan.unknown)} did not answer."
                raise Refused("Nothing was done.", [], f"{why} Try again, or pass --confirm never to agree in advance.")
            return plan

        return await self._attempt("roll_out", lambda call: agreed_rollout(call, None, lambda: make(call)))

    async def run(self, plan: RolloutPlan, agreement: Agreement) -> int:
        """Train if that is needed, then roll out; return the exit status."""
        try:
            subject = plan.subject if plan.subject.trained else await self._train(plan, agreement)
            return await self._roll_out(plan, subject, agreement)
        except TimeIsOverError:
            self.report("The time is over; the same command goes on.")
            return UNFINISHED

    async def _plan(self, call: CallContext) -> RolloutPlan:
        return await plan_file(call, self.file.request(), self.file.model.model, self.file.training())

    async def _train(self, plan: RolloutPlan, agreement: Agreement) -> Subject:
        """Train the model if there is none, wait for it, and return the subject with it."""
        model, training = plan.subject.model, plan.subject.training
        expected = training.facts.expected_seconds if training else 0.0
        if training is not None:
            key = training.key_for(agreement.id)

            async def begin(call: CallContext) -> schemas.CustomModel:
                made, _ = await carry_out(call, agreement, training.effect, lambda how: train(call, training, key, how))
                return made

            model = await self._attempt("create_model", begin)
            self.report(f"Training {model.display_name} ({model.id}).")
        identifier = (model or plan.model).id

        async def follow(call: CallContext) -> tuple[schemas.CustomModel, int]:
            speech = call.speech(plan.source.resource.name)
            first = await speech.models_get_custom_model(identifier)
            last = await poll_until_terminal(call, first, speech.models_get_custom_model, self._wait())
            return last, check_again_after(last.created_date_time, call.now(speech), expected)

        while True:
            last, pause = await self._attempt("get_model", follow)
            if last.status == "Succeeded":
                return Subject.of(last, plan.subject.id)
            if last.status == "Failed":
                why = last.error.message if last.error else "the service does not say why"
                raise TrainingFailedError(f"Training failed: {why}. Correct the cause and delete {last.id}.")
            self._show("training", f"{last.display_name} is {last.status}.")
            await self._pause(pause)

    async def _roll_out(self, plan: RolloutPlan, subject: Subject, agreement: Agreement) -> int:
        fresh = plan if subject is plan.subject else None  # what was read a moment ago is not read again

        async def step(call: CallContext) -> tuple[RolloutPlan, Rollout]:
            nonlocal fresh
            current, fresh = fresh or await plan_rollout(call, plan.request, subject), None
            targets = tuple(self._settled.get(one.asked.resource, one) for one in current.targets)
            state = await execute(call, replace(current, targets=targets), agreement, self._wait())
            return state, await present_rollout(call, state)

        while True:
            state, answer = await self._attempt("roll_out", step)
            self.answer = answer
            self._show("gate", f"Gate: {state.gate.reason}")
            for target, shown in zip(state.targets, answer.targets, strict=True):
                name = target.asked.resource
                if shown.status == "Failed":
                    self._settled[name] = target
                self._show(name, f"{name}: {shown.status}{': ' + target.stopped if target.stopped else ''}")
            if state.gate.passed is False:
                return NOT_PASSED
            if all(one.status in ("Succeeded", "Failed") for one in answer.targets):
                return DONE if answer.finished else FAILED
            await self._pause(answer.check_again_after_seconds or 0)

    def _show(self, subject: str, line: str) -> None:
        """Report what has changed."""
        if self._shown.get(subject) != line:
            self._shown[subject] = line
            self.report(line)

    def _wait(self) -> int:
        return max(0, min(WAIT_SECONDS, int(self.until - anyio.current_time())))

    async def _pause(self, seconds: float) -> None:
        pause = min(seconds, MAX_PAUSE)
        if anyio.current_time() + pause >= self.until:
            raise TimeIsOverError
        await anyio.sleep(pause)

    async def _attempt(self, tool: str, work: Callable[[CallContext], Awaitable[Result]]) -> Result:
        """Return the result of a step; an error that may pass is met by trying again.

        Raises:
            Refused: A rule stops it.
            SpeechError: The service refuses it.
            TimeIsOverError: There is no time for another attempt.
        """
        for pause in chain(RETRY_PAUSES, repeat(RETRY_PAUSES[-1])):
            try:
                with self._call(tool) as call:
                    return await work(call)
                text = f"{tool} took too long."
            except (SpeechError, Refused) as error:
                if not (error.is_transient or is_conflict(error)):
                    raise
                text = str(error).splitlines()[0]
            if anyio.current_time() + pause >= self.until:
                self.report(text)
                raise TimeIsOverError
            self.report(f"{text} Trying again in {pause:.0f} s.")
            await anyio.sleep(pause)
        raise AssertionError("the pauses never end")

    @contextmanager
    def _call(self, tool: str) -> Iterator[CallContext]:
        """Provide a call with its own time limit, recorded like one of that tool."""
        arguments: dict[str, Any] = self.file.model_dump(exclude_none=True)
        with anyio.move_on_after(call_seconds(self.app.max_wait)) as scope:
            auditor = CallAuditor(self.app.audit, self.app.observe, tool, arguments, self.app.caller)
            yield CallContext(self.app, self.terminal, scope, anyio.current_time(), auditor)
