"""Transcriptions: fast (one recording, answered at once) and batch (a job)."""

import json
import secrets
from collections.abc import AsyncIterator

from pydantic import JsonValue, SecretStr

from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.http_messages import Request, StreamedBody
from custom_speech_tools.speech.paging import Listing
from custom_speech_tools.speech.requests import Requests, delete_operation, get_operation

FAST_SECONDS = 40.0
"""The longest that one fast transcription may take; 20 minutes of audio take less than a minute (article)."""


class TranscriptionOperations(Requests):
    """Operations on transcriptions."""

    transcriptions_get = get_operation("Transcriptions_Get", "/transcriptions/{}", schemas.Transcription)
    transcriptions_delete = delete_operation("Transcriptions_Delete", "/transcriptions/{}")

    async def transcriptions_list_supported_locales(self) -> schemas.TranscriptionLocales:
        """GET /transcriptions/locales; v3.2 has no fast transcription and answers with a list."""
        if self.resource.api_version.is_dated:
            schema = schemas.TranscriptionLocales
            return await self._get("Transcriptions_ListSupportedLocales", "/transcriptions/locales", schema)
        submit = await self._get("Transcriptions_ListSupportedLocales", "/transcriptions/locales", list[str])
        return schemas.TranscriptionLocales(Submit=submit)

    async def transcriptions_list(self, **conditions: str | None) -> Listing[schemas.Transcription]:
        """GET /transcriptions."""
        page = schemas.Page[schemas.Transcription]
        return await self._list("Transcriptions_List", "/transcriptions", page, conditions)

    async def transcriptions_list_files(self, transcription: str) -> Listing[schemas.File]:
        """GET /transcriptions/{id}/files."""
        path = f"/transcriptions/{transcription}/files"
        return await self._list("Transcriptions_ListFiles", path, schemas.Page[schemas.File])

    async def transcriptions_submit(
        self, definition: dict[str, JsonValue], secrets: tuple[SecretStr, ...] = ()
    ) -> schemas.Transcription:
        """POST /transcriptions:submit, in v3.2 POST /transcriptions.

        Args:
            secrets: Parts of an address that are signatures; masked where an answer echoes them.
        """
        is_dated = self.resource.api_version.is_dated
        operation = "Transcriptions_Submit" if is_dated else "Transcriptions_Create"
        path = "/transcriptions:submit" if is_dated else "/transcriptions"
        return await self._change(Request(operation, "POST", path, definition, secrets=secrets), schemas.Transcription)

    async def transcriptions_transcribe(
        self,
        definition: dict[str, JsonValue],
        audio: StreamedBody | None,
        file_name: str = "",
        secrets: tuple[SecretStr, ...] = (),
    ) -> schemas.FastTranscription:
        """POST /transcriptions:transcribe: what is charged and makes nothing that could be found again.

        Args:
            audio: None if the definition has an `audioUrl`.
            secrets: Parts of that address that are signatures.
        """
        operation, path = "Transcriptions_Transcribe", "/transcriptions:transcribe"
        form = _form(definition, audio, file_name)
        request = Request(operation, "POST", path, form, secrets=secrets, seconds=FAST_SECONDS)
        return await self._change(request, schemas.FastTranscription)


def _form(definition: dict[str, JsonValue], audio: StreamedBody | None, file_name: str) -> StreamedBody:
    """Return the multipart form of a fast transcription."""
    boundary = secrets.token_hex(16)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="definition"\r\n\r\n{json.dumps(definition)}\r\n'
    if audio:
        name = "".join(mark if mark.isprintable() and mark not in '"\\' else "_" for mark in file_name)
        head += f'--{boundary}\r\nContent-Disposition: form-data; name="audio"; filename="{name}"\r\n'
        head += f"Content-Type: {audio.content_type}\r\n\r\n"
    start, end = head.encode(), f"\r\n--{boundary}--\r\n".encode()

    async def parts() -> AsyncIterator[bytes]:
        yield start
        if audio:
            async for part in audio.parts():
                yield part
        yield end

    size = len(start) + (audio.size if audio else 0) + len(end)
    return StreamedBody(f"multipart/form-data; boundary={boundary}", size, parts)
