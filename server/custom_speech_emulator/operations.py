"""The table of operations: Azure's name, method, path, query, the versions that have it, and the room that answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from custom_speech_emulator import base_models, copies, datasets, models, projects
from custom_speech_emulator.call import Answer, Call
from custom_speech_emulator.locales import DATASETS, LOCALES
from custom_speech_emulator.versions import V3_2, V2025, VERSIONS, Version

Handler = Callable[[Call], Answer]
LIFETIME = "lifetime"
LARGEST_BODY = 1024 * 1024
_PAGED = ("skip", "top", "filter")
_PROJECTS = (V3_2, V2025)


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
        """The query parameters in a version."""
        return tuple(version.lifetime[0] if name == LIFETIME else name for name in self.query)

    @property
    def pattern(self) -> re.Pattern[str]:
        """The path as a regular expression."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/:]+)", re.escape(self.path)) + "$")


def _locales(call: Call) -> Answer:
    return Answer(200, list(LOCALES))


def _dataset_locales(call: Call) -> Answer:
    return Answer(200, call.version.dataset_locales(DATASETS))


OPERATIONS = (
    Operation("Projects_ListSupportedLocales", "GET", "/projects/locales", _locales, (), _PROJECTS),
    Operation("Projects_List", "GET", "/projects", projects.list_all, _PAGED, _PROJECTS),
    Operation("Projects_Create", "POST", "/projects", projects.create, (), _PROJECTS),
    Operation("Projects_Get", "GET", "/projects/{id}", projects.get, (), _PROJECTS),
    Operation("Projects_Update", "PATCH", "/projects/{id}", projects.update, (), _PROJECTS),
    Operation("Projects_Delete", "DELETE", "/projects/{id}", projects.delete, (), _PROJECTS),
    Operation(
        "Projects_ListDatasets",
        "GET",
        "/projects/{id}/datasets",
        projects.contents(datasets.DATASETS),
        _PAGED,
        _PROJECTS,
    ),
    Operation(
        "Projects_ListModels", "GET", "/projects/{id}/models", projects.contents(models.MODELS), _PAGED, _PROJECTS
    ),
    Operation("Datasets_ListSupportedLocales", "GET", "/datasets/locales", _dataset_locales),
    Operation("Datasets_List", "GET", "/datasets", datasets.list_all, _PAGED),
    Operation("Datasets_Get", "GET", "/datasets/{id}", datasets.get),
    Operation("Models_ListSupportedLocales", "GET", "/models/locales", _locales),
    Operation("Models_ListCustomModels", "GET", "/models", models.list_all, _PAGED),
    Operation("Models_Create", "POST", "/models", models.create),
    Operation("Models_ListBaseModels", "GET", "/models/base", base_models.list_all, _PAGED),
    Operation("Models_GetCustomModel", "GET", "/models/{id}", models.get),
    Operation("Models_Update", "PATCH", "/models/{id}", models.update),
    Operation("Models_Delete", "DELETE", "/models/{id}", models.delete),
    Operation("Models_GetBaseModel", "GET", "/models/base/{id}", base_models.get),
    Operation("Models_Copy", "POST", "/models/{id}:copy", copies.copy),
    Operation("Models_AuthorizeCopy", "POST", "/models:authorizecopy", copies.authorize),
    Operation("Operations_GetModelCopy", "GET", "/operations/models/copy/{id}", copies.get),
)
