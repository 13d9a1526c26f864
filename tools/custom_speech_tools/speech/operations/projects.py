"""Projects."""

from pydantic import JsonValue

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.operations.requests import Requests
from custom_speech_tools.speech.paging import Listing


class ProjectOperations(Requests):
    """Operations on projects; API version 2024-11-15 has none."""

    async def projects_list(self, **conditions: str | None) -> Listing[schemas.Project]:
        """GET /projects."""
        return await self._list("Projects_List", "/projects", schemas.Page[schemas.Project], conditions)

    async def projects_get(self, project: str) -> schemas.Project:
        """GET /projects/{id}."""
        return await self._get("Projects_Get", f"/projects/{project}", schemas.Project)

    async def projects_create(self, definition: dict[str, JsonValue]) -> schemas.Project:
        """POST /projects."""
        return await self._change("Projects_Create", "POST", "/projects", schemas.Project, definition)

    async def projects_delete(self, project: str) -> None:
        """DELETE /projects/{id}."""
        await self._delete("Projects_Delete", f"/projects/{project}")
