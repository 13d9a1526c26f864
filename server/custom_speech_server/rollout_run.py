"""The run of a rollout file, until it is finished or its time is over; every step may be repeated by another run."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import chain, repeat
from typing import TypeVar

import anyio

from custom_speech_server.rollout_file import RolloutFile
from custom_speech_tools.guardrails.training_plan import train
from custom_speech_tools.presenters.rollout import Rollout, present_rollout
from custom_speech_tools.rollout.definition import RolloutModel
from custom_speech_tools.rollout.execution import execute, is_conflict
from custom_speech_tools.rollout.model import plan_model_and_rollout, require_not_failed
from custom_speech_tools.rollout.plan import RolloutPlan, agreed_rollout, plan_rollout
from custom_speech_tools.rollout.target import Target
from custom_speech_tools.runtime.change_audit import CallAuditor
from custom_speech_tools.runtime.confirmation_flow import carry_out
from custom_speech_tools.runtime.confirmation_policy import Agreement
from custom_speech_tools.runtime.context import AppContext, CallContext
from custom_speech_tools.runtime.elicitation import CallClient
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.speech import SpeechError, schemas

Result = TypeVar("Result")

WAIT_SECONDS = 45  # for which one step waits for what is running
PAUSE = 15.0  # seconds between two steps
RETRY_PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0)  # seconds before a step that failed is repeated; the last one repeats
DONE, FAILED, UNFINISHED, NOT_PASSED = 0, 1, 3, 4  # exit statuses


class TimeLimitError(Exception):
    """The rollout is not finished in time."""


@dataclass(slots=True)
class Runner:
    """A rollout file that is being carried out."""

    app: AppContext
    file: RolloutFile
    terminal: CallClient  # asks whoever runs the command
    until: float  # when it has to end (anyio.current_time)
    report: Callable[[str], None]  # takes a line for people
    answer: Rollout | None = None  # the last state, with every target
    _failed_targets: dict[str, Target] = field(default_factory=dict)  # what has failed is not tried again in this run
    _shown: dict[str, str] = field(default_factory=dict)  # what was last reported, by its subject

    async def plan(self) -> RolloutPlan:
        """Return the plan, waiting for a service that does not answer."""
        return await self._attempt("roll_out", self._plan)

    async def agreed(self, plan: RolloutPlan) -> tuple[RolloutPlan, Agreement]:
        """Return the plan and the agreement to everything in it that costs money; it is kept for the next run.

        Raises:
            Refused: The user did not agree, nobody can be asked, or it is not known what will cost money.
        """
        made = [plan]

        async def make(call: CallContext) -> RolloutPlan:
            plan = made.pop() if made else await self._plan(call)
            if plan.unknown and call.app.confirmation.mode == "ask":
                why = f"It is not known what will be charged: {', '.join(plan.unknown)} did not answer."
                raise Refused("Nothing was done.", [], f"{why} Try again, or pass --confirm never to agree in advance.")
            return plan

        return await self._attempt("roll_out", lambda call: agreed_rollout(call, None, lambda: make(call)))

    async def run(self, plan: RolloutPlan, agreement: Agreement) -> int:
        """Train if that is needed, then roll out; return the exit status."""
        try:
            model = plan.model.trained or await self._train(plan, agreement)
            return await self._roll_out(plan, model.id, agreement)
        except TimeLimitError:
            self.report("The time is up; the same command goes on with the rollout.")
            return UNFINISHED

    async def _plan(self, call: CallContext) -> RolloutPlan:
        return await plan_model_and_rollout(call, self.file.definition(), self.file.model.model, self.file.training())

    async def _train(self, plan: RolloutPlan, agreement: Agreement) -> schemas.CustomModel:
        """Train the model if there is none, and return it when it is trained."""
        model, training = plan.model.entity, plan.model.training
        if training is not None:
            key, effect = training.key, training.effect
            model, _ = await self._attempt(
                "create_model",
                lambda call: carry_out(call, agreement, effect, lambda how: train(call, training, key, how)),
            )
        assert model  # noqa: S101  # a rollout has a model or trains one
        identifier = model.id
        self.report(f"Training {model.display_name} ({model.id}).")

        async def follow(call: CallContext) -> schemas.CustomModel:
            read = call.speech(plan.source.resource.name).models_get_custom_model
            return await poll_until_terminal(call, await read(identifier), read, self._wait())

        while True:
            model = await self._attempt("get_model", follow)
            if require_not_failed(RolloutModel.existing(model)).trained:
                return model
            self._show("training", f"{model.display_name} is {model.status}.")
            await self._pause(PAUSE)

    async def _roll_out(self, plan: RolloutPlan, identifier: str, agreement: Agreement) -> int:
        fresh = plan if plan.model.trained else None  # what was read a moment ago is not read again

        async def step(call: CallContext) -> tuple[RolloutPlan, Rollout]:
            nonlocal fresh
            current, fresh = fresh, None
            if current is None:  # the model with what the last step, or another run, has noted on it
                model = await call.speech(plan.source.resource.name).models_get_custom_model(identifier)
                current = await plan_rollout(call, plan.definition, RolloutModel.existing(model, plan.model.id))
            targets = tuple(self._failed_targets.get(one.definition.resource, one) for one in current.targets)
            state = await execute(call, replace(current, targets=targets), agreement, self._wait())
            return state, await present_rollout(call, state)

        while True:
            state, answer = await self._attempt("roll_out", step)
            self.answer = answer
            self._show("gate", f"Gate: {state.gate.reason}")
            for target, shown in zip(state.targets, answer.targets, strict=True):
                name = target.definition.resource
                if target.is_failed:
                    self._failed_targets[name] = target
                self._show(name, f"{name}: {shown.status}{': ' + target.error if target.error else ''}")
            if state.gate.passed is False:
                return NOT_PASSED
            if state.is_terminal:
                return DONE if state.is_complete else FAILED
            await self._pause(PAUSE)

    def _show(self, subject: str, line: str) -> None:
        """Report what has changed."""
        if self._shown.get(subject) != line:
            self._shown[subject] = line
            self.report(line)

    def _wait(self) -> int:
        return max(0, min(WAIT_SECONDS, int(self.until - anyio.current_time())))

    async def _pause(self, seconds: float) -> None:
        if anyio.current_time() + seconds >= self.until:
            raise TimeLimitError
        await anyio.sleep(seconds)

    async def _attempt(self, tool: str, work: Callable[[CallContext], Awaitable[Result]]) -> Result:
        """Return the result of a step, which has the time of one call and is recorded like one of that tool.

        An error that may pass is met by trying again; any other one is raised.
        """
        app, arguments = self.app, self.file.model_dump(exclude_none=True)
        auditor = CallAuditor(app.audit, app.observe, tool, arguments, app.caller)
        for pause in chain(RETRY_PAUSES, repeat(RETRY_PAUSES[-1])):
            try:
                with anyio.move_on_after(app.call_seconds) as scope:
                    return await work(CallContext(app, self.terminal, scope, anyio.current_time(), auditor))
                text = f"{tool} took too long."
            except (SpeechError, Refused) as error:
                if not (error.is_transient or is_conflict(error)):
                    raise
                text = str(error).splitlines()[0]
            self.report(f"{text} Trying again in {pause:.0f} s.")
            await self._pause(pause)
        raise AssertionError("the pauses never end")
