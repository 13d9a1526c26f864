"""Training of models: arguments and facts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from custom_speech_data.dataset_kinds import AUDIO_KINDS
from custom_speech_tools.guardrails import recording_lengths
from custom_speech_tools.guardrails.entity_lookup import find_entity, find_project
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import BASE_MODEL, DATASET
from custom_speech_tools.runtime.entity_lists import newest_first
from custom_speech_tools.runtime.related_entities import data_of
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.paging import if_readable
from custom_speech_tools.speech.tasks_and_threads import task_group

TEXT_KIND = "Language"


class TrainingArguments(parameters.Arguments):
    """The arguments that plan_model and create_model share."""

    display_name: parameters.DisplayName | None = None
    locale: parameters.Locale
    datasets: parameters.DatasetReferences
    base_model: parameters.BaseModelReference = None
    project: parameters.OptionalReference = None
    description: parameters.Description = None
    allow_duplicate: parameters.AllowDuplicate = False
    resource: parameters.ResourceName = None


@dataclass
class TrainingFacts:
    """The facts about a requested training. A Finding replaces an entity that was not found."""

    request: TrainingArguments
    speech: Speech
    now: datetime  # the service's time
    project: schemas.Project | Finding | None
    datasets: tuple[schemas.Dataset | Finding, ...]
    base_model: schemas.BaseModel | Finding | None  # the requested base model, None if the service chooses
    base_models: tuple[schemas.BaseModel, ...]  # all of the locale
    same_name: tuple[schemas.CustomModel, ...] = ()  # models of the locale that have the requested name
    earlier: tuple[schemas.CustomModel, ...] = ()  # models that were trained with the same data
    # Other resources that train with audio, if this resource does not, and which of the named datasets each has.
    audio_resources: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Derive the facts that several rules read."""
        self.found_datasets = tuple(one for one in self.datasets if isinstance(one, schemas.Dataset))
        self.kinds = frozenset(dataset.kind for dataset in self.found_datasets)
        self.open_base_models = open_base_models(self.base_models, self.now)
        # Those that take all of the data.
        self.fitting_base_models = [base for base in self.open_base_models if takes_data(base, self.kinds)]
        free = (base for base in self.fitting_base_models if not base.training_is_charged)
        self.uncharged_base_model = next(free, None)
        # The requested base model, or else the newest fitting one.
        newest = next(iter(self.fitting_base_models), None)
        requested = self.base_model if isinstance(self.base_model, schemas.BaseModel) else None
        self.chosen_base_model = base = newest if self.base_model is None else requested
        is_whisper = base is not None and "whisper" in base.display_name.lower()
        limits = recording_lengths.LONGEST_SECONDS, recording_lengths.LONGEST_WHISPER_SECONDS
        self.longest_seconds = limits[is_whisper]
        audio = [dataset for dataset in self.found_datasets if dataset.kind in AUDIO_KINDS]
        self.recordings = [(dataset, recording_lengths.lengths_of(dataset, self.longest_seconds)) for dataset in audio]
        # Training does not use the sound of longer recordings.
        self.audio_hours = sum(lengths.used_seconds for _, lengths in self.recordings) / 3600


def open_base_models(bases: Iterable[schemas.BaseModel], now: datetime) -> list[schemas.BaseModel]:
    """Return the base models that take data and can still be trained on at `now`, newest first."""
    return newest_first(base for base in bases if base.trains_with and is_open(base, now))


def is_open(base: schemas.BaseModel, now: datetime) -> bool:
    """Return whether a base model can still be trained on at `now`, the service's time."""
    return base.adaptation_until is None or base.adaptation_until > now


def takes_data(base: schemas.BaseModel, kinds: Iterable[str]) -> bool:
    """Return whether a base model can be trained with all of these kinds of datasets."""
    return all(kind in base.trains_with or (kind == "Acoustic" and adapts_to_text_only(base)) for kind in kinds)


def adapts_to_text_only(base: schemas.BaseModel) -> bool:
    """Return whether a base model learns only from text; from audio it uses the transcripts (recorded live)."""
    return TEXT_KIND in base.trains_with and AUDIO_KINDS.isdisjoint(base.trains_with)


async def gather_training_facts(call: CallContext, request: TrainingArguments) -> TrainingFacts:
    """Fetch every fact concurrently, in one round trip for any number of datasets."""
    speech, locale, name = call.speech(request.resource), request.locale, request.display_name
    models, requested = speech.models_list_custom_models, request.base_model
    async with task_group() as tasks:
        project = tasks.create_task(find_project(speech, request.project))
        base_model = tasks.create_task(find_entity(speech, BASE_MODEL, requested, locale)) if requested else None
        base_models = tasks.create_task(speech.models_list_base_models(locale=locale))
        same_name = tasks.create_task(models(display_name=name, locale=locale)) if name else None
        # On an emulated resource the duration of a training is known.
        trained = None if speech.is_emulated else tasks.create_task(if_readable(models(locale=locale)))
        datasets = [tasks.create_task(find_entity(speech, DATASET, one, locale)) for one in request.datasets]
        others = [] if speech.resource.can_train_audio is not False else call.speech_of_all()
        able = [other for other in others if other.resource.can_train_audio]
        elsewhere = [(other, tasks.create_task(if_readable(other.datasets_list(locale=locale)))) for other in able]
    ids = {one.return_value.id for one in datasets if isinstance(one.return_value, schemas.Dataset)}
    audio_resources = dict[str, Sequence[str]]()
    for other, listed in elsewhere:
        imported = {one.display_name for one in listed.return_value or () if one.status == "Succeeded"}
        audio_resources[other.resource.name] = [one for one in request.datasets if one in imported]
    earlier = (trained.return_value if trained else None) or ()
    named = same_name.return_value.entities if same_name else ()
    return TrainingFacts(
        request=request,
        speech=speech,
        now=call.now(speech),
        project=project.return_value,
        datasets=tuple(dataset.return_value for dataset in datasets),
        base_model=base_model.return_value if base_model else None,
        base_models=tuple(base_models.return_value.entities),
        same_name=tuple(model for model in named if model.display_name == name),
        earlier=tuple(model for model in earlier if data_of(model) == ids),
        audio_resources=audio_resources,
    )
