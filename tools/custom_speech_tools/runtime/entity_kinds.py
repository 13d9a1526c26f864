"""The kinds of entities, with the operations that read, list and delete them."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.paging import Listing

Entity = TypeVar("Entity", bound=schemas.Entity)


@dataclass(frozen=True, slots=True)
class EntityKind(Generic[Entity]):
    """A kind of entity."""

    type: type[Entity]
    path: str  # in URIs, such as `models/base`
    noun: str  # in sentences
    get: Callable[[Speech, str], Awaitable[Entity]]
    list: Callable[..., Coroutine[Any, Any, Listing[Entity]]]  # takes filters, such as `display_name`
    delete: Callable[[Speech, str], Awaitable[None]] | None  # None for base models, which belong to Microsoft
    creating_tool: str | None  # None for base models

    def listing(self, resource: str, locale: str | None = None) -> str:
        """Return a hint for finding ids of this kind, usually the tool call that lists the entities."""
        if self.path == "transcriptions":
            return "transcribe returned the id of each one"
        if self.path == "models/base" and locale is None:  # the tool requires a locale
            return "list_base_models lists those of a locale"
        name = "base_models" if self.path == "models/base" else self.path
        return f"{call_step(f'list_{name}', locale=locale, resource=resource)} lists what exists"


_OF_PROJECTS = (Speech.projects_get, Speech.projects_list, Speech.projects_delete)
_OF_DATASETS = (Speech.datasets_get, Speech.datasets_list, Speech.datasets_delete)
_OF_MODELS = (Speech.models_get_custom_model, Speech.models_list_custom_models, Speech.models_delete)
_OF_BASE_MODELS = (Speech.models_get_base_model, Speech.models_list_base_models, None)
_OF_EVALUATIONS = (Speech.evaluations_get, Speech.evaluations_list, Speech.evaluations_delete)
_OF_TRANSCRIPTIONS = (Speech.transcriptions_get, Speech.transcriptions_list, Speech.transcriptions_delete)
_OF_ENDPOINTS = (Speech.endpoints_get, Speech.endpoints_list, Speech.endpoints_delete)

PROJECT = EntityKind(schemas.Project, "projects", "project", *_OF_PROJECTS, "create_project")
DATASET = EntityKind(schemas.Dataset, "datasets", "dataset", *_OF_DATASETS, "upload_dataset")
MODEL = EntityKind(schemas.CustomModel, "models", "custom model", *_OF_MODELS, "create_model")
BASE_MODEL = EntityKind(schemas.BaseModel, "models/base", "base model", *_OF_BASE_MODELS, None)
EVALUATION = EntityKind(schemas.Evaluation, "evaluations", "evaluation", *_OF_EVALUATIONS, "create_evaluation")
TRANSCRIPTION = EntityKind(schemas.Transcription, "transcriptions", "transcription", *_OF_TRANSCRIPTIONS, "transcribe")
ENDPOINT = EntityKind(schemas.Endpoint, "endpoints", "endpoint", *_OF_ENDPOINTS, "deploy_model")

_KINDS: tuple[EntityKind[Any], ...] = (PROJECT, DATASET, MODEL, BASE_MODEL, EVALUATION, TRANSCRIPTION, ENDPOINT)
KIND_OF = {kind.type: kind for kind in _KINDS}
KIND_OF_PATH = {kind.path: kind for kind in _KINDS}
