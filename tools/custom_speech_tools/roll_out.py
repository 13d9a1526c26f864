"""roll_out: test a model and bring it to many resources, as far as is possible now; the next call goes on."""

from typing import Annotated, Any

import pydantic
from pydantic import Field

from custom_speech_tools.guardrails.references import MODEL, find
from custom_speech_tools.rollout.execution import execute
from custom_speech_tools.rollout.plan import RolloutPlan, agreed_rollout, plan_rollout
from custom_speech_tools.rollout.request import (
    BASE,
    MAX_TARGETS,
    Fraction,
    GateRequest,
    RolloutRequest,
    Subject,
    TargetRequest,
    check_resources,
)
from custom_speech_tools.rollout.results import Rollout, present_rollout
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


class TargetArguments(TargetRequest):
    """A target as assistants write it: a resource alone may be its name, and what is null or empty is left out."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _names_a_resource(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"resource": given}
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if name == "resource" or value not in (None, "")}
        return given


class RollOutArguments(Arguments):
    """The arguments of roll_out."""

    model: ModelReference
    targets: Annotated[
        list[TargetArguments], Field(min_length=1, max_length=MAX_TARGETS, description="Where to copy, one or more")
    ]
    test_dataset: Annotated[Identifier | None, Field(description="Audio with transcripts; default: no test")] = None
    compare_with: Annotated[
        Identifier | None, Field(description="Must be worse: base (default), deployed or a model")
    ] = None
    max_word_error_rate: Annotated[Fraction | None, Field(description="Fraction, e.g. 0.15")] = None
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
            limit = self.max_word_error_rate
            gate = GateRequest(
                dataset=self.test_dataset, compare_with=self.compare_with or BASE, max_word_error_rate=limit
            )
        return RolloutRequest(tuple(self.targets), gate, self.resource)


async def roll_out(arguments: RollOutArguments, call: CallContext) -> Rollout:
    """Test a trained model, then copy it to several resources, connect and deploy it there.

    Each call does what is possible now; repeat it unchanged until finished. New endpoints are charged; your user
    agrees once, to all.
    """
    plan, agreement = await agreed_rollout(call, arguments.confirm, lambda: _plan(call, arguments))
    return await present_rollout(call, await execute(call, plan, agreement, arguments.wait_seconds))


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
