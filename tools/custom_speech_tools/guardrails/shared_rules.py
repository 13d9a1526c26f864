"""Rules shared by several plans: the resource, the locale, and whether models, datasets and endpoints are ready."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from custom_speech_tools.guardrails.dataset_import import is_much_rejected
from custom_speech_tools.guardrails.entity_lookup import AnyModel
from custom_speech_tools.runtime.entity_kinds import KIND_OF
from custom_speech_tools.runtime.next_steps import DEFAULT_WAIT_SECONDS, Choice, call_step
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import SpeechResource, schemas
from custom_speech_tools.speech.sanitize import quote, reason_clause, word
from custom_speech_tools.speech.service_clock import CLOCK_TOLERANCE

Findings = Iterator[Finding]
Facts = TypeVar("Facts")

EXPIRED_IN_ENDPOINT = "applications keep working, but silently with the newest base model."


def run_rules(rules: Iterable[Callable[[Facts], Findings]], facts: Facts) -> tuple[Finding, ...]:
    """Return the findings of all rules, in the order of the rules."""
    return tuple(finding for rule in rules for finding in rule(facts))


def is_blocked(findings: Iterable[Finding]) -> bool:
    """Return whether any finding blocks the request."""
    return any(finding.level == "block" for finding in findings)


def after_agreement(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without those of level `confirm`, which no longer apply once the user has agreed."""
    return [finding for finding in findings if finding.level != "confirm"]


def list_first(names: Sequence[str], limit: int) -> str:
    """Return the first names, separated by commas, and the number of remaining names."""
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def parts_fit(resource: SpeechResource, locale: str | None, *parts: object) -> Findings:
    """Require a writable resource, and that every entity named in the request exists and has the locale.

    Args:
        locale: None if the locale is not known; a locale cannot be changed later.
        parts: Each is an entity, a Finding if the entity was not found, or None if the argument was left out.
    """
    if resource.read_only:  # only GET requests are sent to it
        message = f"Resource {resource.name} is configured as read-only."
        yield block("resource-writable", message, "Use another resource, or ask whoever configures the server.", "none")
    yield from (part for part in parts if isinstance(part, Finding))
    for part in parts:
        if locale and isinstance(part, schemas.Entity) and part.locale.lower() != locale.lower():
            kind, other = KIND_OF[type(part)], word(part.locale)
            message = f"{kind.noun.capitalize()} {quote(part.display_name)} has locale {other}, not {word(locale)}."
            listing = f"{kind.listing(resource.name, locale)} in {word(locale)}"
            yield block("locale-match", message, f"Use another {kind.noun} ({listing}), or {other} for all parts.")


def model_is_ready(model: AnyModel, now: datetime, resource: str) -> Findings:
    """Require a trained model that has not expired at `now`, the service's time."""
    name, until = quote(model.display_name), model.transcription_until
    status = model.status if isinstance(model, schemas.CustomModel) else "Succeeded"
    if isinstance(model, schemas.CustomModel) and status == "Failed":
        message = f"Training of model {name} failed{reason_clause(model.error.message if model.error else None)}"
        fix = "Correct the cause and train it again; a failed model cannot be used."
        yield block("model-is-ready", message, fix)
    elif status != "Succeeded":
        wait = call_step("get_model", model=model.id, wait_seconds=DEFAULT_WAIT_SECONDS, resource=resource)
        message = f"Model {name} is still being trained ({word(status)})."
        yield block("model-is-ready", message, f"Wait for it: {wait}.", "wait")
    elif until is not None and until <= now:
        message = f"Model {name} has not transcribed since {until:%Y-%m-%d}."
        yield block("model-is-ready", message, "Use a model that still transcribes, or train a new one.")


def hosted_model_is_ready(endpoint: schemas.Endpoint, until: datetime | None, now: datetime, resource: str) -> Findings:
    """Warn if the model of an endpoint has expired, which the status of the endpoint does not show."""
    if until is not None and until <= now:
        model = Choice("a model that still transcribes, or train one")
        message = f"The endpoint's model ended on {until:%Y-%m-%d}: {EXPIRED_IN_ENDPOINT}"
        fix = call_step("deploy_model", model=model, endpoint=endpoint.id, resource=resource)
        yield warn("model-is-ready", message, fix)


def dataset_is_ready(dataset: schemas.Dataset, resource: str, rule: str = "dataset-ready") -> Findings:
    """Require an imported dataset that is not empty, and warn if more than a tenth of its lines were rejected."""
    name, rejected, accepted = quote(dataset.display_name), dataset.rejected_lines or 0, dataset.lines or 0
    again = "Correct the data and upload it again."
    if dataset.status == "Failed":
        reason = reason_clause(dataset.error.message if dataset.error else None)
        yield block(rule, f"The import of dataset {name} failed{reason}", again)
    elif dataset.status != "Succeeded":
        wait = call_step("get_dataset", dataset=dataset.id, wait_seconds=DEFAULT_WAIT_SECONDS, resource=resource)
        message = f"Dataset {name} is still being imported ({word(dataset.status)})."
        yield block(rule, message, f"Wait for it: {wait}.", "wait")
    elif dataset.lines == 0 and not dataset.audio_seconds:
        yield block(rule, f"Dataset {name} is empty: no line was accepted.", again)
    elif is_much_rejected(rejected, rejected + accepted):
        message = f"Of dataset {name}, {rejected} of {rejected + accepted} lines were rejected by the import."
        yield warn(rule, message, f"It works, but without these lines. {again}")


def earlier_failure(attempt: str, entity: schemas.StatefulEntity, fix: str) -> Finding:
    """Return a warning about a failed attempt; `attempt` is text like "import of the same data, dataset"."""
    reason = reason_clause(entity.error.message if entity.error else None)
    name = f"{quote(entity.display_name)} ({entity.id})"
    message = f"An earlier {attempt} {name}, failed{reason} It is not used again."
    return Finding(rule="already-exists", level="warn", message=message, fix=fix)


def clocks_agree(skew: timedelta) -> Findings:
    """Warn if the clocks of this machine and the service differ. A positive skew means that the service is ahead."""
    if abs(skew) <= CLOCK_TOLERANCE:
        return
    minutes = abs(skew) // timedelta(minutes=1)
    by = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
    relation = "behind" if skew > timedelta() else "ahead of"
    message = f"This machine's clock is {by} {relation} the service's clock, by which dates are judged."
    yield warn("clock-skew", message, "Set the clock of this machine.")
