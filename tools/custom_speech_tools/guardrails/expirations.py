"""Expirations: base models that close, models that end, endpoints that fall back to a base model."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.results import MAX_PARTS
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote

ExpiringKind = Literal["endpoint", "model", "base_model"]

_ORDER: tuple[ExpiringKind, ...] = ("endpoint", "model", "base_model")
"""Of equal dates, what applications use comes first."""

_MONTH_AT_END = re.compile(r"[ _-]*\d{4}-\d{2}$")
"""What the name of a model that was trained again ends with."""


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


@dataclass(frozen=True, slots=True)
class ExpirationFacts:
    """The models and endpoints of one resource; entities of `speech.known` supply names and dates.

    Attributes:
        base_models: Those of the locales of the custom models.
        within: How far to look ahead.
        includes_unused: Whether base models count that no custom model was trained on.
    """

    speech: Speech
    models: Sequence[schemas.CustomModel]
    endpoints: Sequence[schemas.Endpoint]
    base_models: Sequence[schemas.BaseModel]
    now: datetime
    within: timedelta
    includes_unused: bool

    def find(self) -> Iterator[Expiration]:
        """Return what ends within the time, and what applications or models use that has ended already."""
        for endpoint in self.endpoints:
            yield from self._endpoint(endpoint)
        for model in self.models:
            yield from self._model(model)
        used = {model.base_model.id for model in self.models if model.base_model}
        known = {one.id: one for one in self.speech.known.values() if isinstance(one, schemas.BaseModel)}
        bases = known | {base.id: base for base in self.base_models}
        for base in bases.values():
            ends = base.adaptation_until
            is_listed = self.includes_unused and base.id in {one.id for one in self.base_models} and base.trains_with
            if base.id in used or (is_listed and ends is not None and ends > self.now):
                yield from self._base_model(base)

    def unknown_dates(self) -> int:
        """Return how many base models and deployed models could not be read, so that their ends are unknown."""
        parts = [*(one.base_model for one in self.models), *(one.model for one in self.endpoints)]
        return len({part.id for part in parts if part is not None and part.id not in self.speech.known})

    def _ends_in_time(self, ends: datetime) -> bool:
        return ends <= self.now + self.within

    def _endpoint(self, endpoint: schemas.Endpoint) -> Iterator[Expiration]:
        model = self.speech.known.get(endpoint.model.id) if endpoint.model else None
        ends: datetime | None = getattr(model, "transcription_until", None)
        if model is None or ends is None or not self._ends_in_time(ends):
            return
        here = self.speech.resource.name
        effect = f"Model {quote(model.display_name)} ends: applications keep working, but silently with the newest "
        action, call = (
            self._retraining(model)
            if isinstance(model, schemas.CustomModel)
            else (
                "Choose a model with a later end.",
                call_step("list_models", locale=endpoint.locale, status="Succeeded", resource=here),
            )
        )
        action = f"{action} Then deploy the new model into this endpoint, which keeps its id."
        yield Expiration(endpoint, "endpoint", here, ends, f"{effect}base model.", action, call)

    def _model(self, model: schemas.CustomModel) -> Iterator[Expiration]:
        ends = model.transcription_until
        if ends is None or not self._ends_in_time(ends) or model.status == "Failed":
            return
        effect = "It stops transcribing; batch transcriptions with it are refused."
        base = self.speech.known.get(model.base_model.id) if model.base_model else None
        base_ends = base.transcription_until if isinstance(base, schemas.BaseModel) else None
        if base is not None and base_ends is not None and base_ends < ends:
            effect += (
                f" It outlives its base model {quote(base.display_name)} ({base_ends:%Y-%m-%d}), because its two years "
                "count from its own training."
            )
        action, call = self._retraining(model)
        live = [quote(one.display_name) for one in self.endpoints if one.model and one.model.id == model.id]
        if live:
            action += f" Then deploy it into {_some(live)}."
        yield Expiration(model, "model", self.speech.resource.name, ends, effect, action, call)

    def _retraining(self, model: schemas.CustomModel) -> tuple[str, str]:
        """Return what replaces a model, as a sentence and as a complete call."""
        here = self.speech.resource.name
        datasets = [part.id for part in (model.datasets or [])[:MAX_PARTS]]
        if not datasets:
            original = call_step("list_models", display_name=model.display_name, resource="*")
            return "Its data are not on this resource: train the original again, then copy it here again.", original
        newest = self._newest_base_model(model)
        base = "the newest base model"
        if newest is not None:
            is_same = model.base_model is not None and newest.id == model.base_model.id
            still = "still " if is_same else ""
            base = f"base model {quote(newest.display_name)}, {still}the newest that takes them"
        name = _MONTH_AT_END.sub("", model.display_name[:200]) + f" {self.now:%Y-%m}"
        call = call_step(
            "plan_model",
            display_name=name,
            locale=model.locale,
            datasets=datasets,
            base_model=newest.id if newest else None,
            project=model.project.id if model.project else None,
            resource=here,
        )
        return f"Train {quote(model.display_name)} again with the same data on {base}.", call

    def _newest_base_model(self, model: schemas.CustomModel) -> schemas.BaseModel | None:
        """Return the newest base model that is open for the data of a model; None where their kinds are not known."""
        datasets = [self.speech.known.get(part.id) for part in model.datasets or []]
        kinds = {one.kind for one in datasets if isinstance(one, schemas.Dataset)}
        is_known = all(isinstance(one, schemas.Dataset) for one in datasets)
        fitting = [
            base
            for base in self.base_models
            if base.locale == model.locale and kinds <= set(base.trains_with) and self._is_open(base)
        ]
        return max(fitting, key=_date_of_creation, default=None) if is_known else None

    def _is_open(self, base: schemas.BaseModel) -> bool:
        return bool(base.trains_with) and (base.adaptation_until is None or base.adaptation_until > self.now)

    def _base_model(self, base: schemas.BaseModel) -> Iterator[Expiration]:
        ends = base.adaptation_until
        if ends is None or not self._ends_in_time(ends):
            return
        here = self.speech.resource.name
        used_by = [quote(one.display_name) for one in self.models if one.base_model and one.base_model.id == base.id]
        used = f"trained on it: {_some(used_by)}" if used_by else "no custom model of this resource was"
        others = [one for one in self.base_models if one.locale == base.locale and self._is_open(one)]
        newest = max(others, key=_date_of_creation, default=None)
        if newest is None or newest.adaptation_until is None or newest.adaptation_until.date() > ends.date():
            name = f", such as {quote(newest.display_name)}" if newest else ""
            action = f"Train on a newer base model from then on{name}."
        else:
            action = (
                f"Nothing is gained by training again now: the newest base model, {quote(newest.display_name)}, closes "
                "no later. Look for a newer one before that day."
            )
        call = call_step("list_base_models", locale=base.locale, resource=here)
        effect = f"No model can be trained on it any more; {used}."
        yield Expiration(base, "base_model", here, ends, effect, action, call)


def soonest_first(expirations: Sequence[Expiration]) -> list[Expiration]:
    """Return the expirations by date."""
    return sorted(expirations, key=lambda one: (one.ends.date(), _ORDER.index(one.kind), one.entity.display_name))


def _date_of_creation(base: schemas.BaseModel) -> tuple[bool, datetime | None, str]:
    return (base.created_date_time is not None, base.created_date_time, base.display_name)


def _some(names: Sequence[str]) -> str:
    """Return the first three names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
