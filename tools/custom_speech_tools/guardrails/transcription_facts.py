"""Transcriptions: the arguments and facts of a new transcription."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import Field, JsonValue

from custom_speech_data.transcription_results import Transcript
from custom_speech_tools.guardrails.content_url import content_identity, require_valid_url
from custom_speech_tools.guardrails.draft_transcripts import DraftFile, find_draft_file
from custom_speech_tools.guardrails.entity_lookup import AnyModel, find_any_model, find_entity
from custom_speech_tools.guardrails.local_recordings import LocalRecordings, Recording, read_local_recordings
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.entity_kinds import DATASET
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.tasks_and_threads import run_in_thread, task_group


class TranscribeArguments(parameters.Arguments):
    """The arguments of transcribe."""

    locale: parameters.Locale
    path: Annotated[parameters.LocalText | None, Field(description="Local recording, or folder of recordings")] = None
    dataset: Annotated[parameters.Identifier | None, Field(description="Or an uploaded dataset with audio")] = None
    content_url: Annotated[parameters.LocalText | None, Field(description="Or an address that Azure reads")] = None
    model: parameters.OptionalReference = None
    phrases: Annotated[
        Annotated[list[parameters.ShortText], Field(max_length=500)] | None,
        Field(description="Phrase list: names and terms to expect; not for datasets"),
    ] = None
    output: parameters.Output = None
    confirm: parameters.Confirm = None
    wait_seconds: parameters.WaitSeconds = 0
    resource: parameters.ResourceName = None

    @pydantic.model_validator(mode="after")
    def _has_one_source(self) -> "TranscribeArguments":
        parameters.require_one_source(path=self.path, dataset=self.dataset, content_url=self.content_url)
        require_valid_url(self.content_url)
        return self


@dataclass(frozen=True, slots=True)
class TranscriptionFacts:
    """Facts about a new transcription."""

    request: TranscribeArguments
    speech: Speech
    now: datetime  # the service's time
    model: AnyModel | None
    dataset: schemas.Dataset | None
    local: LocalRecordings | None
    output: DraftFile | None
    locales: schemas.TranscriptionLocales | None  # None if they could not be read
    missing: tuple[Finding, ...]  # about named parts that were not found
    results: Mapping[str, Transcript]  # from earlier calls, by `result_key`

    @property
    def mode(self) -> Literal["fast", "batch"]:
        """The kind of transcription: fast if the API version, the model and the source allow it."""
        version, request = self.speech.resource.api_version, self.request
        takes_model = self.model is None or self.model.features.get("supportsTranscriptionsTranscribe") is True
        takes_source = request.path or (request.content_url and version.has_phrase_lists)
        return "fast" if version.is_dated and takes_model and takes_source else "batch"

    @property
    def phrases(self) -> list[JsonValue]:
        """The phrase list without duplicates."""
        return list(dict.fromkeys(self.request.phrases or ()))

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The local recordings that can be sent."""
        return tuple(one for one in self.local.recordings if one.problem is None) if self.local else ()

    @property
    def seconds(self) -> float | None:
        """The length of the audio in seconds, or None if it is unknown."""
        if self.local:
            # A size gives no length: AMR may have 4.75 kbit/s (3GPP TS 26.071), Opus 6 (RFC 6716), MP3 up to 320.
            is_known = all(one.name.lower().endswith(".wav") for one in self.recordings)
            return sum(one.seconds for one in self.recordings) if is_known else None
        # The service states no length for some datasets, which are not empty.
        return (self.dataset.audio_seconds or None) if self.dataset else None

    @property
    def source_name(self) -> str:
        """The name of the dataset, or of the file in the URL."""
        path = PurePosixPath(urlsplit(self.request.content_url or "").path)
        return (self.dataset.display_name if self.dataset else path.name) or "recording"

    @property
    def display_name(self) -> str:
        """The display name of a batch transcription."""
        return f"{self.source_name} transcription"[:200]

    @property
    def key(self) -> str:
        """The idempotency key: a digest of the audio and of everything that affects its transcription."""
        url, dataset = self.request.content_url, self.dataset.id if self.dataset else None
        identity = content_identity(url) if url else None
        recordings: list[JsonValue] = [one.digest for one in self.recordings]
        return idempotency_key("transcription", *self._conditions, dataset, identity, recordings)

    def result_key(self, recording: Recording) -> str:
        """Return the idempotency key of one recording's transcript."""
        # The emulator's transcripts in a partial file are not those of a real resource with the same name.
        return idempotency_key("fast", *self._conditions, self.speech.is_emulated, recording.digest)

    @property
    def _conditions(self) -> tuple[JsonValue, ...]:
        model = self.model.id if self.model else None
        return self.speech.resource.identity, self.request.locale, model, self.phrases


async def gather_transcription_facts(call: CallContext, request: TranscribeArguments) -> TranscriptionFacts:
    """Read the local files, then the named entities concurrently; raises Refused if a path is not allowed."""
    speech = call.speech(request.resource)
    local = output = None
    if request.path:
        local = await run_in_thread(partial(read_local_recordings, call.app, request.path), abandon_on_cancel=True)
    if request.output:
        output = await run_in_thread(partial(find_draft_file, call.app, request.output, request.path))
    async with task_group() as tasks:
        model_task = tasks.create_task(find_any_model(speech, request.model)) if request.model else None
        dataset_task = tasks.create_task(find_entity(speech, DATASET, request.dataset)) if request.dataset else None
        locales_task = tasks.create_task(_supported_locales(speech))
    model = model_task.return_value if model_task else None
    dataset = dataset_task.return_value if dataset_task else None
    file = None if isinstance(output, Finding) else output
    return TranscriptionFacts(
        request,
        speech,
        call.now(speech),
        None if isinstance(model, Finding) else model,
        None if isinstance(dataset, Finding) else dataset,
        None if isinstance(local, Finding) else local,
        file,
        locales_task.return_value,
        tuple(one for one in (model, dataset, local, output) if isinstance(one, Finding)),
        call.app.transcribed | dict(file.results if file else {}),
    )


async def _supported_locales(speech: Speech) -> schemas.TranscriptionLocales | None:
    try:
        return await speech.transcriptions_list_supported_locales()
    except SpeechError:  # the service itself refuses a locale that it does not support
        return None
