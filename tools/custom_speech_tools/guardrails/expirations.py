"""Expirations: base models that close, models that end, endpoints that fall back to a base model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from custom_speech_tools.runtime.next_steps import Placeholder
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.results import MAX_PARTS
from custom_speech_tools.speech import Speech, schemas

ExpiringKind = Literal["endpoint", "model", "base_model"]

_ORDER: tuple[ExpiringKind, ...] = ("endpoint", "model", "base_model")
"""Of equal dates, what applications use comes first."""


@dataclass(frozen=True, slots=True)
class Expiration:
    """Something that ends.

    Attributes:
        ends: When it stops working.
        effect: What happens then.
        action: What to do before.
        call: The call that starts it.
    """

    entity: schemas.Entity
    kind: ExpiringKind
    resource: str
    ends: datetime
    effect: str
    action: str
    call: str


def find_expirations(
    speech: Speech, models: Sequence[schemas.CustomModel], endpoints: Sequence[schemas.Endpoint], until: datetime
) -> Iterator[Expiration]:
    """Return what ends until a moment, and what has ended already; entities of `speech.known` supply the dates."""
    for endpoint in endpoints:
        yield from _endpoint(speech, endpoint, until)
    deployed = {endpoint.model.id for endpoint in endpoints if endpoint.model}
    for model in models:
        yield from _model(speech, model, until, is_deployed=model.id in deployed)
    used = {model.base_model.id: model for model in models if model.base_model}
    for base_id, model in used.items():
        base = speech.known.get(base_id)
        if isinstance(base, schemas.BaseModel):
            yield from _base_model(speech, base, model, until)


def soonest_first(expirations: Sequence[Expiration]) -> list[Expiration]:
    """Return the expirations by date."""
    return sorted(expirations, key=lambda one: (one.ends.date(), _ORDER.index(one.kind), one.entity.display_name))


def _endpoint(speech: Speech, endpoint: schemas.Endpoint, until: datetime) -> Iterator[Expiration]:
    model = speech.known.get(endpoint.model.id) if endpoint.model else None
    ends = getattr(model, "transcription_until", None)
    if model is not None and ends is not None and ends <= until:
        here = speech.resource.name
        yield Expiration(
            endpoint,
            "endpoint",
            here,
            ends,
            "Applications keep working, but silently with the newest base model instead of the custom model.",
            "Put a model with a later end into the endpoint; it keeps its id.",
            call_step("deploy_model", model=Placeholder("new model"), endpoint=endpoint.id, resource=here),
        )


def _model(speech: Speech, model: schemas.CustomModel, until: datetime, *, is_deployed: bool) -> Iterator[Expiration]:
    ends = model.transcription_until
    if ends is None or ends > until or model.status == "Failed":
        return
    here = speech.resource.name
    datasets = [part.id for part in (model.datasets or [])[:MAX_PARTS]]
    retrain = call_step("plan_model", locale=model.locale, datasets=datasets, resource=here)
    choose = call_step("list_datasets", locale=model.locale, resource=here)
    yield Expiration(
        model,
        "model",
        here,
        ends,
        "It stops transcribing; batch transcriptions with it are refused.",
        "Train it again with the same data on the newest base model"
        + (", then deploy it into the endpoint." if is_deployed else "."),
        retrain if datasets else choose,
    )


def _base_model(
    speech: Speech, base: schemas.BaseModel, model: schemas.CustomModel, until: datetime
) -> Iterator[Expiration]:
    ends = base.adaptation_until
    if ends is None or ends > until:
        return
    here = speech.resource.name
    yield Expiration(
        base,
        "base_model",
        here,
        ends,
        f"No model can be trained on it any more; model {model.id} was.",
        "Train on a newer base model from then on.",
        call_step("list_base_models", locale=base.locale, availability="training", resource=here),
    )
