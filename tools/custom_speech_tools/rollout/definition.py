"""Definitions of rollouts: the types that the arguments of roll_out and the rollout file share, and their checks."""

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

BASE, DEPLOYED = "base", "deployed"  # values of compare_with that do not name a model
MAX_TARGETS = 30  # limited by the 256 characters of the custom property that lists running copies


def _require_fraction(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError("must be a fraction from 0 to 1; 15 % is 0.15")
    return value


Fraction = Annotated[float, Field(strict=True), AfterValidator(_require_fraction)]


class TargetDefinition(Arguments):
    """A resource that gets a copy of the model."""

    resource: Annotated[Identifier, Field(description="To copy to")]
    project: Annotated[Identifier | None, Field(description="To connect to")] = None
    endpoint: Annotated[Identifier | None, Field(description="To deploy to; a new one is created")] = None


class GateDefinition(Arguments):
    """The test that the model must pass. `compare_with` is `base`, `deployed` or the model that it must beat."""

    dataset: Identifier
    compare_with: Identifier = BASE
    max_word_error_rate: Fraction | None = None
    require_significance: StrictBool = True
    allow_seen_test_data: StrictBool = False


@dataclass(frozen=True, slots=True)
class RolloutDefinition:
    """The targets and the gate of a rollout."""

    targets: tuple[TargetDefinition, ...]
    gate: GateDefinition | None = None
    resource: str | None = None  # the source, which has the model; None for the default resource


@dataclass(frozen=True, slots=True)
class RolloutModel:
    """The model of a rollout, which may still have to be trained."""

    id: str  # the model's id, or the idempotency key of its training; agreements are bound to it
    display_name: str
    locale: str
    entity: schemas.CustomModel | None = None  # None until its training has started
    training: TrainingPlan | None = None  # None if the entity exists

    @property
    def trained(self) -> schemas.CustomModel | None:
        """The entity, or None until its training has succeeded."""
        return self.entity if self.entity is not None and self.entity.status == "Succeeded" else None

    @classmethod
    def existing(cls, entity: schemas.CustomModel, identifier: str | None = None) -> "RolloutModel":
        """Create the model of a rollout from an existing custom model."""
        return cls(identifier or entity.id, entity.display_name, entity.locale, entity)


def check_resources(call: CallContext, definition: RolloutDefinition) -> tuple[Speech, list[Finding]]:
    """Return the source and the findings about the configured targets; raises Refused if the source is unknown."""
    findings: list[Finding] = []
    for name in dict.fromkeys([definition.resource, *(target.resource for target in definition.targets)]):
        try:
            call.speech(name)
        except Refused as refusal:
            findings += refusal.findings
    names = [one.resource for one in definition.targets if one.resource in call.app.resources]
    resources = {name: call.app.resources[name].resource for name in names}
    without_id = {one.endpoint for one in resources.values() if one.resource_id is None}
    same = defaultdict[str, list[str]](list)
    for name in names:
        endpoint, identity = resources[name].endpoint, resources[name].identity
        # Without a resource id, two names with the same endpoint may mean one resource, which would pay twice.
        for key in (identity, endpoint) if endpoint in without_id else (identity,):
            same[key].append(name)
    for group in dict.fromkeys(tuple(group) for group in same.values() if len(group) > 1):
        message = f"{quote(group[0])} is a target {len(group)} times, as {', '.join(map(quote, group))}."
        fix = "Name each resource once; deploy_model puts the copy into further endpoints."
        if len({resources[name].identity for name in group}) > 1:
            message = f"The targets {', '.join(map(quote, group))} have the same endpoint and may be one resource."
            fix = "Name one of them, or add the resource_id of each to the configuration."
        findings.append(block("target-named-once", message, fix))
    if (definition.resource or call.app.default) not in call.app.resources:
        raise Refused("Nothing was rolled out.", findings)
    return call.speech(definition.resource), findings
