"""Projects, which group everything else in the portal. 2024-11-15 has none."""

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.odata_filter import Condition
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NEW_PROJECT, PROJECT_UPDATE, read
from custom_speech_emulator.http.responses import Answer
from custom_speech_emulator.resources import entities
from custom_speech_emulator.state.entity_store import Entity

_CONTENT = ("evaluations", "datasets", "models", "endpoints", "transcriptions")


def shape(project: str, document: Json, version: Version) -> Json:
    """Return a Project."""
    return {
        "foundryProjectName": None if "foundryProjectName" in version.absent else document.get("foundryProjectName"),
        "links": {name: version.link("projects", project, name) for name in _CONTENT},
        "properties": document.get("counts"),
    }


def _within(project: str) -> Condition:
    return Condition("json_extract(document, '$.project') = ?", (project,))


def _counts(call: Call, project: str) -> Json:
    if call.version.dated:  # v3.2 alone says how much of each kind a project holds
        return {}
    held = _within(project)
    counts = {name: call.store.count(call.account.name, name, held.sql, held.values) for name in _CONTENT}
    return {"counts": {f"{name.removesuffix('s')}Count": count for name, count in counts.items()}}


def _release_content(call: Call, project: Entity) -> None:
    held = _within(project.id)
    for kind in _CONTENT:
        for entity in call.store.all(call.account.name, kind, held.sql, held.values):
            del entity.document["project"]
            call.store.put(entity)


_FILTERS = ("displayName", "description", "createdDateTime", "locale", "foundryProjectName")
PROJECTS = entities.Kind(
    "projects",
    "project",
    "InvalidProject",
    shape,
    _FILTERS,
    PROJECT_UPDATE,
    removing=_release_content,
    computed=_counts,
)


def create(call: Call) -> Answer:
    """Projects_Create."""
    body = read(call, NEW_PROJECT)
    project = entities.new(call, PROJECTS, body)
    if body.get("foundryProjectName") is not None:
        project.document["foundryProjectName"] = body["foundryProjectName"]
    return entities.created(call, PROJECTS, project)


def list_contents(call: Call, kind: entities.Kind) -> Answer:
    """Projects_ListModels, …: list what a project holds of one kind."""
    project = entities.found(call, PROJECTS)
    return entities.listed(call, kind, _within(project.id), f"projects/{project.id}/{kind.path}")


def new(call: Call, kind: entities.Kind, body: Json) -> Entity:
    """Return a fresh entity in the project of the same locale that its body names, if it names one."""
    entity = entities.new(call, kind, body)
    _connect(call, entity, body.get("project"))
    return entity


def reconnect(call: Call, entity: Entity, update: Json) -> None:
    """Connect an entity as its patch says, or disconnect it for null."""
    if "project" in update:
        entity.document.pop("project", None)
        _connect(call, entity, update["project"])


def _connect(call: Call, entity: Entity, reference: Json | None) -> None:
    if reference:
        project = entities.resolved(call, PROJECTS, reference, entity.document["locale"], "project")
        entity.document["project"] = project.id
