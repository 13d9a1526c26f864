"""The rules of copying a model: each a pure function from facts to findings, named for what it requires."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from custom_speech_tools.guardrails import resource_rules
from custom_speech_tools.guardrails.project_link import project_has_locale
from custom_speech_tools.guardrails.resource_rules import projects_are_supported, resource_is_writable
from custom_speech_tools.runtime.client_waits import suggested_wait
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import SpeechResource, schemas
from custom_speech_tools.speech.sanitize import quote, word

Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found.

    Attributes:
        now: The service's time.
        model: None where it is still to be trained.
        target_has_key: Whether a key, rather than a token of Entra ID, authorizes requests to the target.
        clock_skew: The lead of the service's clock.
    """

    source: SpeechResource
    target: SpeechResource
    now: datetime
    model: schemas.CustomModel | Finding | None
    project: schemas.Project | Finding | None
    wants_project: bool
    target_has_key: bool
    clock_skew: timedelta = timedelta()


def references_are_found(facts: CopyFacts) -> Findings:
    """Require that the model and the project exist."""
    yield from (fact for fact in (facts.model, facts.project) if isinstance(fact, Finding))


def resources_are_writable(facts: CopyFacts) -> Findings:
    """Require that source and target may be changed: a copy is a POST to each."""
    yield from resource_is_writable(facts.source)
    if facts.target.name != facts.source.name:
        yield from resource_is_writable(facts.target)


def clocks_agree(facts: CopyFacts) -> Findings:
    """Warn where dates are judged by another clock than this machine's."""
    yield from resource_rules.clocks_agree(facts.clock_skew)


def target_is_another_resource(facts: CopyFacts) -> Findings:
    """Require another resource as the target."""
    if facts.source.identity == facts.target.identity:
        yield same_resource(facts.target.name)


def same_resource(target: str) -> Finding:
    """Return what to say about a target that is the source."""
    return Finding(
        rule="same-resource",
        level="block",
        message=f"The model is on {target} already.",
        fix="Name another resource as to_resource; connect_model shows a model in another project.",
    )


def copy_can_be_authorized(facts: CopyFacts) -> Findings:
    """Require the source's resource id, or what the older form of v3.2 needs: the target's key."""
    if facts.source.resource_id is None and not (facts.source.api_version.copies_with_key and facts.target_has_key):
        yield Finding(
            rule="copy-authorized",
            level="block",
            message=f"Resource {facts.source.name} has no resource_id in its configuration.",
            fix="Add its Azure resource id (/subscriptions/…/accounts/…) to its entry; copying needs it.",
        )


def model_is_ready(facts: CopyFacts) -> Findings:
    """Require a model that is trained and still transcribes."""
    if isinstance(facts.model, schemas.CustomModel):
        yield from trained_model_is_usable(facts.model, facts.now, facts.source.name)


def trained_model_is_usable(model: schemas.CustomModel, now: datetime, resource: str) -> Findings:
    """Require that training has succeeded and the model has not expired."""
    name, until = quote(model.display_name), model.transcription_until
    if model.status == "Failed":
        message, fix = f"Training of model {name} failed.", "Correct the cause and train it again."
        yield Finding(rule="model-is-ready", level="block", message=message, fix=fix)
    elif model.status != "Succeeded":
        wait = call_step("get_model", model=model.id, wait_seconds=suggested_wait(), resource=resource)
        message = f"Model {name} is still being trained ({word(model.status)})."
        fix = f"Wait for it: {wait}."
        yield Finding(rule="model-is-ready", level="block", message=message, fix=fix, remedy="wait")
    elif until is not None and until <= now:
        message = f"Model {name} has not transcribed since {until:%Y-%m-%d}."
        yield Finding(rule="model-is-ready", level="block", message=message, fix="Train a new one.")


def project_fits(facts: CopyFacts) -> Findings:
    """Require projects on the target where one is asked for, and a project of the model's locale."""
    if facts.wants_project:
        yield from projects_are_supported(facts.target)
    if isinstance(facts.model, schemas.CustomModel) and isinstance(facts.project, schemas.Project):
        yield from project_has_locale(facts.project, facts.model.locale, facts.target.name)


RULES: tuple[Callable[[CopyFacts], Findings], ...] = (
    resources_are_writable,
    references_are_found,
    target_is_another_resource,
    copy_can_be_authorized,
    model_is_ready,
    clocks_agree,
    project_fits,
)


def name_is_free(
    model: schemas.CustomModel, others: list[schemas.CustomModel], target: str, *, allow_duplicate: bool
) -> Findings:
    """Require that no model on the target is the source, and none has its name unless a second one is wanted."""
    for other in others:
        if other.id == model.id:
            yield same_resource(target)
        else:
            yield _same_name(model, other, allow_duplicate)


def _same_name(model: schemas.CustomModel, other: schemas.CustomModel, allow_duplicate: bool) -> Finding:
    perhaps = " It may be an earlier copy of this model." if may_be_copy(model, other) else ""
    return Finding(
        rule="already-exists",
        level="warn" if allow_duplicate else "block",
        message=f"The target already has a model with this name and locale: {other.id}.{perhaps}",
        fix="If it is the copy you want, use connect_model on the target; allow_duplicate=true copies beside it.",
    )


def may_be_copy(model: schemas.CustomModel, other: schemas.CustomModel) -> bool:
    """Return whether another model of the name may be its copy.

    It may be one unless it carries a key, is older, or was trained with data of its own.
    """
    created, copied = model.created_date_time, other.created_date_time
    is_older = created is not None and copied is not None and copied < created
    return not (KEY_PROPERTY in (other.custom_properties or {}) or other.datasets or is_older)
