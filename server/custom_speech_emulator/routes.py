"""The table of operations: Azure's name, method, path, query, versions, and the function that answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from custom_speech_emulator.http.api_versions import V3_2, V2024, V2025, VERSIONS, Version
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import (
    dataset_blocks,
    dataset_uploads,
    datasets,
    endpoint_logs,
    endpoints,
    entities,
    evaluations,
    files,
    model_copies,
    model_manifests,
    models,
    projects,
    transcriptions,
    web_hooks,
)
from custom_speech_emulator.resources.base_models import BASE_MODELS
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.resources.endpoints import ENDPOINTS
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.resources.evaluations import EVALUATIONS
from custom_speech_emulator.resources.locales import DATASETS as KINDS
from custom_speech_emulator.resources.locales import LOCALES
from custom_speech_emulator.resources.models import MODELS
from custom_speech_emulator.resources.projects import PROJECTS, contents
from custom_speech_emulator.resources.transcriptions import TRANSCRIPTIONS
from custom_speech_emulator.resources.web_hooks import WEBHOOKS
from custom_speech_emulator.state.emulator_state import Ending

Handler = Callable[[Call], Answer]
LIFETIME = "lifetime"
_PAGED = ("skip", "top", "filter")
_WITH_PROJECTS = (V3_2, V2025)
_OLD = (V3_2,)
_DATED = (V2024, V2025)

ENDINGS: dict[str, Ending] = {
    kind.path: kind.ended
    for kind in (DATASETS, MODELS, EVALUATIONS, TRANSCRIPTIONS, model_copies.OPERATIONS)
    if kind.ended
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
        """The path as a regular expression; letter case does not matter, as in ASP.NET."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(self.path)) + "$", re.IGNORECASE)


def _locales(kind: str, versions: tuple[Version, ...] = VERSIONS) -> Operation:
    path = f"/{kind.lower()}/locales"
    return Operation(
        f"{kind}_ListSupportedLocales", "GET", path, lambda _: Answer(200, list(LOCALES)), versions=versions
    )


def _of_kind(
    kind: Kind,
    group: str,
    create: Handler,
    entity: str = "",
    versions: tuple[Version, ...] = VERSIONS,
    creation: tuple[Version, ...] | None = None,
) -> tuple[Operation, ...]:
    """Return the five operations that all kinds have; `entity` is its name in `Models_GetCustomModel`."""
    every, one = f"/{kind.path}", f"/{kind.path}/{{id}}"
    listed = f"{group}_List{entity}s" if entity else f"{group}_List"
    return (
        Operation(listed, "GET", every, lambda call: entities.listed(call, kind), _PAGED, versions),
        Operation(f"{group}_Create", "POST", every, create, (), creation or versions),
        Operation(f"{group}_Get{entity}", "GET", one, lambda call: entities.get(call, kind), (), versions),
        Operation(f"{group}_Update", "PATCH", one, lambda call: entities.update(call, kind), (), versions),
        Operation(f"{group}_Delete", "DELETE", one, lambda call: entities.delete(call, kind), (), versions),
    )


def _files(kind: Kind, group: str) -> tuple[Operation, ...]:
    path = f"/{kind.path}/{{id}}/files"
    return (
        Operation(f"{group}_ListFiles", "GET", path, files.listing(kind), (LIFETIME, *_PAGED)),
        Operation(f"{group}_GetFile", "GET", f"{path}/{{fileId}}", files.getting(kind), (LIFETIME,)),
    )


def _logs(of: str, model: str = "") -> tuple[Operation, ...]:
    every, one, paged = f"{of}/files/logs", f"{of}/files/logs/{{logId}}", (LIFETIME, "skipToken", "top")
    return (
        Operation(f"Endpoints_List{model}Logs", "GET", every, endpoint_logs.list_all, paged, _OLD),
        Operation(f"Endpoints_Delete{model}Logs", "DELETE", every, endpoint_logs.delete_all, ("endDate",), _OLD),
        Operation(f"Endpoints_Get{model}Log", "GET", one, endpoint_logs.get, (LIFETIME,), _OLD),
        Operation(f"Endpoints_Delete{model}Log", "DELETE", one, endpoint_logs.delete, (), _OLD),
    )


def _in_project(kind: Kind) -> Operation:
    name = f"Projects_List{kind.path.capitalize()}"
    return Operation(name, "GET", f"/projects/{{id}}/{kind.path}", contents(kind), _PAGED, _WITH_PROJECTS)


OPERATIONS = (
    _locales("Projects", _WITH_PROJECTS),
    *_of_kind(PROJECTS, "Projects", projects.create, versions=_WITH_PROJECTS),
    *(_in_project(kind) for kind in (EVALUATIONS, DATASETS, ENDPOINTS, MODELS, TRANSCRIPTIONS)),
    Operation(
        "Datasets_ListSupportedLocales",
        "GET",
        "/datasets/locales",
        lambda call: Answer(200, call.version.dataset_locales(KINDS)),
    ),
    *_of_kind(DATASETS, "Datasets", datasets.create),
    Operation("Datasets_Upload", "POST", "/datasets/upload", dataset_uploads.upload, (), _OLD),
    Operation("Datasets_GetBlocks", "GET", "/datasets/{id}/blocks", dataset_blocks.list_all),
    Operation("Datasets_UploadBlock", "PUT", "/datasets/{id}/blocks", dataset_blocks.upload, ("blockid",)),
    Operation("Datasets_CommitBlocks", "POST", "/datasets/{id}/blocks:commit", dataset_blocks.commit),
    *_files(DATASETS, "Datasets"),
    _locales("Models"),
    *_of_kind(MODELS, "Models", models.create, "CustomModel"),
    Operation("Models_ListBaseModels", "GET", "/models/base", lambda call: entities.listed(call, BASE_MODELS), _PAGED),
    Operation("Models_GetBaseModel", "GET", "/models/base/{id}", lambda call: entities.get(call, BASE_MODELS)),
    Operation("Models_Copy", "POST", "/models/{id}:copy", model_copies.copy),
    Operation("Models_AuthorizeCopy", "POST", "/models:authorizecopy", model_copies.authorize),
    Operation(
        "Models_GetCustomModelManifest", "GET", "/models/{id}/manifest", model_manifests.of_custom_model, (LIFETIME,)
    ),
    Operation(
        "Models_GetBaseModelManifest", "GET", "/models/base/{id}/manifest", model_manifests.of_base_model, (LIFETIME,)
    ),
    *_files(MODELS, "Models"),
    Operation(
        "Operations_GetModelCopy",
        "GET",
        "/operations/models/copy/{id}",
        lambda call: entities.get(call, model_copies.OPERATIONS),
    ),
    _locales("Evaluations"),
    *_of_kind(EVALUATIONS, "Evaluations", evaluations.create),
    *_files(EVALUATIONS, "Evaluations"),
    _locales("Endpoints"),
    *_of_kind(ENDPOINTS, "Endpoints", endpoints.create),
    *_logs("/endpoints/{id}"),
    *_logs("/endpoints/base/{locale}", "BaseModel"),
    Operation("Transcriptions_ListSupportedLocales", "GET", "/transcriptions/locales", transcriptions.locales),
    *_of_kind(TRANSCRIPTIONS, "Transcriptions", transcriptions.submit, creation=_OLD),
    Operation("Transcriptions_Submit", "POST", "/transcriptions:submit", transcriptions.submit, (), _DATED),
    Operation("Transcriptions_Transcribe", "POST", "/transcriptions:transcribe", transcriptions.transcribe, (), _DATED),
    *_files(TRANSCRIPTIONS, "Transcriptions"),
    *_of_kind(WEBHOOKS, "WebHooks", web_hooks.create),
    Operation("WebHooks_Ping", "POST", "/webhooks/{id}:ping", web_hooks.ping),
    Operation("WebHooks_Test", "POST", "/webhooks/{id}:test", web_hooks.test),
)
