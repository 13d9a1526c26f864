"""The client of the REST API: all operations on one Speech resource, each named after Azure's operation."""

from urllib.parse import quote

from pydantic import JsonValue, SecretStr

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.http_messages import Request
from custom_speech_tools.speech.paging import Listing
from custom_speech_tools.speech.requests import create_operation, delete_operation, get_operation, update_operation
from custom_speech_tools.speech.transcriptions import TranscriptionOperations


class Speech(TranscriptionOperations):
    """The custom speech operations of one Speech resource; every operation may raise any SpeechError."""

    # API version 2024-11-15 has no projects.
    projects_get = get_operation("Projects_Get", "/projects/{}", schemas.Project)
    projects_create = create_operation("Projects_Create", "/projects", schemas.Project)
    projects_delete = delete_operation("Projects_Delete", "/projects/{}")

    async def projects_list(self, **conditions: str | None) -> Listing[schemas.Project]:
        """GET /projects."""
        return await self._list("Projects_List", "/projects", schemas.Page[schemas.Project], conditions)

    datasets_get = get_operation("Datasets_Get", "/datasets/{}", schemas.Dataset)
    datasets_get_blocks = get_operation("Datasets_GetBlocks", "/datasets/{}/blocks", schemas.UploadedBlocks)
    datasets_delete = delete_operation("Datasets_Delete", "/datasets/{}")

    async def datasets_list(self, **conditions: str | None) -> Listing[schemas.Dataset]:
        """GET /datasets."""
        return await self._list("Datasets_List", "/datasets", schemas.Page[schemas.Dataset], conditions)

    async def datasets_list_files(self, dataset: str) -> Listing[schemas.File]:
        """GET /datasets/{id}/files."""
        return await self._list("Datasets_ListFiles", f"/datasets/{dataset}/files", schemas.Page[schemas.File])

    async def datasets_create(
        self, definition: dict[str, JsonValue], secrets: tuple[SecretStr, ...] = ()
    ) -> schemas.Dataset:
        """POST /datasets; without a `contentUrl` the dataset waits for blocks.

        Args:
            secrets: Parts of the `contentUrl` that are signatures; masked where an answer echoes them.
        """
        request = Request("Datasets_Create", "POST", "/datasets", definition, secrets=secrets)
        return await self._change(request, schemas.Dataset)

    async def datasets_upload_block(self, dataset: str, block: str, content: bytes) -> None:
        """PUT /datasets/{id}/blocks, at most 8 MiB; `block` is an id in Base64, all of a dataset equally long."""
        path, query = f"/datasets/{dataset}/blocks", f"blockid={quote(block, safe='')}"
        await self._change(Request("Datasets_UploadBlock", "PUT", path, content, query), type(None))

    async def datasets_commit_blocks(self, dataset: str, blocks: list[str]) -> None:
        """POST /datasets/{id}/blocks:commit, in the order of the content; the import then begins."""
        body: list[JsonValue] = [{"kind": "Uncommitted", "id": block} for block in blocks]
        request = Request("Datasets_CommitBlocks", "POST", f"/datasets/{dataset}/blocks:commit", body)
        await self._change(request, type(None))

    models_get_base_model = get_operation("Models_GetBaseModel", "/models/base/{}", schemas.BaseModel)
    models_get_custom_model = get_operation("Models_GetCustomModel", "/models/{}", schemas.CustomModel)
    models_create = create_operation("Models_Create", "/models", schemas.CustomModel)
    models_update = update_operation("Models_Update", "/models/{}", schemas.CustomModel)
    models_delete = delete_operation("Models_Delete", "/models/{}")

    async def models_list_supported_locales(self) -> list[str]:
        """GET /models/locales."""
        return await self._get("Models_ListSupportedLocales", "/models/locales", list[str])

    async def models_list_base_models(self, **conditions: str | None) -> Listing[schemas.BaseModel]:
        """GET /models/base."""
        return await self._list("Models_ListBaseModels", "/models/base", schemas.Page[schemas.BaseModel], conditions)

    async def models_list_custom_models(self, **conditions: str | None) -> Listing[schemas.CustomModel]:
        """GET /models."""
        return await self._list("Models_ListCustomModels", "/models", schemas.Page[schemas.CustomModel], conditions)

    async def models_authorize_copy(self, source_resource_id: str) -> schemas.ModelCopyAuthorization:
        """POST /models:authorizecopy, on the resource that the copy goes to."""
        body: dict[str, JsonValue] = {"sourceResourceId": source_resource_id}
        request = Request("Models_AuthorizeCopy", "POST", "/models:authorizecopy", body)
        return await self._change(request, schemas.ModelCopyAuthorization)

    async def models_copy(self, model: str, authorization: schemas.ModelCopyAuthorization) -> schemas.Operation:
        """POST /models/{id}:copy, with the authorization exactly as the target issued it."""
        body = authorization.model_dump(mode="json", by_alias=True)
        return await self._change(Request("Models_Copy", "POST", f"/models/{model}:copy", body), schemas.Operation)

    async def models_copy_with_key(self, model: str, target_key: SecretStr) -> schemas.CustomModel:
        """POST /models/{id}:copy with the target's key, the v3.2 form of the article on training models."""
        body: dict[str, JsonValue] = {"targetSubscriptionKey": target_key.get_secret_value()}
        request = Request("Models_Copy", "POST", f"/models/{model}:copy", body, secrets=(target_key,))
        return await self._change(request, schemas.CustomModel)

    operations_get_model_copy = get_operation(
        "Operations_GetModelCopy", "/operations/models/copy/{}", schemas.Operation
    )

    evaluations_get = get_operation("Evaluations_Get", "/evaluations/{}", schemas.Evaluation)
    evaluations_create = create_operation("Evaluations_Create", "/evaluations", schemas.Evaluation)
    evaluations_delete = delete_operation("Evaluations_Delete", "/evaluations/{}")

    async def evaluations_list(self, **conditions: str | None) -> Listing[schemas.Evaluation]:
        """GET /evaluations."""
        return await self._list("Evaluations_List", "/evaluations", schemas.Page[schemas.Evaluation], conditions)

    async def evaluations_list_files(self, evaluation: str) -> Listing[schemas.File]:
        """GET /evaluations/{id}/files."""
        path = f"/evaluations/{evaluation}/files"
        return await self._list("Evaluations_ListFiles", path, schemas.Page[schemas.File])

    endpoints_get = get_operation("Endpoints_Get", "/endpoints/{}", schemas.Endpoint)
    endpoints_create = create_operation("Endpoints_Create", "/endpoints", schemas.Endpoint)
    endpoints_update = update_operation("Endpoints_Update", "/endpoints/{}", schemas.Endpoint)
    endpoints_delete = delete_operation("Endpoints_Delete", "/endpoints/{}")

    async def endpoints_list(self, **conditions: str | None) -> Listing[schemas.Endpoint]:
        """GET /endpoints."""
        return await self._list("Endpoints_List", "/endpoints", schemas.Page[schemas.Endpoint], conditions)
