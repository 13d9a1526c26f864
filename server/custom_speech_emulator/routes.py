"""The table of operations: Azure's name, method, path, query, versions, and the function that answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from custom_speech_emulator.http.operation_call import Answer, Call
from custom_speech_emulator.http.versions import V3_2, V2025, VERSIONS, Version
from custom_speech_emulator.resources import (
    base_models,
    dataset_blocks,
    dataset_imports,
    dataset_uploads,
    datasets,
    endpoint_logs,
    endpoints,
    evaluations,
    files,
    model_copies,
    model_manifests,
    model_training,
    models,
    projects,
    web_hooks,
)
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.resources.endpoints import ENDPOINTS
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.resources.evaluations import EVALUATIONS
from custom_speech_emulator.resources.models import MODELS
from custom_speech_emulator.resources.projects import contents as _held
from custom_speech_emulator.state.locales import DATASETS as KINDS
from custom_speech_emulator.state.locales import LOCALES
from custom_speech_emulator.state.progress import Ending

Handler = Callable[[Call], Answer]
LIFETIME = "lifetime"
_PAGED = ("skip", "top", "filter")
_FILES = (LIFETIME, *_PAGED)
_LOGS = (LIFETIME, "skipToken", "top")
_BASE_LOGS = "/endpoints/base/{locale}/files/logs"
_PROJECTS = (V3_2, V2025)
_OLD = (V3_2,)

# Always empty: the emulator does not transcribe.
_TRANSCRIPTIONS = Kind(
    "transcriptions", "transcription", "InvalidTranscription", lambda _id, document, _version: document
)

ENDINGS: dict[str, Ending] = {
    DATASETS.path: dataset_imports.ended,
    MODELS.path: model_training.ended,
    EVALUATIONS.path: evaluations.ended,
    model_copies.OPERATIONS.path: model_copies.ended,
}


@dataclass(frozen=True)
class Operation:
    """One operation of the specification."""

    name: str
    method: str
    path: str
    handler: Handler
    query: tuple[str, ...] = ()
    versions: tuple[Version, ...] = VERSIONS

    def query_of(self, version: Version) -> tuple[str, ...]:
        """Return the query parameters in a version."""
        return tuple(version.lifetime[0] if name == LIFETIME else name for name in self.query)

    @property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(self.path)) + "$")


def _locales(call: Call) -> Answer:
    return Answer(200, list(LOCALES))


OPERATIONS = (
    Operation("Projects_ListSupportedLocales", "GET", "/projects/locales", _locales, (), _PROJECTS),
    Operation("Projects_List", "GET", "/projects", projects.list_all, _PAGED, _PROJECTS),
    Operation("Projects_Create", "POST", "/projects", projects.create, (), _PROJECTS),
    Operation("Projects_Get", "GET", "/projects/{id}", projects.get, (), _PROJECTS),
    Operation("Projects_Update", "PATCH", "/projects/{id}", projects.update, (), _PROJECTS),
    Operation("Projects_Delete", "DELETE", "/projects/{id}", projects.delete, (), _PROJECTS),
    Operation("Projects_ListEvaluations", "GET", "/projects/{id}/evaluations", _held(EVALUATIONS), _PAGED, _PROJECTS),
    Operation("Projects_ListDatasets", "GET", "/projects/{id}/datasets", _held(DATASETS), _PAGED, _PROJECTS),
    Operation("Projects_ListEndpoints", "GET", "/projects/{id}/endpoints", _held(ENDPOINTS), _PAGED, _PROJECTS),
    Operation("Projects_ListModels", "GET", "/projects/{id}/models", _held(MODELS), _PAGED, _PROJECTS),
    Operation(
        "Projects_ListTranscriptions", "GET", "/projects/{id}/transcriptions", _held(_TRANSCRIPTIONS), _PAGED, _PROJECTS
    ),
    Operation(
        "Datasets_ListSupportedLocales",
        "GET",
        "/datasets/locales",
        lambda call: Answer(200, call.version.dataset_locales(KINDS)),
    ),
    Operation("Datasets_List", "GET", "/datasets", datasets.list_all, _PAGED),
    Operation("Datasets_Create", "POST", "/datasets", datasets.create),
    Operation("Datasets_Upload", "POST", "/datasets/upload", dataset_uploads.upload, (), _OLD),
    Operation("Datasets_Get", "GET", "/datasets/{id}", datasets.get),
    Operation("Datasets_Update", "PATCH", "/datasets/{id}", datasets.update),
    Operation("Datasets_Delete", "DELETE", "/datasets/{id}", datasets.delete),
    Operation("Datasets_GetBlocks", "GET", "/datasets/{id}/blocks", dataset_blocks.list_all),
    Operation("Datasets_UploadBlock", "PUT", "/datasets/{id}/blocks", dataset_blocks.upload, ("blockid",)),
    Operation("Datasets_CommitBlocks", "POST", "/datasets/{id}/blocks:commit", dataset_blocks.commit),
    Operation("Datasets_ListFiles", "GET", "/datasets/{id}/files", files.listing(DATASETS), _FILES),
    Operation("Datasets_GetFile", "GET", "/datasets/{id}/files/{fileId}", files.getting(DATASETS), (LIFETIME,)),
    Operation("Models_ListSupportedLocales", "GET", "/models/locales", _locales),
    Operation("Models_ListCustomModels", "GET", "/models", models.list_all, _PAGED),
    Operation("Models_Create", "POST", "/models", models.create),
    Operation("Models_ListBaseModels", "GET", "/models/base", base_models.list_all, _PAGED),
    Operation("Models_GetCustomModel", "GET", "/models/{id}", models.get),
    Operation("Models_Update", "PATCH", "/models/{id}", models.update),
    Operation("Models_Delete", "DELETE", "/models/{id}", models.delete),
    Operation("Models_GetBaseModel", "GET", "/models/base/{id}", base_models.get),
    Operation("Models_Copy", "POST", "/models/{id}:copy", model_copies.copy),
    Operation("Models_AuthorizeCopy", "POST", "/models:authorizecopy", model_copies.authorize),
    Operation(
        "Models_GetCustomModelManifest", "GET", "/models/{id}/manifest", model_manifests.of_custom_model, (LIFETIME,)
    ),
    Operation(
        "Models_GetBaseModelManifest", "GET", "/models/base/{id}/manifest", model_manifests.of_base_model, (LIFETIME,)
    ),
    Operation("Models_ListFiles", "GET", "/models/{id}/files", files.listing(MODELS), _FILES),
    Operation("Models_GetFile", "GET", "/models/{id}/files/{fileId}", files.getting(MODELS), (LIFETIME,)),
    Operation("Operations_GetModelCopy", "GET", "/operations/models/copy/{id}", model_copies.get),
    Operation("Evaluations_ListSupportedLocales", "GET", "/evaluations/locales", _locales),
    Operation("Evaluations_List", "GET", "/evaluations", evaluations.list_all, _PAGED),
    Operation("Evaluations_Create", "POST", "/evaluations", evaluations.create),
    Operation("Evaluations_ListFiles", "GET", "/evaluations/{id}/files", files.listing(EVALUATIONS), _FILES),
    Operation(
        "Evaluations_GetFile", "GET", "/evaluations/{id}/files/{fileId}", files.getting(EVALUATIONS), (LIFETIME,)
    ),
    Operation("Evaluations_Get", "GET", "/evaluations/{id}", evaluations.get),
    Operation("Evaluations_Update", "PATCH", "/evaluations/{id}", evaluations.update),
    Operation("Evaluations_Delete", "DELETE", "/evaluations/{id}", evaluations.delete),
    Operation("Endpoints_ListSupportedLocales", "GET", "/endpoints/locales", _locales),
    Operation("Endpoints_List", "GET", "/endpoints", endpoints.list_all, _PAGED),
    Operation("Endpoints_Create", "POST", "/endpoints", endpoints.create),
    Operation("Endpoints_Get", "GET", "/endpoints/{id}", endpoints.get),
    Operation("Endpoints_Delete", "DELETE", "/endpoints/{id}", endpoints.delete),
    Operation("Endpoints_Update", "PATCH", "/endpoints/{id}", endpoints.update),
    Operation("Endpoints_ListLogs", "GET", "/endpoints/{id}/files/logs", endpoint_logs.list_all, _LOGS, _OLD),
    Operation(
        "Endpoints_DeleteLogs", "DELETE", "/endpoints/{id}/files/logs", endpoint_logs.delete_all, ("endDate",), _OLD
    ),
    Operation("Endpoints_GetLog", "GET", "/endpoints/{id}/files/logs/{logId}", endpoint_logs.get, (LIFETIME,), _OLD),
    Operation("Endpoints_DeleteLog", "DELETE", "/endpoints/{id}/files/logs/{logId}", endpoint_logs.delete, (), _OLD),
    Operation("Endpoints_ListBaseModelLogs", "GET", _BASE_LOGS, endpoint_logs.list_all, _LOGS, _OLD),
    Operation("Endpoints_DeleteBaseModelLogs", "DELETE", _BASE_LOGS, endpoint_logs.delete_all, ("endDate",), _OLD),
    Operation("Endpoints_GetBaseModelLog", "GET", f"{_BASE_LOGS}/{{logId}}", endpoint_logs.get, (LIFETIME,), _OLD),
    Operation("Endpoints_DeleteBaseModelLog", "DELETE", f"{_BASE_LOGS}/{{logId}}", endpoint_logs.delete, (), _OLD),
    Operation("WebHooks_List", "GET", "/webhooks", web_hooks.list_all, _PAGED),
    Operation("WebHooks_Create", "POST", "/webhooks", web_hooks.create),
    Operation("WebHooks_Get", "GET", "/webhooks/{id}", web_hooks.get),
    Operation("WebHooks_Update", "PATCH", "/webhooks/{id}", web_hooks.update),
    Operation("WebHooks_Delete", "DELETE", "/webhooks/{id}", web_hooks.delete),
    Operation("WebHooks_Ping", "POST", "/webhooks/{id}:ping", web_hooks.ping),
    Operation("WebHooks_Test", "POST", "/webhooks/{id}:test", web_hooks.test),
)
