"""Datasets: training and test data."""

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.operations.requests import Requests
from custom_speech_tools.speech.paging import Listing


class DatasetOperations(Requests):
    """Operations on datasets."""

    async def datasets_list(self, **conditions: str | None) -> Listing[schemas.Dataset]:
        """GET /datasets."""
        return await self._list("Datasets_List", "/datasets", schemas.Page[schemas.Dataset], conditions)

    async def datasets_get(self, dataset: str) -> schemas.Dataset:
        """GET /datasets/{id}."""
        return await self._get("Datasets_Get", f"/datasets/{dataset}", schemas.Dataset)

    async def datasets_list_files(self, dataset: str) -> Listing[schemas.File]:
        """GET /datasets/{id}/files."""
        return await self._list("Datasets_ListFiles", f"/datasets/{dataset}/files", schemas.Page[schemas.File])

    async def datasets_delete(self, dataset: str) -> None:
        """DELETE /datasets/{id}."""
        await self._delete("Datasets_Delete", f"/datasets/{dataset}")
