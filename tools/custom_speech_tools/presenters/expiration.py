"""Expiration results."""

import re
from collections.abc import Iterable
from datetime import datetime

from custom_speech_tools.guardrails.expiration_facts import ExpirationFacts
from custom_speech_tools.guardrails.shared_rules import EXPIRED_IN_ENDPOINT, list_first
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import MAX_REFERENCES, Day, Result, Sentence, ServiceText
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote

_ORDER = ("endpoint", "model", "base_model")  # of equal dates, the kind that applications use comes first
_MONTH_AT_END = re.compile(r"[ _-]*\d{4}-\d{2}$")  # the suffix of a model that was trained again
_MAX_NAMES = 3


class Expiration(Result):
    """An expiration: the entity, the date, the effect, and the call that prevents it."""

    what: ServiceText
    id: str
    kind: str
    resource: str
    ends: Day
    effect: Sentence
    action: Sentence
    call: Sentence


def present_expirations(facts: Iterable[ExpirationFacts]) -> list[Expiration]:
    """Return the expirations by date. An item that needs the same call as an earlier item refers to that item."""
    first: dict[str, Expiration] = {}
    ordered = []
    expirations = [expiration for one in facts for expiration in _present_resource(one)]
    for one in sorted(expirations, key=lambda one: (one.ends.date(), _ORDER.index(one.kind), one.what)):
        earlier = first.setdefault(one.call, one)
        reference = f"The call of {earlier.kind} {quote(earlier.what)} does this as well."
        ordered.append(one if earlier is one else one.model_copy(update={"call": reference}))
    return ordered


def _present_resource(facts: ExpirationFacts) -> Iterable[Expiration]:
    """Return the expirations of one resource."""
    resource_name = facts.speech.resource.name
    for endpoint, hosted, ends in facts.expiring_endpoints():
        action = "Choose a model with a later end."
        call = call_step("list_models", locale=endpoint.locale, status="Succeeded", resource=resource_name)
        if isinstance(hosted, schemas.CustomModel):
            action, call = _retraining(facts, hosted)
        effect = f"Model {quote(hosted.display_name)} ends: {EXPIRED_IN_ENDPOINT}"
        action += " Then deploy the new model into this endpoint, which keeps its id."
        yield _present(resource_name, endpoint, "endpoint", ends, effect=effect, action=action, call=call)
    for model, ends in facts.expiring_models():
        effect = "It stops transcribing; batch transcriptions with it are refused."
        base = facts.related.get(model.base_model.id) if model.base_model else None
        base_ends = base.transcription_until if isinstance(base, schemas.BaseModel) else None
        if base is not None and base_ends is not None and base_ends < ends:
            effect += f" It outlives its base model {quote(base.display_name)} ({base_ends:%Y-%m-%d}), because "
            effect += "its two years count from its own training."
        action, call = _retraining(facts, model)
        hosts = [quote(one.display_name) for one in facts.endpoints if one.model and one.model.id == model.id]
        if hosts:
            action += f" Then deploy it into {list_first(hosts, _MAX_NAMES)}."
        yield _present(resource_name, model, "model", ends, effect=effect, action=action, call=call)
    for base, ends in facts.closing_base_models():
        users = [quote(one.display_name) for one in facts.models if one.base_model and one.base_model.id == base.id]
        used = f"trained on it: {list_first(users, _MAX_NAMES)}" if users else "no custom model of this resource was"
        newest = next(iter(facts.open_base_models(base.locale)), None)
        if newest is None or newest.adaptation_until is None or newest.adaptation_until.date() > ends.date():
            name = f", such as {quote(newest.display_name)}" if newest else ""
            action = f"Train on a newer base model from then on{name}."
        else:
            name = quote(newest.display_name)
            action = f"Nothing is gained by training again now: the newest base model, {name}, closes no later. "
            action += "Look for a newer one before that day."
        call = call_step("list_base_models", locale=base.locale, resource=resource_name)
        effect = f"No model can be trained on it any more; {used}."
        yield _present(resource_name, base, "base_model", ends, effect=effect, action=action, call=call)


def _present(resource_name: str, entity: schemas.Entity, kind: str, ends: datetime, **texts: str) -> Expiration:
    what = entity.display_name
    return Expiration(what=what, id=entity.id, kind=kind, resource=resource_name, ends=ends, **texts)


def _retraining(facts: ExpirationFacts, model: schemas.CustomModel) -> tuple[str, str]:
    """Return how to train a model again, as a sentence and as a complete call."""
    datasets = [part.id for part in (model.datasets or [])[:MAX_REFERENCES]]
    if not datasets:
        original = call_step("list_models", display_name=model.display_name, resource="*")
        return "Its data are not on this resource: train the original again, then copy it here again.", original
    newest, base = facts.newest_base_model_for(model), "the newest base model"
    if newest is not None:
        still = "still " if model.base_model is not None and newest.id == model.base_model.id else ""
        base = f"base model {quote(newest.display_name)}, {still}the newest that takes them"
    call = call_step(
        "plan_model",
        display_name=_MONTH_AT_END.sub("", model.display_name[:200]) + f" {facts.now:%Y-%m}",
        locale=model.locale,
        datasets=datasets,
        base_model=newest.id if newest else None,
        project=model.project.id if model.project else None,
        resource=facts.speech.resource.name,
    )
    return f"Train {quote(model.display_name)} again with the same data on {base}.", call
