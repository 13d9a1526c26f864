"""The facts and the rules of copying a model: pure functions from facts to findings, named for what they require."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from custom_speech_tools.guardrails.resource_rules import (
    Findings,
    clocks_agree,
    model_is_ready,
    parts_fit,
    resource_is_writable,
)
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found.

    Attributes:
        now: The service's time.
        model: None where it is still to be trained.
    """

    source: Speech
    target: Speech
    now: datetime
    model: schemas.CustomModel | Finding | None
    project: schemas.Project | Finding | None


def named_parts_fit(facts: CopyFacts) -> Findings:
    """Require that source and target may be changed, as a copy is a POST to each, and that the project fits."""
    if facts.target.resource.name != facts.source.resource.name:
        yield from resource_is_writable(facts.source.resource)
    locale = facts.model.locale if isinstance(facts.model, schemas.CustomModel) else None
    yield from parts_fit(facts.target.resource, locale, facts.model, facts.project)


def target_is_another_resource(facts: CopyFacts) -> Findings:
    """Require another resource as the target."""
    if facts.source.resource.identity == facts.target.resource.identity:
        yield _same_resource(facts.target)


def copy_can_be_authorized(facts: CopyFacts) -> Findings:
    """Require the source's resource id, or what the older form of v3.2 needs: the target's key."""
    source, target = facts.source.resource, facts.target.resource
    if source.resource_id is None and not (source.api_version.copies_with_key and target.credential.has_key):
        yield Finding(
            rule="copy-authorized",
            level="block",
            message=f"Resource {source.name} has no resource_id in its configuration.",
            fix="Add its Azure resource id (/subscriptions/…/accounts/…) to its entry; copying needs it.",
        )


def model_can_be_copied(facts: CopyFacts) -> Findings:
    """Require a model that is trained and still transcribes; warn if that was judged by a clock that differs."""
    if isinstance(facts.model, schemas.CustomModel):
        yield from model_is_ready(facts.model, facts.now, facts.source.resource.name)
    yield from clocks_agree(facts.source.clock.skew)


RULES: tuple[Callable[[CopyFacts], Findings], ...] = (
    named_parts_fit,
    target_is_another_resource,
    copy_can_be_authorized,
    model_can_be_copied,
)


def name_is_free(
    model: schemas.CustomModel, others: Iterable[schemas.CustomModel], target: Speech, *, allow_duplicate: bool
) -> Findings:
    """Require that no model on the target is the source, and none has its name unless a second one is wanted."""
    for other in others:
        if other.id == model.id:
            yield _same_resource(target)
            continue
        perhaps = " It may be an earlier copy of this model." if may_be_copy(model, other) else ""
        yield Finding(
            rule="already-exists",
            level="warn" if allow_duplicate else "block",
            message=f"The target already has a model with this name and locale: {other.id}.{perhaps}",
            fix="If it is the copy you want, use connect_model on the target; allow_duplicate=true copies beside it.",
        )


def _same_resource(target: Speech) -> Finding:
    return Finding(
        rule="same-resource",
        level="block",
        message=f"The model is on {target.resource.name} already.",
        fix="Name another resource as to_resource; connect_model shows a model in another project.",
    )


def may_be_copy(model: schemas.CustomModel, other: schemas.CustomModel) -> bool:
    """Return whether another model of the name may be its copy.

    It may be one unless it carries a key, is older, or was trained with data of its own.
    """
    created, copied = model.created_date_time, other.created_date_time
    is_older = created is not None and copied is not None and copied < created
    return not (KEY_PROPERTY in (other.custom_properties or {}) or other.datasets or is_older)
