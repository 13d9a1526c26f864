"""Datasets: training and test data."""

from urllib.parse import quote

from pydantic import JsonValue, SecretStr

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

    async def datasets_create(
        self, definition: dict[str, JsonValue], secrets: tuple[SecretStr, ...] = ()
    ) -> schemas.Dataset:
        """POST /datasets; without a `contentUrl` the dataset waits for blocks.

        Args:
            secrets: Parts of the `contentUrl` that are signatures; masked where an answer echoes them.
        """
        return await self._change("Datasets_Create", "POST", "/datasets", schemas.Dataset, definition, secrets=secrets)

    async def datasets_get_blocks(self, dataset: str) -> schemas.UploadedBlocks:
        """GET /datasets/{id}/blocks."""
        return await self._get("Datasets_GetBlocks", f"/datasets/{dataset}/blocks", schemas.UploadedBlocks)

    async def datasets_upload_block(self, dataset: str, block: str, content: bytes) -> None:
        """PUT /datasets/{id}/blocks, at most 8 MiB; `block` is an id in Base64, all of a dataset equally long."""
        path, query = f"/datasets/{dataset}/blocks", f"blockid={quote(block, safe='')}"
        await self._change("Datasets_UploadBlock", "PUT", path, type(None), content, query=query)

    async def datasets_commit_blocks(self, dataset: str, blocks: list[str]) -> None:
        """POST /datasets/{id}/blocks:commit, in the order of the content; the import then begins."""
        body: list[JsonValue] = [{"kind": "Uncommitted", "id": block} for block in blocks]
        path = f"/datasets/{dataset}/blocks:commit"
        await self._change("Datasets_CommitBlocks", "POST", path, type(None), body)

    async def datasets_list_files(self, dataset: str) -> Listing[schemas.File]:
        """GET /datasets/{id}/files."""
        return await self._list("Datasets_ListFiles", f"/datasets/{dataset}/files", schemas.Page[schemas.File])

    async def datasets_delete(self, dataset: str) -> None:
        """DELETE /datasets/{id}."""
        await self._delete("Datasets_Delete", f"/datasets/{dataset}")
