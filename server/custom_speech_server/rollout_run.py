"""Runs of rollout files: repeat the steps until the rollout has finished or the time limit is reached."""

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
from custom_speech_tools.rollout.model_choice import plan_model_and_rollout, require_not_failed
from custom_speech_tools.rollout.plan import RolloutPlan, confirmed_rollout, plan_rollout
from custom_speech_tools.rollout.target import Target, read_previous_models
from custom_speech_tools.runtime.agreements import Agreement
from custom_speech_tools.runtime.calling_client import CallClient
from custom_speech_tools.runtime.change_control import CallAuditor
from custom_speech_tools.runtime.confirmation_flow import carry_out
from custom_speech_tools.runtime.context import AppContext, CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.polling import poll_until_terminal
from custom_speech_tools.speech import SpeechError, schemas

Result = TypeVar("Result")

WAIT_SECONDS = 45  # the longest wait of one step for training, copies and deployments
PAUSE = 15.0  # seconds between two steps
RETRY_PAUSES = (5.0, 10.0, 20.0, 40.0, 60.0)  # seconds before a failed step is repeated; the last value repeats
DONE, FAILED, UNFINISHED, NOT_PASSED = 0, 1, 3, 4  # exit statuses


class TimeLimitError(Exception):
    """The rollout did not finish within the time limit."""


@dataclass(slots=True)
class RolloutRun:
    """A run of a rollout file."""

    app: AppContext
    file: RolloutFile
    terminal: CallClient  # asks the user who runs the command
    until: float  # the time limit (anyio.current_time)
    report: Callable[[str], None]  # shows a line to the user
    answer: Rollout | None = None  # the last state of all targets
    _failed_targets: dict[str, Target] = field(default_factory=dict)  # by resource; the next run tries them again
    _shown: dict[str, str] = field(default_factory=dict)  # the last reported line, by its topic

    async def plan(self) -> RolloutPlan:
        """Return the plan, retrying until the service responds."""
        return await self._attempt("roll_out", self._plan)

    async def obtain_agreement(self, plan: RolloutPlan) -> tuple[RolloutPlan, Agreement]:
        """Return the plan and the agreement to its charges; raises Refused if it is declined or a charge is unknown."""
        made = [plan]

        async def make(call: CallContext) -> RolloutPlan:
            plan = made.pop() if made else await self._plan(call)
            if plan.unreachable and call.app.confirmation.mode == "ask":
                why = f"It is not known what will be charged: {', '.join(plan.unreachable)} did not answer."
                raise Refused("Nothing was done.", [], f"{why} Try again, or pass --confirm never to agree in advance.")
            return plan

        return await self._attempt("roll_out", lambda call: confirmed_rollout(call, None, lambda: make(call)))

    async def run(self, plan: RolloutPlan, agreement: Agreement) -> int:
        """Train the model if needed, roll it out, and return the exit status."""
        try:
            model = plan.model.trained or await self._train(plan, agreement)
            return await self._roll_out(plan, model.id, agreement)
        except TimeLimitError:
            self.report("The time limit is reached; the same command continues the rollout.")
            return UNFINISHED

    async def _plan(self, call: CallContext) -> RolloutPlan:
        return await plan_model_and_rollout(call, self.file.definition(), self.file.model.model, self.file.training())

    async def _train(self, plan: RolloutPlan, agreement: Agreement) -> schemas.CustomModel:
        """Train the model if it does not exist, wait for the training, and return the model."""
        model, training, source = plan.model.entity, plan.model.training, plan.source.resource.name
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
            speech = call.speech(source)
            read = speech.models_get_custom_model
            last = await poll_until_terminal(call, await read(identifier), read, self._wait_seconds())
            require_not_failed(last, call.now(speech), source)
            return last

        while (model := await self._attempt("get_model", follow)).status != "Succeeded":
            self._show("training", f"{model.display_name} is {model.status}.")
            await self._pause(PAUSE)
        return model

    async def _roll_out(self, plan: RolloutPlan, model: str, agreement: Agreement) -> int:
        """Repeat the steps on all targets, and return the exit status."""
        fresh = plan if plan.model.trained else None  # facts that were read a moment ago are not read again

        async def step(call: CallContext) -> tuple[RolloutPlan, Rollout]:
            nonlocal fresh
            current, fresh = fresh, None
            if current is None:  # with the properties that the last step, or another run, has written
                entity = await call.speech(plan.source.resource.name).models_get_custom_model(model)
                current = await plan_rollout(call, plan.definition, RolloutModel.existing(entity, plan.model.id))
            targets = tuple(self._failed_targets.get(one.definition.resource, one) for one in current.targets)
            state = await execute(call, replace(current, targets=targets), agreement, self._wait_seconds())
            return state, present_rollout(state, await read_previous_models(state.targets), call.now(state.source))

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

    def _show(self, topic: str, line: str) -> None:
        """Report a line if it differs from the last line about the topic."""
        if self._shown.get(topic) != line:
            self._shown[topic] = line
            self.report(line)

    def _wait_seconds(self) -> int:
        return max(0, min(WAIT_SECONDS, int(self.until - anyio.current_time())))

    async def _pause(self, seconds: float) -> None:
        if anyio.current_time() + seconds >= self.until:
            raise TimeLimitError
        await anyio.sleep(seconds)

    async def _attempt(self, tool: str, work: Callable[[CallContext], Awaitable[Result]]) -> Result:
        """Run a step with the time limit and the audit record of a tool call, retrying transient errors."""
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
