"""Evaluations of models."""

from pydantic import JsonValue

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.operations.requests import Requests
from custom_speech_tools.speech.paging import Listing


class EvaluationOperations(Requests):
    """Operations on evaluations."""

    async def evaluations_list(self, **conditions: str | None) -> Listing[schemas.Evaluation]:
        """GET /evaluations."""
        return await self._list("Evaluations_List", "/evaluations", schemas.Page[schemas.Evaluation], conditions)

    async def evaluations_get(self, evaluation: str) -> schemas.Evaluation:
        """GET /evaluations/{id}."""
        return await self._get("Evaluations_Get", f"/evaluations/{evaluation}", schemas.Evaluation)

    async def evaluations_list_files(self, evaluation: str) -> Listing[schemas.File]:
        """GET /evaluations/{id}/files."""
        path = f"/evaluations/{evaluation}/files"
        return await self._list("Evaluations_ListFiles", path, schemas.Page[schemas.File])

    async def evaluations_create(self, definition: dict[str, JsonValue]) -> schemas.Evaluation:
        """POST /evaluations."""
        return await self._change("Evaluations_Create", "POST", "/evaluations", schemas.Evaluation, definition)

    async def evaluations_delete(self, evaluation: str) -> None:
        """DELETE /evaluations/{id}."""
        await self._delete("Evaluations_Delete", f"/evaluations/{evaluation}")
