"""Projects, which contain entities of five kinds."""

from custom_speech_emulator.http.api_versions import ApiVersion, Json
from custom_speech_emulator.http.odata_filter import SqlCondition
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request_bodies import NEW_PROJECT, PROJECT_UPDATE, read_body
from custom_speech_emulator.http.responses import ApiResponse
from custom_speech_emulator.resources import entities
from custom_speech_emulator.state.entity_store import StoredEntity

# The kinds that a project can contain; web hooks have events of the same kinds.
PROJECT_CONTENTS = ("evaluations", "datasets", "models", "endpoints", "transcriptions")
_IN_PROJECT = "json_extract(document, '$.project') = ?"
_FILTERS = ("displayName", "description", "createdDateTime", "locale", "foundryProjectName")


def project_to_json(project: str, document: Json, version: ApiVersion) -> Json:
    """Return the properties of a Project."""
    links = {name: version.link("projects", project, name) for name in PROJECT_CONTENTS}
    return {"links": links, "properties": document.get("counts")}


def count_contents(call: OperationCall, project: str) -> Json:
    """Return the number of entities of each kind in a project, which only v3.2 reports."""
    if call.version.dated:
        return {}
    counts = {name: call.store.count(call.account.name, name, _IN_PROJECT, (project,)) for name in PROJECT_CONTENTS}
    return {"counts": {f"{name.removesuffix('s')}Count": count for name, count in counts.items()}}


def remove_contents(call: OperationCall, project: StoredEntity) -> None:
    """Remove all entities from a project without deleting them."""
    for kind in PROJECT_CONTENTS:
        for entity in call.store.all(call.account.name, kind, _IN_PROJECT, (project.id,)):
            del entity.document["project"]
            call.store.put(entity)


PROJECTS = entities.EntityKind(
    "projects",
    "project",
    project_to_json,
    "InvalidProject",
    _FILTERS,
    PROJECT_UPDATE,
    before_delete=remove_contents,
    computed_properties=count_contents,
)


def create(call: OperationCall) -> ApiResponse:
    """Handle Projects_Create."""
    return entities.store_created(call, PROJECTS, entities.new_entity(call, PROJECTS, read_body(call, NEW_PROJECT)))


def list_contents(call: OperationCall, kind: entities.EntityKind) -> ApiResponse:
    """Handle Projects_ListModels and the lists of the other kinds in a project."""
    project = entities.get_or_404(call, PROJECTS)
    condition = SqlCondition(_IN_PROJECT, (project.id,))
    return entities.list_page(call, kind, condition, f"projects/{project.id}/{kind.path}")
