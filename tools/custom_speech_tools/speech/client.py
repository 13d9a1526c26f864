"""The client of the REST API: one method for each operation, named after Azure's operation id."""

import json
from collections.abc import AsyncIterator
from secrets import token_hex
from urllib.parse import quote

from pydantic import JsonValue, SecretStr

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.http_messages import Properties, Request, Secrets, StreamedBody
from custom_speech_tools.speech.paging import Page
from custom_speech_tools.speech.rest_client import (
    RestClient,
    create_operation,
    delete_operation,
    get_operation,
    list_operation,
    update_operation,
)

_PART_BYTES = 256 * 1024  # of a block, written to the socket at once; asyncio copies the bytes that must wait
FAST_SECONDS = 40.0  # deadline of a fast transcription; 20 minutes of audio take less than a minute (article)


class Speech(RestClient):
    """The client of one Speech resource; every operation may raise any SpeechError."""

    # API version 2024-11-15 has no projects.
    projects_get = get_operation("Projects_Get", "/projects/{}", schemas.Project)
    projects_create = create_operation("Projects_Create", "/projects", schemas.Project)
    projects_delete = delete_operation("Projects_Delete", "/projects/{}")
    projects_list = list_operation("Projects_List", "/projects", Page[schemas.Project])

    datasets_get = get_operation("Datasets_Get", "/datasets/{}", schemas.Dataset)
    datasets_get_blocks = get_operation("Datasets_GetBlocks", "/datasets/{}/blocks", schemas.UploadedBlocks)
    # A dataset that is created without a `contentUrl` waits for blocks.
    datasets_create = create_operation("Datasets_Create", "/datasets", schemas.Dataset)
    datasets_delete = delete_operation("Datasets_Delete", "/datasets/{}")
    datasets_list = list_operation("Datasets_List", "/datasets", Page[schemas.Dataset])
    datasets_list_files = list_operation("Datasets_ListFiles", "/datasets/{}/files", Page[schemas.File])

    async def datasets_upload_block(self, dataset: str, block: str, content: bytes) -> None:
        """Upload a block of at most 8 MiB; `block` is a Base64 id with the same length for all blocks of a dataset."""
        path, query = f"/datasets/{dataset}/blocks", f"blockid={quote(block, safe='')}"

        async def parts() -> AsyncIterator[bytes]:
            for start in range(0, len(content), _PART_BYTES):
                yield content[start : start + _PART_BYTES]

        body = StreamedBody("application/octet-stream", len(content), parts)
        await self._change(Request("Datasets_UploadBlock", "PUT", path, body, query), type(None))

    async def datasets_commit_blocks(self, dataset: str, blocks: list[str]) -> None:
        """Commit the blocks in the order of the content, which starts the import."""
        body: list[JsonValue] = [{"kind": "Uncommitted", "id": block} for block in blocks]
        request = Request("Datasets_CommitBlocks", "POST", f"/datasets/{dataset}/blocks:commit", body)
        await self._change(request, type(None))

    models_get_base_model = get_operation("Models_GetBaseModel", "/models/base/{}", schemas.BaseModel)
    models_get_custom_model = get_operation("Models_GetCustomModel", "/models/{}", schemas.CustomModel)
    models_create = create_operation("Models_Create", "/models", schemas.CustomModel)
    models_update = update_operation("Models_Update", "/models/{}", schemas.CustomModel)
    models_delete = delete_operation("Models_Delete", "/models/{}")

    async def models_list_supported_locales(self) -> list[str]:
        """Return the locales in which custom models can be trained."""
        return await self._get("Models_ListSupportedLocales", "/models/locales", list[str])

    models_list_base_models = list_operation("Models_ListBaseModels", "/models/base", Page[schemas.BaseModel])
    models_list_custom_models = list_operation("Models_ListCustomModels", "/models", Page[schemas.CustomModel])

    async def models_authorize_copy(self, source_resource_id: str) -> schemas.ModelCopyAuthorization:
        """Return the permission to copy a model of the source resource to this resource."""
        body: Properties = {"sourceResourceId": source_resource_id}
        request = Request("Models_AuthorizeCopy", "POST", "/models:authorizecopy", body)
        return await self._change(request, schemas.ModelCopyAuthorization)

    async def models_copy(self, model: str, authorization: schemas.ModelCopyAuthorization) -> schemas.CopyOperation:
        """Start a copy of the model with the unchanged authorization of the target resource."""
        body = authorization.model_dump(mode="json", by_alias=True)
        return await self._change(Request("Models_Copy", "POST", f"/models/{model}:copy", body), schemas.CopyOperation)

    async def models_copy_with_key(self, model: str, target_key: SecretStr) -> schemas.CustomModel:
        """Start a copy with the key of the target resource, as API version v3.2 allows (article on training)."""
        body: Properties = {"targetSubscriptionKey": target_key.get_secret_value()}
        request = Request("Models_Copy", "POST", f"/models/{model}:copy", body, secrets=(target_key,))
        return await self._change(request, schemas.CustomModel)

    operations_get_model_copy = get_operation(
        "Operations_GetModelCopy", "/operations/models/copy/{}", schemas.CopyOperation
    )

    evaluations_get = get_operation("Evaluations_Get", "/evaluations/{}", schemas.Evaluation)
    evaluations_create = create_operation("Evaluations_Create", "/evaluations", schemas.Evaluation)
    evaluations_delete = delete_operation("Evaluations_Delete", "/evaluations/{}")
    evaluations_list = list_operation("Evaluations_List", "/evaluations", Page[schemas.Evaluation])
    evaluations_list_files = list_operation("Evaluations_ListFiles", "/evaluations/{}/files", Page[schemas.File])

    endpoints_get = get_operation("Endpoints_Get", "/endpoints/{}", schemas.Endpoint)
    endpoints_create = create_operation("Endpoints_Create", "/endpoints", schemas.Endpoint)
    endpoints_update = update_operation("Endpoints_Update", "/endpoints/{}", schemas.Endpoint)
    endpoints_delete = delete_operation("Endpoints_Delete", "/endpoints/{}")
    endpoints_list = list_operation("Endpoints_List", "/endpoints", Page[schemas.Endpoint])

    transcriptions_get = get_operation("Transcriptions_Get", "/transcriptions/{}", schemas.Transcription)
    transcriptions_delete = delete_operation("Transcriptions_Delete", "/transcriptions/{}")
    transcriptions_list = list_operation("Transcriptions_List", "/transcriptions", Page[schemas.Transcription])
    transcriptions_list_files = list_operation(
        "Transcriptions_ListFiles", "/transcriptions/{}/files", Page[schemas.File]
    )

    async def transcriptions_list_supported_locales(self) -> schemas.TranscriptionLocales:
        """Return the locales of transcription. API version v3.2 returns a list and has no fast transcription."""
        operation, path = "Transcriptions_ListSupportedLocales", "/transcriptions/locales"
        if self.resource.api_version.is_dated:
            return await self._get(operation, path, schemas.TranscriptionLocales)
        return schemas.TranscriptionLocales(Submit=await self._get(operation, path, list[str]))

    async def transcriptions_submit(self, definition: Properties, secrets: Secrets = ()) -> schemas.Transcription:
        """Create a batch transcription; `secrets` are the signatures of the content URLs in its definition."""
        operation, path = "Transcriptions_Create", "/transcriptions"
        if self.resource.api_version.is_dated:
            operation, path = "Transcriptions_Submit", "/transcriptions:submit"
        return await create_operation(operation, path, schemas.Transcription)(self, definition, secrets)

    async def transcriptions_transcribe(
        self, definition: Properties, audio: StreamedBody | None, file_name: str = "", secrets: Secrets = ()
    ) -> schemas.FastTranscription:
        """Return a fast transcription of `audio` or the `audioUrl` of the definition; it is charged, but not stored."""
        line = f"--{token_hex(16)}"
        head = f'{line}\r\nContent-Disposition: form-data; name="definition"\r\n\r\n{json.dumps(definition)}\r\n'
        if audio:
            name = "".join(mark if mark.isprintable() and mark not in '"\\' else "_" for mark in file_name)
            head += f'{line}\r\nContent-Disposition: form-data; name="audio"; filename="{name}"\r\n'
            head += f"Content-Type: {audio.content_type}\r\n\r\n"
        start, end = head.encode(), f"\r\n{line}--\r\n".encode()

        async def parts() -> AsyncIterator[bytes]:
            yield start
            if audio:
                async for part in audio.parts():
                    yield part
            yield end

        size, kind = len(start) + (audio.size if audio else 0) + len(end), f"multipart/form-data; boundary={line[2:]}"
        form, path = StreamedBody(kind, size, parts), "/transcriptions:transcribe"
        request = Request("Transcriptions_Transcribe", "POST", path, form, secrets=secrets, seconds=FAST_SECONDS)
        return await self._change(request, schemas.FastTranscription)
