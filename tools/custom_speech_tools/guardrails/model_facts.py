"""The facts that the rules of creating a model look at, fetched side by side."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from custom_speech_tools.guardrails.references import BASE_MODEL, DATASET, PROJECT, find
from custom_speech_tools.guardrails.resource_rules import to_service_time
from custom_speech_tools.runtime.regions import trains_audio
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import together

AUDIO = frozenset({"Acoustic", "AudioFiles"})
"""The kinds that train with audio."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a caller asks for; `locale` in the service's case, `asked_locale` as it came."""

    display_name: str
    locale: str
    asked_locale: str
    datasets: tuple[str, ...]
    base_model: str | None = None
    project: str | None = None
    description: str | None = None
    allow_duplicate: bool = False


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known when the rules decide. A Finding stands where a reference leads nowhere."""

    request: ModelRequest
    speech: Speech
    now: datetime
    project: schemas.Project | Finding | None
    datasets: tuple[schemas.Dataset | Finding, ...]
    base_model: schemas.BaseModel | Finding | None
    """The one that was asked for; None where the service is to choose."""
    base_models: tuple[schemas.BaseModel, ...]
    """All of the locale, where the service is to choose."""
    same_name: tuple[schemas.CustomModel, ...]
    """The models that already have the name and the locale."""
    audio_resources: tuple[str, ...]
    """Other configured resources that train with audio."""
    ahead: timedelta = timedelta()
    """The lead of the service's clock, by which `now` is told."""

    @property
    def found_datasets(self) -> tuple[schemas.Dataset, ...]:
        """The datasets that exist."""
        return tuple(dataset for dataset in self.datasets if isinstance(dataset, schemas.Dataset))

    @property
    def audio_hours(self) -> float:
        """Hours of audio in the datasets that train with audio."""
        return sum(dataset.audio_seconds for dataset in self.found_datasets if dataset.kind in AUDIO) / 3600


async def gather(request: ModelRequest, speech: Speech, others: tuple[Speech, ...], now: datetime) -> ModelFacts:
    """Fetch every fact at the same time: one round trip, whatever the number of datasets."""
    async with together() as group:
        project = group.start(_project(speech, request))
        base_model = group.start(_base_model(speech, request))
        base_models = group.start(_base_models(speech, request))
        same_name = group.start(
            speech.models_list_custom_models(display_name=request.display_name, locale=request.locale)
        )
        datasets = [group.start(find(speech, DATASET, dataset, request.locale)) for dataset in request.datasets]
    return ModelFacts(
        request=request,
        speech=speech,
        now=to_service_time(now, speech.ahead),
        project=project.result,
        datasets=tuple(dataset.result for dataset in datasets),
        base_model=base_model.result,
        base_models=base_models.result,
        same_name=tuple(model for model in same_name.result.entities if model.display_name == request.display_name),
        audio_resources=tuple(other.resource.name for other in others if trains_audio(other.resource)),
        ahead=speech.ahead,
    )


async def _project(speech: Speech, request: ModelRequest) -> schemas.Project | Finding | None:
    if request.project is None or not speech.resource.api_version.has_projects:
        return None
    return await find(speech, PROJECT, request.project)


async def _base_model(speech: Speech, request: ModelRequest) -> schemas.BaseModel | Finding | None:
    if request.base_model is None:
        return None
    return await find(speech, BASE_MODEL, request.base_model, request.locale)


async def _base_models(speech: Speech, request: ModelRequest) -> tuple[schemas.BaseModel, ...]:
    if request.base_model is not None:
        return ()
    return tuple((await speech.models_list_base_models(locale=request.locale)).entities)
