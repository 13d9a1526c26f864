"""Projects: what the portal groups things by. 2024-11-15 has none."""

from __future__ import annotations

from collections.abc import Callable

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.odata_filter import Condition
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NewProject, ProjectUpdate, Reference, Update, read
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import entities
from custom_speech_emulator.resources.entities import Kind, offered
from custom_speech_emulator.state.entity_store import Entity

_CONTENT = ("evaluations", "datasets", "models", "endpoints", "transcriptions")


def shape(project: str, document: Json, version: Version) -> Json:
    """Return a Project."""
    return {
        "foundryProjectName": None if "foundryProjectName" in version.absent else document.get("foundryProjectName"),
        "links": {name: version.link("projects", project, name) for name in _CONTENT},
        "properties": document.get("counts") if version.old else None,
    }


def within(project: str) -> Condition:
    """Return what belongs to a project."""
    return Condition("json_extract(document, '$.project') = ?", (project,))


def _counts(call: Call, project: str) -> Json:
    """Return how much of each kind a project holds, which v3.2 tells."""
    if not call.version.old:
        return {}
    held = within(project)
    return {
        "counts": {
            f"{name.removesuffix('s')}Count": call.store.count(call.account.name, name, held.sql, held.values)
            for name in _CONTENT
        }
    }


def _release_content(call: Call, project: Entity) -> None:
    """Let what belongs to a project stay without it."""
    held = within(project.id)
    for kind in _CONTENT:
        for entity in call.store.all(call.account.name, kind, held.sql, held.values):
            del entity.document["project"]
            call.store.put(entity)


PROJECTS = Kind(
    "projects",
    "project",
    "InvalidProject",
    shape,
    ("displayName", "description", "createdDateTime", "locale", "foundryProjectName"),
    moves=False,
    update=ProjectUpdate,
    removing=_release_content,
    computed=_counts,
)


def create(call: Call) -> Answer:
    """Projects_Create."""
    body = read(call, NewProject)
    body.locale = offered(body.locale)
    project = entities.new(call, PROJECTS, body)
    if body.foundryProjectName is not None:
        project.document["foundryProjectName"] = body.foundryProjectName
    return entities.created(call, PROJECTS, project)


def contents(kind: Kind) -> Callable[[Call], Answer]:
    """Return the operation that lists what a project holds of one kind."""

    def list_contents(call: Call) -> Answer:
        project = entities.found(call, PROJECTS)
        return entities.listed(call, kind, within(project.id), ("projects", project.id, kind.path))

    return list_contents


def connected(call: Call, reference: Reference | None, locale: str) -> str | None:
    """Return the id of the project that a body names, of the same locale; None without one."""
    if reference is None:
        return None
    project = entities.resolved(call, PROJECTS, reference.uri, "project")
    entities.same_locale(project, locale, PROJECTS)
    return project.id


def reconnect(call: Call, entity: Entity, update: Update) -> None:
    """Connect an entity as its patch says, or disconnect it for null."""
    if "project" not in update.model_fields_set:
        return
    project = connected(call, update.project, entity.document["locale"])
    entity.document.pop("project", None)
    if project:
        entity.document["project"] = project
