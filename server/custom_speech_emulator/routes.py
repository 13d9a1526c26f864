"""The table of operations: Azure's name, method, path, query, versions, and the function that answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from custom_speech_emulator.http.api_versions import V3_2, V2024, V2025, VERSIONS, Version
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.responses import Answer, gateway_refused, not_allowed
from custom_speech_emulator.resources import (
    datasets,
    endpoints,
    entities,
    evaluations,
    files,
    locales,
    models,
    transcriptions,
    web_hooks,
)
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.state.emulator_state import Ending

Handler = Callable[[Call], Answer]
Versions = tuple[Version, ...]
_LIFETIME = "lifetime"  # whose name differs between the versions
_TRANSCRIBED = {"Submit": locales.LOCALES, "Transcribe": locales.FAST}  # locales of the dated versions
_PAGED = ("skip", "top", "filter")  # query parameters of lists
_WITH_PROJECTS = (V3_2, V2025)  # 2024-11-15 has none
_OLD = (V3_2,)
_DATED = (V2024, V2025)
_IN_PROJECTS = (
    evaluations.EVALUATIONS,
    datasets.DATASETS,
    endpoints.ENDPOINTS,
    models.MODELS,
    transcriptions.TRANSCRIPTIONS,
)
ENDINGS: dict[str, Ending] = {kind.path: kind.ended for kind in (*_IN_PROJECTS, models.COPIES) if kind.ended}


@dataclass(frozen=True)
class Operation:
    """One operation of the specification."""

    name: str
    method: str
    path: str
    handler: Handler
    query: tuple[str, ...] = ()
    versions: Versions = VERSIONS

    def query_of(self, version: Version) -> tuple[str, ...]:
        """Return the query parameters in a version."""
        return tuple(version.lifetime[0] if name == _LIFETIME else name for name in self.query)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression; letter case does not matter, as in ASP.NET."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(self.path)) + "$", re.IGNORECASE)


def _locales(
    group: str, listed: Callable[[Version], object] = lambda _: locales.LOCALES, versions: Versions = VERSIONS
) -> Operation:
    name, path = f"{group}_ListSupportedLocales", f"/{group.lower()}/locales"
    return Operation(name, "GET", path, lambda call: Answer(200, listed(call.version)), versions=versions)


def _of_kind(
    kind: Kind, group: str, create: Handler, entity: str = "", versions: Versions = VERSIONS, creation: Versions = ()
) -> tuple[Operation, ...]:
    """Return the five operations that all kinds have; `entity` is its name in `Models_GetCustomModel`."""
    every, one = f"/{kind.path}", f"/{kind.path}/{{id}}"
    listed = f"{group}_List{entity}s" if entity else f"{group}_List"
    return (
        Operation(listed, "GET", every, partial(entities.listed, kind=kind), _PAGED, versions),
        Operation(f"{group}_Create", "POST", every, create, (), creation or versions),
        Operation(f"{group}_Get{entity}", "GET", one, partial(entities.get, kind=kind), (), versions),
        Operation(f"{group}_Update", "PATCH", one, partial(entities.update, kind=kind), (), versions),
        Operation(f"{group}_Delete", "DELETE", one, partial(entities.delete, kind=kind), (), versions),
    )


def _files(kind: Kind, group: str) -> tuple[Operation, ...]:
    path = f"/{kind.path}/{{id}}/files"
    return (
        Operation(f"{group}_ListFiles", "GET", path, partial(files.list_all, kind=kind), (_LIFETIME, *_PAGED)),
        Operation(f"{group}_GetFile", "GET", f"{path}/{{fileId}}", partial(files.get, kind=kind), (_LIFETIME,)),
    )


def _logs(of: str, model: str = "") -> tuple[Operation, ...]:
    every, one, paged = f"{of}/files/logs", f"{of}/files/logs/{{logId}}", (_LIFETIME, "skipToken", "top")
    return (
        Operation(f"Endpoints_List{model}Logs", "GET", every, endpoints.list_logs, paged, _OLD),
        Operation(f"Endpoints_Delete{model}Logs", "DELETE", every, endpoints.delete_logs, ("endDate",), _OLD),
        Operation(f"Endpoints_Get{model}Log", "GET", one, endpoints.get_log, (_LIFETIME,), _OLD),
        Operation(f"Endpoints_Delete{model}Log", "DELETE", one, endpoints.delete_log, (), _OLD),
    )


def _manifest(kind: Kind, entity: str) -> Operation:
    name, path = f"Models_Get{entity}Manifest", f"/{kind.path}/{{id}}/manifest"
    return Operation(name, "GET", path, partial(models.manifest, kind=kind), (_LIFETIME,))


OPERATIONS = (
    _locales("Projects", versions=_WITH_PROJECTS),
    *_of_kind(entities.PROJECTS, "Projects", entities.create_project, versions=_WITH_PROJECTS),
    *(
        Operation(
            f"Projects_List{kind.path.capitalize()}",
            "GET",
            f"/projects/{{id}}/{kind.path}",
            partial(entities.list_contents, kind=kind),
            _PAGED,
            _WITH_PROJECTS,
        )
        for kind in _IN_PROJECTS
    ),
    _locales("Datasets", locales.of_datasets),
    *_of_kind(datasets.DATASETS, "Datasets", datasets.create),
    Operation("Datasets_Upload", "POST", "/datasets/upload", datasets.upload, (), _OLD),
    Operation("Datasets_GetBlocks", "GET", "/datasets/{id}/blocks", datasets.list_blocks),
    Operation("Datasets_UploadBlock", "PUT", "/datasets/{id}/blocks", datasets.upload_block, ("blockid",)),
    Operation("Datasets_CommitBlocks", "POST", "/datasets/{id}/blocks:commit", datasets.commit_blocks),
    *_files(datasets.DATASETS, "Datasets"),
    _locales("Models"),
    *_of_kind(models.MODELS, "Models", models.create, "CustomModel"),
    Operation(
        "Models_ListBaseModels", "GET", "/models/base", partial(entities.listed, kind=models.BASE_MODELS), _PAGED
    ),
    Operation("Models_GetBaseModel", "GET", "/models/base/{id}", partial(entities.get, kind=models.BASE_MODELS)),
    Operation("Models_Copy", "POST", "/models/{id}:copy", models.copy),
    Operation("Models_AuthorizeCopy", "POST", "/models:authorizecopy", models.authorize),
    _manifest(models.MODELS, "CustomModel"),
    _manifest(models.BASE_MODELS, "BaseModel"),
    *_files(models.MODELS, "Models"),
    Operation(
        "Operations_GetModelCopy", "GET", "/operations/models/copy/{id}", partial(entities.get, kind=models.COPIES)
    ),
    _locales("Evaluations"),
    *_of_kind(evaluations.EVALUATIONS, "Evaluations", evaluations.create),
    *_files(evaluations.EVALUATIONS, "Evaluations"),
    _locales("Endpoints"),
    *_of_kind(endpoints.ENDPOINTS, "Endpoints", endpoints.create),
    *_logs("/endpoints/{id}"),
    *_logs("/endpoints/base/{locale}", "BaseModel"),
    _locales("Transcriptions", lambda version: _TRANSCRIBED if version.dated else locales.LOCALES),
    *_of_kind(transcriptions.TRANSCRIPTIONS, "Transcriptions", transcriptions.submit, creation=_OLD),
    Operation("Transcriptions_Submit", "POST", "/transcriptions:submit", transcriptions.submit, (), _DATED),
    Operation("Transcriptions_Transcribe", "POST", "/transcriptions:transcribe", transcriptions.transcribe, (), _DATED),
    *_files(transcriptions.TRANSCRIPTIONS, "Transcriptions"),
    *_of_kind(web_hooks.WEBHOOKS, "WebHooks", web_hooks.create),
    Operation("WebHooks_Ping", "POST", "/webhooks/{id}:ping", web_hooks.ping),
    Operation("WebHooks_Test", "POST", "/webhooks/{id}:test", web_hooks.test),
)


@lru_cache(maxsize=4096)  # without it, a tenth of the time of a request
def found(version: Version, method: str, path: str) -> tuple[Operation, dict[str, str]]:
    """Return the operation of a method and path, and the values in the path; 404 or 405 for any other."""
    matches = [(operation, operation.pattern.match(path)) for operation in OPERATIONS if version in operation.versions]
    here = [(operation, match.groupdict()) for operation, match in matches if match]
    if not here:
        raise gateway_refused(404, "Resource not found")
    fewest = min(len(values) for _, values in here)  # `/models/base` is not a model with the id `base`
    methods = {operation.method: (operation, values) for operation, values in here if len(values) == fewest}
    if method not in methods:
        raise not_allowed(set(methods))
    return methods[method]
