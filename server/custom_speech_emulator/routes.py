"""The table of routes: the name, method, path, query, versions and handler of each operation."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from custom_speech_emulator.http.api_versions import V3_2, V2024, V2025, VERSIONS, ApiVersion
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.responses import ApiResponse, gateway_error, not_allowed
from custom_speech_emulator.resources import (
    datasets,
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
from custom_speech_emulator.resources.entities import EntityKind

Handler = Callable[[OperationCall], ApiResponse]
Versions = tuple[ApiVersion, ...]
_LIFETIME = "lifetime"  # stands for the query parameter `ApiVersion.lifetime`
_LIST_QUERY = ("skip", "top", "filter")
_WITH_PROJECTS = (V3_2, V2025)
_V3_2_ONLY = (V3_2,)
_DATED = (V2024, V2025)
# The kinds that a project can contain.
_KINDS = (evaluations.EVALUATIONS, datasets.DATASETS, endpoints.ENDPOINTS, models.MODELS, transcriptions.TRANSCRIPTIONS)
COMPLETION_HOOKS = {kind.path: kind.on_completion for kind in (*_KINDS, model_copies.COPIES) if kind.on_completion}


@dataclass(frozen=True)
class Route:
    """The route of one operation of the specification."""

    name: str
    method: str
    path: str
    handler: Handler
    query: tuple[str, ...] = ()
    versions: Versions = VERSIONS

    def query_parameters(self, version: ApiVersion) -> tuple[str, ...]:
        """Return the names of the query parameters in a version."""
        return tuple(version.lifetime[0] if name == _LIFETIME else name for name in self.query)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression that ignores letter case, as ASP.NET does."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(self.path)) + "$", re.IGNORECASE)


def _locales_route(
    tag: str, list_locales: Callable[[ApiVersion], object] = lambda _: locales.LOCALES, versions: Versions = VERSIONS
) -> Route:
    name, path = f"{tag}_ListSupportedLocales", f"/{tag.lower()}/locales"
    return Route(name, "GET", path, lambda call: ApiResponse(200, list_locales(call.version)), versions=versions)


def _entity_routes(
    kind: EntityKind, tag: str, create: Handler, noun: str = "", versions: Versions = VERSIONS, creation: Versions = ()
) -> tuple[Route, ...]:
    """Return the routes that all kinds have; `noun` is the word in operation ids such as `Models_GetCustomModel`."""
    list_path, item_path = f"/{kind.path}", f"/{kind.path}/{{id}}"
    list_name = f"{tag}_List{noun}s" if noun else f"{tag}_List"
    return (
        Route(list_name, "GET", list_path, partial(entities.list_page, kind=kind), _LIST_QUERY, versions),
        Route(f"{tag}_Create", "POST", list_path, create, (), creation or versions),
        Route(f"{tag}_Get{noun}", "GET", item_path, partial(entities.get, kind=kind), (), versions),
        Route(f"{tag}_Update", "PATCH", item_path, partial(entities.update, kind=kind), (), versions),
        Route(f"{tag}_Delete", "DELETE", item_path, partial(entities.delete, kind=kind), (), versions),
    )


def _file_routes(kind: EntityKind, tag: str) -> tuple[Route, ...]:
    list_path, item_path = f"/{kind.path}/{{id}}/files", f"/{kind.path}/{{id}}/files/{{fileId}}"
    return (
        Route(f"{tag}_ListFiles", "GET", list_path, partial(files.list_files, kind=kind), (_LIFETIME, *_LIST_QUERY)),
        Route(f"{tag}_GetFile", "GET", item_path, partial(files.get_file, kind=kind), (_LIFETIME,)),
    )


def _log_routes(path: str, noun: str = "") -> tuple[Route, ...]:
    list_path, item_path, list_query = (
        f"{path}/files/logs",
        f"{path}/files/logs/{{logId}}",
        (_LIFETIME, "skipToken", "top"),
    )
    return (
        Route(f"Endpoints_List{noun}Logs", "GET", list_path, endpoints.list_logs, list_query, _V3_2_ONLY),
        Route(f"Endpoints_Delete{noun}Logs", "DELETE", list_path, endpoints.delete_logs, ("endDate",), _V3_2_ONLY),
        Route(f"Endpoints_Get{noun}Log", "GET", item_path, endpoints.get_log, (_LIFETIME,), _V3_2_ONLY),
        Route(f"Endpoints_Delete{noun}Log", "DELETE", item_path, endpoints.delete_log, (), _V3_2_ONLY),
    )


def _manifest_route(kind: EntityKind, noun: str) -> Route:
    name, path = f"Models_Get{noun}Manifest", f"/{kind.path}/{{id}}/manifest"
    return Route(name, "GET", path, partial(models.get_manifest, kind=kind), (_LIFETIME,))


def _contents_route(kind: EntityKind) -> Route:
    name, path = f"Projects_List{kind.path.capitalize()}", f"/projects/{{id}}/{kind.path}"
    return Route(name, "GET", path, partial(projects.list_contents, kind=kind), _LIST_QUERY, _WITH_PROJECTS)


_list_base_models = partial(entities.list_page, kind=models.BASE_MODELS)
_get_base_model, _get_copy = (partial(entities.get, kind=kind) for kind in (models.BASE_MODELS, model_copies.COPIES))
ROUTES = (
    _locales_route("Projects", versions=_WITH_PROJECTS),
    *_entity_routes(projects.PROJECTS, "Projects", projects.create, versions=_WITH_PROJECTS),
    *(_contents_route(kind) for kind in _KINDS),
    _locales_route("Datasets", locales.dataset_locales),
    *_entity_routes(datasets.DATASETS, "Datasets", datasets.create),
    Route("Datasets_Upload", "POST", "/datasets/upload", datasets.upload, (), _V3_2_ONLY),
    Route("Datasets_GetBlocks", "GET", "/datasets/{id}/blocks", datasets.list_blocks),
    Route("Datasets_UploadBlock", "PUT", "/datasets/{id}/blocks", datasets.upload_block, ("blockid",)),
    Route("Datasets_CommitBlocks", "POST", "/datasets/{id}/blocks:commit", datasets.commit_blocks),
    *_file_routes(datasets.DATASETS, "Datasets"),
    _locales_route("Models"),
    *_entity_routes(models.MODELS, "Models", models.create, noun="CustomModel"),
    Route("Models_ListBaseModels", "GET", "/models/base", _list_base_models, _LIST_QUERY),
    Route("Models_GetBaseModel", "GET", "/models/base/{id}", _get_base_model),
    Route("Models_Copy", "POST", "/models/{id}:copy", model_copies.copy_model),
    Route("Models_AuthorizeCopy", "POST", "/models:authorizecopy", model_copies.authorize_copy),
    _manifest_route(models.MODELS, "CustomModel"),
    _manifest_route(models.BASE_MODELS, "BaseModel"),
    *_file_routes(models.MODELS, "Models"),
    Route("Operations_GetModelCopy", "GET", "/operations/models/copy/{id}", _get_copy),
    _locales_route("Evaluations"),
    *_entity_routes(evaluations.EVALUATIONS, "Evaluations", evaluations.create),
    *_file_routes(evaluations.EVALUATIONS, "Evaluations"),
    _locales_route("Endpoints"),
    *_entity_routes(endpoints.ENDPOINTS, "Endpoints", endpoints.create),
    *_log_routes("/endpoints/{id}"),
    *_log_routes("/endpoints/base/{locale}", "BaseModel"),
    _locales_route("Transcriptions", locales.transcription_locales),
    *_entity_routes(transcriptions.TRANSCRIPTIONS, "Transcriptions", transcriptions.submit, creation=_V3_2_ONLY),
    Route("Transcriptions_Submit", "POST", "/transcriptions:submit", transcriptions.submit, (), _DATED),
    Route("Transcriptions_Transcribe", "POST", "/transcriptions:transcribe", transcriptions.transcribe, (), _DATED),
    *_file_routes(transcriptions.TRANSCRIPTIONS, "Transcriptions"),
    *_entity_routes(web_hooks.WEBHOOKS, "WebHooks", web_hooks.create),
    Route("WebHooks_Ping", "POST", "/webhooks/{id}:ping", web_hooks.ping),
    Route("WebHooks_Test", "POST", "/webhooks/{id}:test", web_hooks.send_test_events),
)


@lru_cache(maxsize=4096)  # saves a tenth of the time of a request
def find_route(version: ApiVersion, method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a request and its path parameters, or raise a 404 or 405 error."""
    matches = [(route, route.pattern.match(path)) for route in ROUTES if version in route.versions]
    candidates = [(route, match.groupdict()) for route, match in matches if match]
    if not candidates:
        raise gateway_error(404, "Resource not found")
    fewest = min(len(values) for _, values in candidates)  # `/models/base` is not a model with the id `base`
    methods = {route.method: (route, values) for route, values in candidates if len(values) == fewest}
    if method not in methods:
        raise not_allowed(set(methods))
    return methods[method]
