"""Expirations: facts about endpoints and models that expire, and base models that close for training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from custom_speech_tools.guardrails.training_facts import open_base_models, takes_data
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import exact_locale, matches_locale
from custom_speech_tools.runtime.related_entities import Entities, read_related
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.paging import Listing
from custom_speech_tools.speech.tasks_and_threads import task_group


@dataclass(frozen=True, slots=True)
class ExpirationFacts:
    """The facts about expirations on one resource."""

    speech: Speech
    models: Sequence[schemas.CustomModel]
    endpoints: Sequence[schemas.Endpoint]
    base_models: Sequence[schemas.BaseModel]  # of the locales of the custom models
    related: Entities  # the entities to which models and endpoints refer
    now: datetime  # the service's time
    until: datetime  # the end of the period to check
    includes_unused: bool  # True to include base models that no custom model was trained on
    is_complete: bool  # False if the service's lists were not read to the end

    def expiring_endpoints(self) -> Iterator[tuple[schemas.Endpoint, schemas.Model, datetime]]:
        """Return the endpoints whose models expire by `until`, with the model and the date."""
        for endpoint in self.endpoints:
            model = self.related.get(endpoint.model.id) if endpoint.model else None
            ends = model.transcription_until if isinstance(model, schemas.Model) else None
            if isinstance(model, schemas.Model) and ends is not None and ends <= self.until:
                yield endpoint, model, ends

    def expiring_models(self) -> Iterator[tuple[schemas.CustomModel, datetime]]:
        """Return the custom models that expire by `until`, with the date."""
        for model in self.models:
            ends = model.transcription_until
            if ends is not None and ends <= self.until and model.status != "Failed":
                yield model, ends

    def closing_base_models(self) -> Iterator[tuple[schemas.BaseModel, datetime]]:
        """Return the base models, in use or still open, that close for training by `until`, with the date."""
        used = {model.base_model.id for model in self.models if model.base_model}
        listed = {base.id: base for base in self.base_models}
        known = {one.id: one for one in self.related.values() if isinstance(one, schemas.BaseModel)}
        for base in (known | listed).values():
            ends = base.adaptation_until
            if ends is not None and ends <= self.until:
                is_open = base.id in listed and base.trains_with and ends > self.now
                if base.id in used or (self.includes_unused and is_open):
                    yield base, ends

    def open_base_models(self, locale: str) -> list[schemas.BaseModel]:
        """Return the base models of a locale that can be trained on, newest first."""
        return open_base_models((base for base in self.base_models if base.locale == locale), self.now)

    def newest_base_model_for(self, model: schemas.CustomModel) -> schemas.BaseModel | None:
        """Return the newest open base model that accepts a model's data, or None if a dataset cannot be read."""
        data = [self.related.get(part.id) for part in model.datasets or []]
        kinds = {one.kind for one in data if isinstance(one, schemas.Dataset)}
        if not all(isinstance(one, schemas.Dataset) for one in data):
            return None
        return next((base for base in self.open_base_models(model.locale) if takes_data(base, kinds)), None)

    def count_unknown_dates(self) -> int:
        """Return the number of base models and deployed models that could not be read."""
        parts = [*(one.base_model for one in self.models), *(one.model for one in self.endpoints)]
        return len({part.id for part in parts if part is not None and part.id not in self.related})


async def gather_expiration_facts(
    call: CallContext, speech: Speech, within_days: int, locale: str | None
) -> ExpirationFacts:
    """Read models and endpoints concurrently, and then their base models and the data of expiring models."""
    exact = exact_locale(locale)
    async with task_group() as tasks:
        models_task = tasks.create_task(speech.models_list_custom_models(locale=exact))
        endpoints_task = tasks.create_task(speech.endpoints_list(locale=exact))
    listings: list[Listing[Any]] = [models_task.return_value, endpoints_task.return_value]
    models = [one for one in models_task.return_value.entities if matches_locale(one.locale, locale)]
    endpoints = [one for one in endpoints_task.return_value.entities if matches_locale(one.locale, locale)]
    # Filtering by a language requires the base models of all locales; without a filter, the locales in use suffice.
    locales = [exact] if locale else sorted({model.locale for model in models})
    now = call.now(speech)  # after the first responses, which set the service's clock
    until = now + timedelta(days=within_days)
    expiring = [one for one in models if one.transcription_until and one.transcription_until <= until]
    async with task_group() as tasks:
        base_lists = [tasks.create_task(speech.models_list_base_models(locale=one)) for one in locales]
        datasets = tasks.create_task(read_related(speech, [part for one in expiring for part in one.datasets or []]))
    listings += [one.return_value for one in base_lists]
    bases = [base for one in base_lists for base in one.return_value.entities]
    references = [*(one.model for one in endpoints), *(one.base_model for one in models)]
    related = await read_related(speech, references, [*models, *bases, *datasets.return_value.values()])
    listed = [one for one in bases if matches_locale(one.locale, locale)]
    is_complete, includes_unused = all(one.complete for one in listings), locale is not None
    return ExpirationFacts(speech, models, endpoints, listed, related, now, until, includes_unused, is_complete)
