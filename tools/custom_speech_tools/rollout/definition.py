"""The definition of a rollout: from the tool's arguments or from a rollout file, which share these types."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool

from custom_speech_tools.guardrails.training_plan import TrainingPlan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import Arguments, Identifier
from custom_speech_tools.runtime.results import Finding, block
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote

BASE, DEPLOYED = "base", "deployed"  # what compare_with takes instead of a model
MAX_TARGETS = 30  # more do not fit into a custom property, which has at most 256 characters


def _fraction(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError("must be a fraction from 0 to 1; 15 % is 0.15")
    return value


Fraction = Annotated[float, Field(strict=True), AfterValidator(_fraction)]


class TargetDefinition(Arguments):
    """A resource to bring the model to."""

    resource: Annotated[Identifier, Field(description="To copy to")]
    project: Annotated[Identifier | None, Field(description="To connect to")] = None
    endpoint: Annotated[Identifier | None, Field(description="To deploy to; a new one is created")] = None


class GateDefinition(Arguments):
    """The test that the model has to pass: `compare_with` is `base`, `deployed` or a model, which it has to beat."""

    dataset: Identifier
    compare_with: Identifier = BASE
    max_word_error_rate: Fraction | None = None
    require_significance: StrictBool = True
    allow_seen_test_data: StrictBool = False


@dataclass(frozen=True, slots=True)
class RolloutDefinition:
    """A rollout; `resource` has the model, None stands for the default one."""

    targets: tuple[TargetDefinition, ...]
    gate: GateDefinition | None = None
    resource: str | None = None


@dataclass(frozen=True, slots=True)
class RolloutModel:
    """The model that a rollout is about."""

    id: str  # what an agreement names: the model, or for a rollout file the training that makes it
    display_name: str
    locale: str
    entity: schemas.CustomModel | None = None  # None until its training has started
    training: TrainingPlan | None = None  # if there is no model yet

    @property
    def trained(self) -> schemas.CustomModel | None:
        """The model, if it is trained."""
        return self.entity if self.entity is not None and self.entity.status == "Succeeded" else None

    @classmethod
    def existing(cls, model: schemas.CustomModel, identifier: str | None = None) -> "RolloutModel":
        """Return an existing model of a rollout."""
        return cls(identifier or model.id, model.display_name, model.locale, model)


def check_resources(call: CallContext, definition: RolloutDefinition) -> tuple[Speech, list[Finding]]:
    """Return the model's resource, or raise Refused, and what the configuration shows to be wrong with the targets."""
    findings: list[Finding] = []
    for name in dict.fromkeys([definition.resource, *(target.resource for target in definition.targets)]):
        try:
            call.speech(name)
        except Refused as refusal:
            findings += refusal.findings
    names = defaultdict[str, list[str]](list)
    for one in definition.targets:
        if one.resource in call.app.resources:
            names[call.app.resources[one.resource].resource.identity].append(one.resource)
    for same in names.values():
        if len(same) > 1:
            message = f"{quote(same[0])} is a target {len(same)} times, as {', '.join(map(quote, same))}."
            fix = "Name each resource once; deploy_model puts the copy into further endpoints."
            findings.append(block("target-named-once", message, fix))
    if (definition.resource or call.app.default) not in call.app.resources:
        raise Refused("Nothing was rolled out.", findings)
    return call.speech(definition.resource), findings
