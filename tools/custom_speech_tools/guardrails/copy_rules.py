"""The rules of copying a model: each a pure function from facts to findings, named for what holds after it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from custom_speech_tools.guardrails import resource_rules
from custom_speech_tools.guardrails.project_link import locales_match
from custom_speech_tools.guardrails.project_rules import project_is_supported
from custom_speech_tools.guardrails.resource_rules import resource_is_writable
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import SpeechResource, schemas
from custom_speech_tools.speech.sanitize import plain

Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """What is known when the rules decide. A Finding stands where a reference leads nowhere."""

    source: SpeechResource
    target: SpeechResource
    now: datetime
    model: schemas.CustomModel | Finding
    project: schemas.Project | Finding | None
    wants_project: bool
    target_has_key: bool
    ahead: timedelta = timedelta()
    """The lead of the service's clock, by which `now` is told."""


def references_are_found(facts: CopyFacts) -> Findings:
    """The model and the project exist."""
    yield from (fact for fact in (facts.model, facts.project) if isinstance(fact, Finding))


def resources_are_writable(facts: CopyFacts) -> Findings:
    """Neither the source nor the target is read-only: a copy is a POST to each."""
    yield from resource_is_writable(facts.source)
    if facts.target.name != facts.source.name:
        yield from resource_is_writable(facts.target)


def clocks_agree(facts: CopyFacts) -> Findings:
    """Dates are judged by a clock that is right."""
    yield from resource_rules.clocks_agree(facts.ahead)


def target_is_another_resource(facts: CopyFacts) -> Findings:
    """The copy goes to another resource."""
    if facts.source.identity == facts.target.identity:
        yield same_resource(facts.target.name)


def same_resource(target: str) -> Finding:
    """What to say of a target that is the source."""
    return Finding(
        rule="same-resource",
        level="block",
        message=f"{target} is the resource that the model is on.",
        fix="Name another resource as to_resource; connect_model shows a model in another project.",
    )


def copy_can_be_authorized(facts: CopyFacts) -> Findings:
    """The target can learn which resource it lets copy, or the older form with the target's key is there."""
    if facts.source.resource_id is None and not (facts.source.api_version.copies_with_key and facts.target_has_key):
        yield Finding(
            rule="copy-authorized",
            level="block",
            message=f"Resource {facts.source.name} has no resource_id in its configuration.",
            fix="Add its Azure resource id (/subscriptions/…/accounts/…) to its entry; copying needs it.",
        )


def model_is_ready(facts: CopyFacts) -> Findings:
    """The model is trained and still transcribes."""
    model = facts.model
    if isinstance(model, Finding):
        return
    name, until = plain(model.display_name, 80), model.transcription_until
    if model.status != "Succeeded":
        message = f"Model '{name}' is {plain(model.status)}."
        wait = f'Wait for it: get_model(model="{model.id}", wait_seconds=45, resource="{facts.source.name}").'
        fix = "Train it again, corrected." if model.status == "Failed" else wait
        yield Finding(rule="model-is-ready", level="block", message=message, fix=fix)
    elif until is not None and until <= facts.now:
        message = f"Model '{name}' transcribed until {until:%Y-%m-%d}."
        yield Finding(rule="model-is-ready", level="block", message=message, fix="Train a new one.")


def project_fits(facts: CopyFacts) -> Findings:
    """The target has projects where one is asked for, and the project has the model's locale."""
    if facts.wants_project:
        yield from project_is_supported(facts.target)
    if isinstance(facts.model, schemas.CustomModel) and isinstance(facts.project, schemas.Project):
        yield from locales_match(facts.model, facts.project, facts.target.name)


RULES: tuple[Callable[[CopyFacts], Findings], ...] = (
    resources_are_writable,
    references_are_found,
    target_is_another_resource,
    copy_can_be_authorized,
    model_is_ready,
    clocks_agree,
    project_fits,
)
