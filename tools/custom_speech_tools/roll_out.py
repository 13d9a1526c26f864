"""roll_out: test a model, copy it to many resources, and deploy it there."""

from typing import Annotated, Any

import pydantic
from pydantic import Field

from custom_speech_tools.presenters.rollout import Rollout, present_rollout
from custom_speech_tools.rollout.definition import (
    BASE,
    MAX_TARGETS,
    Fraction,
    GateDefinition,
    RolloutDefinition,
    TargetDefinition,
)
from custom_speech_tools.rollout.execution import execute
from custom_speech_tools.rollout.model_choice import plan_model_and_rollout
from custom_speech_tools.rollout.plan import confirmed_rollout
from custom_speech_tools.rollout.target import read_previous_models
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.tool import Annotations, declare


class TargetArguments(TargetDefinition):
    """A target: an object, in which null and empty values are ignored, or the name of its resource."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _names_a_resource(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"resource": given}
        if isinstance(given, dict):
            return {name: value for name, value in given.items() if name == "resource" or value not in (None, "")}
        return given


class RollOutArguments(parameters.Arguments):
    """The arguments of roll_out."""

    model: parameters.Reference
    targets: Annotated[
        list[TargetArguments], Field(min_length=1, max_length=MAX_TARGETS, description="Where to copy, one or more")
    ]
    test_dataset: Annotated[
        parameters.Identifier | None, Field(description="Audio with transcripts; default: no test")
    ] = None
    compare_with: Annotated[
        parameters.Identifier | None, Field(description="Must be worse: base (default), deployed or a model")
    ] = None
    max_word_error_rate: Annotated[Fraction | None, Field(description="Fraction, e.g. 0.15")] = None
    confirm: parameters.Confirm = None
    wait_seconds: parameters.WaitSeconds = 0
    resource: parameters.SourceResource = None

    @pydantic.model_validator(mode="after")
    def _gate_has_a_test(self) -> "RollOutArguments":
        if self.test_dataset is None and (self.max_word_error_rate is not None or self.compare_with):
            raise ValueError("needs test_dataset to compare or to measure a word error rate")
        return self


async def roll_out(arguments: RollOutArguments, call: CallContext) -> Rollout:
    """Test a trained model, copy it to several resources, and connect and deploy it there.

    Each call does what is possible now; repeat it unchanged until finished. New endpoints are charged; your user
    agrees to all at once.
    """
    dataset, other, limit = arguments.test_dataset, arguments.compare_with or BASE, arguments.max_word_error_rate
    gate = GateDefinition(dataset=dataset, compare_with=other, max_word_error_rate=limit) if dataset else None
    definition = RolloutDefinition(tuple(arguments.targets), gate, arguments.resource)
    plan, agreement = await confirmed_rollout(
        call, arguments.confirm, lambda: plan_model_and_rollout(call, definition, arguments.model, None)
    )
    plan = await execute(call, plan, agreement, arguments.wait_seconds)
    return present_rollout(plan, await read_previous_models(plan.targets), call.now(plan.source))


tool = declare(roll_out, "Roll out a model", Annotations.UPDATE, "deployment")
