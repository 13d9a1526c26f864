"""Expirations: base models that close, models that end, endpoints that fall back to a base model."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.related_entities import Entities
from custom_speech_tools.runtime.results import MAX_REFERENCES, Day, Result, Sentence, ServiceText
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote

_ORDER = ("endpoint", "model", "base_model")  # of equal dates, what applications use comes first
_MONTH_AT_END = re.compile(r"[ _-]*\d{4}-\d{2}$")  # as the names of models that were trained again end


class Expiration(Result):
    """Something that ends: what it is, when, what happens then, and the call that prevents it."""

    what: ServiceText
    id: str
    kind: str
    resource: str
    ends: Day
    effect: Sentence
    action: Sentence
    call: Sentence


@dataclass(frozen=True, slots=True)
class ExpirationFacts:
    """The models and endpoints of one resource."""

    speech: Speech
    models: Sequence[schemas.CustomModel]
    endpoints: Sequence[schemas.Endpoint]
    base_models: Sequence[schemas.BaseModel]  # those of the locales of the custom models
    parts: Entities  # supply names and dates
    now: datetime
    until: datetime  # how far to look ahead
    includes_unused: bool  # base models that no custom model was trained on
    is_complete: bool  # the lists were read to the end

    def find(self) -> Iterator[Expiration]:
        """Return what ends within the time, and what applications or models use that has ended already."""
        yield from chain.from_iterable(map(self._endpoint, self.endpoints))
        yield from chain.from_iterable(map(self._model, self.models))
        used = {model.base_model.id for model in self.models if model.base_model}
        listed = {base.id: base for base in self.base_models}
        known = {one.id: one for one in self.parts.values() if isinstance(one, schemas.BaseModel)}
        for base in (known | listed).values():
            ends = base.adaptation_until
            is_unused = base.id in listed and base.trains_with and ends is not None and ends > self.now
            if base.id in used or (self.includes_unused and is_unused):
                yield from self._base_model(base)

    def unknown_dates(self) -> int:
        """Return how many base models and deployed models could not be read, so that their ends are unknown."""
        parts = [*(one.base_model for one in self.models), *(one.model for one in self.endpoints)]
        return len({part.id for part in parts if part is not None and part.id not in self.parts})

    def _expiration(self, entity: schemas.Entity, kind: str, ends: datetime, **texts: str) -> Expiration:
        what, here = entity.display_name, self.speech.resource.name
        return Expiration(what=what, id=entity.id, kind=kind, resource=here, ends=ends, **texts)

    def _endpoint(self, endpoint: schemas.Endpoint) -> Iterator[Expiration]:
        model = self.parts.get(endpoint.model.id) if endpoint.model else None
        ends: datetime | None = getattr(model, "transcription_until", None)
        if model is None or ends is None or ends > self.until:
            return
        action, here = "Choose a model with a later end.", self.speech.resource.name
        call = call_step("list_models", locale=endpoint.locale, status="Succeeded", resource=here)
        if isinstance(model, schemas.CustomModel):
            action, call = self._retraining(model)
        name = quote(model.display_name)
        effect = f"Model {name} ends: applications keep working, but silently with the newest base model."
        action += " Then deploy the new model into this endpoint, which keeps its id."
        yield self._expiration(endpoint, "endpoint", ends, effect=effect, action=action, call=call)

    def _model(self, model: schemas.CustomModel) -> Iterator[Expiration]:
        ends = model.transcription_until
        if ends is None or ends > self.until or model.status == "Failed":
            return
        effect = "It stops transcribing; batch transcriptions with it are refused."
        base = self.parts.get(model.base_model.id) if model.base_model else None
        base_ends = base.transcription_until if isinstance(base, schemas.BaseModel) else None
        if base is not None and base_ends is not None and base_ends < ends:
            effect += f" It outlives its base model {quote(base.display_name)} ({base_ends:%Y-%m-%d}), because "
            effect += "its two years count from its own training."
        action, call = self._retraining(model)
        if live := _some(one.display_name for one in self.endpoints if one.model and one.model.id == model.id):
            action += f" Then deploy it into {live}."
        yield self._expiration(model, "model", ends, effect=effect, action=action, call=call)

    def _retraining(self, model: schemas.CustomModel) -> tuple[str, str]:
        """Return what replaces a model, as a sentence and as a complete call."""
        datasets = [part.id for part in (model.datasets or [])[:MAX_REFERENCES]]
        if not datasets:
            original = call_step("list_models", display_name=model.display_name, resource="*")
            return "Its data are not on this resource: train the original again, then copy it here again.", original
        # Without the kinds of all its data nothing is known of base models that take them.
        data, newest, base = [self.parts.get(part.id) for part in model.datasets or []], None, "the newest base model"
        if all(isinstance(one, schemas.Dataset) for one in data):
            kinds = {one.kind for one in data if isinstance(one, schemas.Dataset)}
            newest = next((one for one in self._open_base_models(model.locale) if kinds <= set(one.trains_with)), None)
        if newest is not None:
            still = "still " if model.base_model is not None and newest.id == model.base_model.id else ""
            base = f"base model {quote(newest.display_name)}, {still}the newest that takes them"
        call = call_step(
            "plan_model",
            display_name=_MONTH_AT_END.sub("", model.display_name[:200]) + f" {self.now:%Y-%m}",
            locale=model.locale,
            datasets=datasets,
            base_model=newest.id if newest else None,
            project=model.project.id if model.project else None,
            resource=self.speech.resource.name,
        )
        return f"Train {quote(model.display_name)} again with the same data on {base}.", call

    def _open_base_models(self, locale: str) -> list[schemas.BaseModel]:
        """Return the base models of a locale that can be trained on, the newest first."""
        trainable = [base for base in self.base_models if base.locale == locale and base.trains_with]
        return newest_first(
            base for base in trainable if base.adaptation_until is None or base.adaptation_until > self.now
        )

    def _base_model(self, base: schemas.BaseModel) -> Iterator[Expiration]:
        ends = base.adaptation_until
        if ends is None or ends > self.until:
            return
        used_by = _some(one.display_name for one in self.models if one.base_model and one.base_model.id == base.id)
        used = f"trained on it: {used_by}" if used_by else "no custom model of this resource was"
        newest = next(iter(self._open_base_models(base.locale)), None)
        if newest is None or newest.adaptation_until is None or newest.adaptation_until.date() > ends.date():
            name = f", such as {quote(newest.display_name)}" if newest else ""
            action = f"Train on a newer base model from then on{name}."
        else:
            name = quote(newest.display_name)
            action = f"Nothing is gained by training again now: the newest base model, {name}, closes no later. "
            action += "Look for a newer one before that day."
        call = call_step("list_base_models", locale=base.locale, resource=self.speech.resource.name)
        effect = f"No model can be trained on it any more; {used}."
        yield self._expiration(base, "base_model", ends, effect=effect, action=action, call=call)


def soonest_first(expirations: Iterable[Expiration]) -> list[Expiration]:
    """Return the expirations by date; one whose call stands at an earlier one refers to that."""
    first: dict[str, Expiration] = {}
    ordered = []
    for one in sorted(expirations, key=lambda one: (one.ends.date(), _ORDER.index(one.kind), one.what)):
        earlier = first.setdefault(one.call, one)
        refers = f"The call of {earlier.kind} {quote(earlier.what)} does this as well."
        ordered.append(one if earlier is one else one.model_copy(update={"call": refers}))
    return ordered


def _some(names: Iterable[str]) -> str:
    """Return the first three names, and how many more there are."""
    quoted = [quote(name) for name in names]
    more = f" and {len(quoted) - 3} more" if len(quoted) > 3 else ""
    return ", ".join(quoted[:3]) + more
