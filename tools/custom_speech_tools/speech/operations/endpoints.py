"""Endpoints: deployments of models."""

from pydantic import JsonValue

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.operations.requests import Requests
from custom_speech_tools.speech.paging import Listing


class EndpointOperations(Requests):
    """Operations on endpoints."""

    async def endpoints_list(self, **conditions: str | None) -> Listing[schemas.Endpoint]:
        """GET /endpoints."""
        return await self._list("Endpoints_List", "/endpoints", schemas.Page[schemas.Endpoint], conditions)

    async def endpoints_get(self, endpoint: str) -> schemas.Endpoint:
        """GET /endpoints/{id}."""
        return await self._get("Endpoints_Get", f"/endpoints/{endpoint}", schemas.Endpoint)

    async def endpoints_create(self, definition: dict[str, JsonValue]) -> schemas.Endpoint:
        """POST /endpoints."""
        return await self._change("Endpoints_Create", "POST", "/endpoints", schemas.Endpoint, definition)

    async def endpoints_update(self, endpoint: str, changes: dict[str, JsonValue]) -> schemas.Endpoint:
        """PATCH /endpoints/{id}."""
        return await self._change("Endpoints_Update", "PATCH", f"/endpoints/{endpoint}", schemas.Endpoint, changes)

    async def endpoints_delete(self, endpoint: str) -> None:
        """DELETE /endpoints/{id}."""
        await self._delete("Endpoints_Delete", f"/endpoints/{endpoint}")
