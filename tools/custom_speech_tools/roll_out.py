"""roll_out: test a model and bring it to many resources, as far as is possible now; the next call goes on."""

from typing import Annotated, Any

import pydantic
from pydantic import AfterValidator, Field

from custom_speech_tools.guardrails.references import MODEL, find
from custom_speech_tools.rollout.execution import execute
from custom_speech_tools.rollout.plan import RolloutPlan, plan_rollout
from custom_speech_tools.rollout.request import (
    BASE,
    MAX_TARGETS,
    GateRequest,
    RolloutRequest,
    Subject,
    TargetRequest,
    check_resources,
)
from custom_speech_tools.rollout.results import Rollout, present_rollout
from custom_speech_tools.runtime.confirmation import confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import (
    Arguments,
    Confirm,
    Identifier,
    ModelReference,
    SourceResource,
    WaitSeconds,
)
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.runtime.tool import Annotations, declare


def _fraction(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError("must be a fraction from 0 to 1; 15 % is 0.15")
    return value


class TargetArguments(Arguments):
    """A resource to bring the model to."""

    resource: Annotated[Identifier, Field(description="To copy to")]
    project: Annotated[Identifier | None, Field(description="To connect to")] = None
    endpoint: Annotated[Identifier | None, Field(description="To deploy to; a new one is created")] = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _names_a_resource(cls, given: Any) -> Any:
        """Take a name for the resource, and leave out what is null or empty."""
        if isinstance(given, str):
            return {"resource": given}
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if name == "resource" or value not in (None, "")}
        return given


class RollOutArguments(Arguments):
    """The arguments of roll_out."""

    model: ModelReference
    targets: Annotated[
        list[TargetArguments],
        Field(
            min_length=1,
            max_length=MAX_TARGETS,
            description="Where to copy, one or more",
        ),
    ]
    test_dataset: Annotated[Identifier | None, Field(description="Audio with transcripts; default: no test")] = None
    compare_with: Annotated[
        Identifier | None, Field(description="Must be worse: base (default), deployed or a model")
    ] = None
    max_word_error_rate: Annotated[
        Annotated[float, Field(strict=True), AfterValidator(_fraction)] | None,
        Field(description="Fraction, e.g. 0.15"),
    ] = None
    confirm: Confirm = None
    wait_seconds: WaitSeconds = 0
    resource: SourceResource = None

    @pydantic.model_validator(mode="after")
    def _gate_has_a_test(self) -> "RollOutArguments":
        if self.test_dataset is None and (self.max_word_error_rate is not None or self.compare_with):
            raise ValueError("needs test_dataset to compare or to measure a word error rate")
        return self

    def request(self) -> RolloutRequest:
        """Return the rollout that is asked for."""
        gate = None
        if self.test_dataset is not None:
            gate = GateRequest(self.test_dataset, self.compare_with or BASE, self.max_word_error_rate)
        targets = tuple(TargetRequest(one.resource, one.project, one.endpoint) for one in self.targets)
        return RolloutRequest(targets, gate, self.resource)


async def roll_out(arguments: RollOutArguments, call: CallContext) -> Rollout:
    """Test a trained model, then copy it to several resources, connect and deploy it there.

    Each call does what is possible now; repeat it unchanged until finished. New endpoints are charged; your user
    agrees once, to all.
    """
    plan, agreement = await confirmed_plan(call, arguments.confirm, lambda: _plan(call, arguments))
    call.app.confirmation.keep(agreement, call.caller, call.app.now())
    state = await execute(call, plan, plan.kept.joined(agreement), arguments.wait_seconds)
    return await present_rollout(call, state)


async def _plan(call: CallContext, arguments: RollOutArguments) -> RolloutPlan:
    request = arguments.request()
    if (request.resource or call.app.default) not in call.app.resources:
        raise Refused("Nothing was rolled out.", check_resources(call, request))
    model = await find(call.speech(request.resource), MODEL, arguments.model)
    if isinstance(model, Finding):
        findings = [*check_resources(call, request), model]
        raise Refused("Nothing was rolled out.", findings)
    return await plan_rollout(call, request, Subject.of(model))


tool = declare(roll_out, "Roll out a model", Annotations.UPDATE, "deployment")
