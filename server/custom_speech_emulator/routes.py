"""The table of operations: Azure's name, method, path, query, versions, and the function that answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from custom_speech_emulator.http.api_versions import V3_2, V2024, V2025, VERSIONS, Version
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import (
    datasets,
    endpoint_logs,
    endpoints,
    entities,
    evaluations,
    files,
    locales,
    model_copies,
    models,
    projects,
    transcriptions,
    web_hooks,
)
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.resources.endpoints import ENDPOINTS
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.resources.evaluations import EVALUATIONS
from custom_speech_emulator.resources.model_copies import OPERATIONS as COPIES
from custom_speech_emulator.resources.models import BASE_MODELS, MODELS
from custom_speech_emulator.resources.projects import PROJECTS
from custom_speech_emulator.resources.transcriptions import TRANSCRIPTIONS
from custom_speech_emulator.resources.web_hooks import WEBHOOKS
from custom_speech_emulator.state.emulator_state import Ending

Handler = Callable[[Call], Answer]
_LIFETIME = "lifetime"
_PAGED = ("skip", "top", "filter")
_WITH_PROJECTS = (V3_2, V2025)
_OLD = (V3_2,)
_DATED = (V2024, V2025)

ENDINGS: dict[str, Ending] = {
    kind.path: kind.ended for kind in (DATASETS, MODELS, EVALUATIONS, TRANSCRIPTIONS, COPIES) if kind.ended
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
        return tuple(version.lifetime[0] if name == _LIFETIME else name for name in self.query)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression; letter case does not matter, as in ASP.NET."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(self.path)) + "$", re.IGNORECASE)


def _locales(group: str, versions: tuple[Version, ...] = VERSIONS) -> Operation:
    every = Answer(200, list(locales.LOCALES))
    name = f"{group}_ListSupportedLocales"
    return Operation(name, "GET", f"/{group.lower()}/locales", lambda _: every, versions=versions)


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
        Operation(f"{group}_ListFiles", "GET", path, lambda call: files.list_all(call, kind), (_LIFETIME, *_PAGED)),
        Operation(f"{group}_GetFile", "GET", f"{path}/{{fileId}}", lambda call: files.get(call, kind), (_LIFETIME,)),
    )


def _logs(of: str, model: str = "") -> tuple[Operation, ...]:
    every, one, paged = f"{of}/files/logs", f"{of}/files/logs/{{logId}}", (_LIFETIME, "skipToken", "top")
    return (
        Operation(f"Endpoints_List{model}Logs", "GET", every, endpoint_logs.list_all, paged, _OLD),
        Operation(f"Endpoints_Delete{model}Logs", "DELETE", every, endpoint_logs.delete_all, ("endDate",), _OLD),
        Operation(f"Endpoints_Get{model}Log", "GET", one, endpoint_logs.get, (_LIFETIME,), _OLD),
        Operation(f"Endpoints_Delete{model}Log", "DELETE", one, endpoint_logs.delete, (), _OLD),
    )


def _in_project(kind: Kind) -> Operation:
    name, path = f"Projects_List{kind.path.capitalize()}", f"/projects/{{id}}/{kind.path}"
    return Operation(name, "GET", path, lambda call: projects.list_contents(call, kind), _PAGED, _WITH_PROJECTS)


def _dataset_locales(call: Call) -> Answer:
    return Answer(200, call.version.dataset_locales(locales.DATASETS))


def _manifest(name: str, kind: Kind) -> Operation:
    path = f"/{kind.path}/{{id}}/manifest"
    return Operation(f"Models_Get{name}Manifest", "GET", path, lambda call: models.manifest(call, kind), (_LIFETIME,))


OPERATIONS = (
    _locales("Projects", _WITH_PROJECTS),
    *_of_kind(PROJECTS, "Projects", projects.create, versions=_WITH_PROJECTS),
    *(_in_project(kind) for kind in (EVALUATIONS, DATASETS, ENDPOINTS, MODELS, TRANSCRIPTIONS)),
    Operation("Datasets_ListSupportedLocales", "GET", "/datasets/locales", _dataset_locales),
    *_of_kind(DATASETS, "Datasets", datasets.create),
    Operation("Datasets_Upload", "POST", "/datasets/upload", datasets.upload, (), _OLD),
    Operation("Datasets_GetBlocks", "GET", "/datasets/{id}/blocks", datasets.list_blocks),
    Operation("Datasets_UploadBlock", "PUT", "/datasets/{id}/blocks", datasets.upload_block, ("blockid",)),
    Operation("Datasets_CommitBlocks", "POST", "/datasets/{id}/blocks:commit", datasets.commit_blocks),
    *_files(DATASETS, "Datasets"),
    _locales("Models"),
    *_of_kind(MODELS, "Models", models.create, "CustomModel"),
    Operation("Models_ListBaseModels", "GET", "/models/base", lambda call: entities.listed(call, BASE_MODELS), _PAGED),
    Operation("Models_GetBaseModel", "GET", "/models/base/{id}", lambda call: entities.get(call, BASE_MODELS)),
    Operation("Models_Copy", "POST", "/models/{id}:copy", model_copies.copy),
    Operation("Models_AuthorizeCopy", "POST", "/models:authorizecopy", model_copies.authorize),
    _manifest("CustomModel", MODELS),
    _manifest("BaseModel", BASE_MODELS),
    *_files(MODELS, "Models"),
    Operation("Operations_GetModelCopy", "GET", f"/{COPIES.path}/{{id}}", lambda call: entities.get(call, COPIES)),
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
