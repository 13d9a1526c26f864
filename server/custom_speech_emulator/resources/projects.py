"""Projects: what the portal groups things by. 2024-11-15 has none."""

from __future__ import annotations

from collections.abc import Callable

from custom_speech_emulator.http.odata_filter import Condition
from custom_speech_emulator.http.operation_call import Answer, Call
from custom_speech_emulator.http.request_bodies import NewProject, ProjectUpdate, Reference, Update, read
from custom_speech_emulator.http.versions import Json, Version
from custom_speech_emulator.resources import entities
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.state.locales import supported
from custom_speech_emulator.state.store import Entity, Row

_CONTENT = ("evaluations", "datasets", "models", "endpoints", "transcriptions")


def shape(project: str, document: Json, version: Version) -> Json:
    """Return a Project."""
    return {
        "self": version.link("projects", project),
        "displayName": document["displayName"],
        "description": document.get("description"),
        "locale": document["locale"],
        "customProperties": document.get("customProperties"),
        "foundryProjectName": None if "foundryProjectName" in version.absent else document.get("foundryProjectName"),
        "createdDateTime": document["createdDateTime"],
        "links": {name: version.link("projects", project, name) for name in _CONTENT},
        "properties": document.get("counts") if version.old else None,
    }


PROJECTS = Kind(
    "projects",
    "project",
    "InvalidProject",
    shape,
    ("displayName", "description", "createdDateTime", "locale", "foundryProjectName"),
    moves=False,
)


def within(project: str) -> Condition:
    """Return what belongs to a project."""
    return Condition("json_extract(document, '$.project') = ?", (project,))


def create(call: Call) -> Answer:
    """Projects_Create."""
    body = read(call, NewProject)
    body.locale = supported(body.locale)
    project = entities.new(call, PROJECTS, body)
    if body.foundryProjectName is not None:
        project.document["foundryProjectName"] = body.foundryProjectName
    return _counted(call, project, entities.created(call, PROJECTS, project))


def get(call: Call) -> Answer:
    """Projects_Get."""
    return _counted(call, entities.found(call, PROJECTS), entities.get(call, PROJECTS))


def _counted(call: Call, project: Entity, answer: Answer) -> Answer:
    """v3.2 tells how much a project holds."""
    if not call.version.old:
        return answer
    project.document["counts"] = counts(call, project.id)
    return Answer(answer.status, entities.shown(call, PROJECTS, project), answer.headers)


def counts(call: Call, project: str) -> Json:
    """Return how much of each kind a project holds."""
    held = within(project)
    return {
        f"{name.removesuffix('s')}Count": call.store.count(call.account.name, name, held.sql, held.values)
        for name in _CONTENT
    }


def list_all(call: Call) -> Answer:
    """Projects_List."""

    def fill(row: Row) -> Row:
        return row._replace(text=row.with_property("counts", counts(call, row.id)))

    return entities.listed(call, PROJECTS, fill=fill if call.version.old else None)


def update(call: Call) -> Answer:
    """Projects_Update."""
    project = entities.found(call, PROJECTS)
    return _counted(call, project, entities.changed(call, PROJECTS, project, read(call, ProjectUpdate)))


def delete(call: Call) -> Answer:
    """Projects_Delete: what belongs to it stays."""
    held = within(call.path["id"].lower())
    for kind in _CONTENT:
        for entity in call.store.all(call.account.name, kind, held.sql, held.values):
            del entity.document["project"]
            call.store.put(entity)
    return entities.removed(call, PROJECTS)


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
    """Connect, or with null disconnects, an entity as its patch says."""
    if "project" not in update.model_fields_set:
        return
    project = connected(call, update.project, entity.document["locale"])
    entity.document.pop("project", None)
    if project:
        entity.document["project"] = project
