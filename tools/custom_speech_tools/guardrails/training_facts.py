"""The facts on which the rules of training decide, fetched concurrently."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from custom_speech_tools.guardrails.entity_lookup import BASE_MODEL, DATASET, find_entity, find_project
from custom_speech_tools.guardrails.recording_lengths import (
    LONGEST_SECONDS,
    LONGEST_WHISPER_SECONDS,
    RecordingLengths,
    lengths_of,
)
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.polling import expected_seconds
from custom_speech_tools.runtime.related_entities import data_of
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.task_groups import task_group

TEXT_KIND = "Language"


class TrainingArguments(parameters.Arguments):
    """The training to plan: the arguments that plan_model and create_model share."""

    display_name: parameters.DisplayName | None = None
    locale: parameters.Locale
    datasets: parameters.DatasetReferences
    base_model: parameters.BaseModelReference = None
    project: parameters.OptionalProject = None
    description: parameters.Description = None
    allow_duplicate: parameters.AllowDuplicate = False
    resource: parameters.ResourceName = None


@dataclass(frozen=True, slots=True)
class TrainingFacts:
    """The facts on which the rules decide; a Finding stands in place of an entity that was not found."""

    request: TrainingArguments
    speech: Speech
    now: datetime  # the service's time
    project: schemas.Project | Finding | None
    datasets: tuple[schemas.Dataset | Finding, ...]
    base_model: schemas.BaseModel | Finding | None  # the one that was asked for, None if none was
    base_models: tuple[schemas.BaseModel, ...]  # all of the locale
    same_name: tuple[schemas.CustomModel, ...] = ()  # that have the name and the locale already
    earlier: tuple[schemas.CustomModel, ...] = ()  # that were trained with the same data
    # Other resources that train with audio, if this one does not, and which of the named datasets each has.
    audio_resources: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def found_datasets(self) -> tuple[schemas.Dataset, ...]:
        """The datasets that exist."""
        return tuple(dataset for dataset in self.datasets if isinstance(dataset, schemas.Dataset))

    @property
    def kinds(self) -> set[str]:
        """The kinds of the datasets."""
        return {dataset.kind for dataset in self.found_datasets}

    @property
    def audio_hours(self) -> float:
        """Hours of audio in the datasets that training uses: recordings that are too long do not count."""
        return sum(lengths.used_seconds for _, lengths in self.recordings) / 3600

    @property
    def expected_seconds(self) -> float:
        """The estimated duration of the training; 0 for a few minutes."""
        is_emulated = self.speech.is_emulated
        return expected_seconds(self.earlier, is_emulated=is_emulated, audio_hours=self.audio_hours)

    @property
    def longest_seconds(self) -> int:
        """The longest recording that is trained with; Whisper base models take shorter ones."""
        base = self.chosen_base_model
        return LONGEST_WHISPER_SECONDS if base and "whisper" in base.display_name.lower() else LONGEST_SECONDS

    @property
    def recordings(self) -> list[tuple[schemas.Dataset, RecordingLengths]]:
        """The datasets with audio, and the lengths of their recordings."""
        audio = [dataset for dataset in self.found_datasets if dataset.kind in parameters.AUDIO_KINDS]
        return [(dataset, lengths_of(dataset, self.longest_seconds)) for dataset in audio]

    @property
    def open_base_models(self) -> list[schemas.BaseModel]:
        """The base models of the locale that may still be trained on, newest first."""
        return newest_first(
            base for base in self.base_models if not (base.adaptation_until and base.adaptation_until <= self.now)
        )

    @property
    def fitting_base_models(self) -> list[schemas.BaseModel]:
        """The open base models that take all of the data, newest first."""
        return [base for base in self.open_base_models if all(takes_data(base, kind) for kind in self.kinds)]

    @property
    def chosen_base_model(self) -> schemas.BaseModel | None:
        """The base model to train on: the one asked for, else the newest that takes the data."""
        if self.base_model is None:
            return next(iter(self.fitting_base_models), None)
        return self.base_model if isinstance(self.base_model, schemas.BaseModel) else None


def adapts_to_text_only(base: schemas.BaseModel) -> bool:
    """Return whether a base model learns from text alone; of audio it then uses the transcripts (recorded live)."""
    return TEXT_KIND in base.trains_with and set(parameters.AUDIO_KINDS).isdisjoint(base.trains_with)


def takes_data(base: schemas.BaseModel, kind: str) -> bool:
    """Return whether a base model can be trained with this kind of dataset."""
    return kind in base.trains_with or (kind == "Acoustic" and adapts_to_text_only(base))


async def gather_training_facts(call: CallContext, request: TrainingArguments) -> TrainingFacts:
    """Fetch every fact concurrently: one round trip, whatever the number of datasets."""
    speech, asked = call.speech(request.resource), request.base_model
    async with task_group() as tasks:
        project = tasks.create_task(find_project(speech, request.project))
        base_model = tasks.create_task(find_entity(speech, BASE_MODEL, asked, request.locale)) if asked else None
        base_models = tasks.create_task(speech.models_list_base_models(locale=request.locale))
        name, models = request.display_name, speech.models_list_custom_models
        named = tasks.create_task(models(display_name=name, locale=request.locale)) if name else None
        trained = tasks.create_task(_trained_models(speech, request.locale))
        datasets = [
            tasks.create_task(find_entity(speech, DATASET, dataset, request.locale)) for dataset in request.datasets
        ]
        others = [] if speech.resource.can_train_audio is not False else call.speech_of_all()
        elsewhere = {
            other.resource.name: tasks.create_task(_named_datasets(other, request))
            for other in others
            if other.resource.can_train_audio
        }
    data = {one.return_value.id for one in datasets if isinstance(one.return_value, schemas.Dataset)}
    return TrainingFacts(
        request=request,
        speech=speech,
        now=call.now(speech),
        project=project.return_value,
        datasets=tuple(dataset.return_value for dataset in datasets),
        base_model=base_model.return_value if base_model else None,
        base_models=tuple(base_models.return_value.entities),
        same_name=tuple(one for one in named.return_value.entities if one.display_name == name) if named else (),
        earlier=tuple(model for model in trained.return_value if data_of(model) == data),
        audio_resources={name: found.return_value for name, found in elsewhere.items()},
    )


async def _trained_models(speech: Speech, locale: str) -> Sequence[schemas.CustomModel]:
    """Return the models that may tell how long a training takes; none for an emulated resource."""
    try:
        return () if speech.is_emulated else (await speech.models_list_custom_models(locale=locale)).entities
    except SpeechError:
        return ()


async def _named_datasets(speech: Speech, request: TrainingArguments) -> list[str]:
    """Return which of the named datasets another resource has; one that does not answer has none."""
    try:
        listing = await speech.datasets_list(locale=request.locale)
    except SpeechError:
        return []
    imported = {dataset.display_name for dataset in listing.entities if dataset.status == "Succeeded"}
    return [name for name in request.datasets if name in imported]
