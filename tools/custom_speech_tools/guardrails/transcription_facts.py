"""The arguments and the facts of a transcription, and the requests that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import Field, JsonValue, SecretStr

from custom_speech_data.transcription_results import Transcript
from custom_speech_tools.guardrails import local_recordings
from custom_speech_tools.guardrails.charges import charge_notice, charge_sentence
from custom_speech_tools.guardrails.content_url import content_identity, require_valid_url
from custom_speech_tools.guardrails.entity_lookup import DATASET, AnyModel, find_any_model, find_entity, link_to, uri_of
from custom_speech_tools.runtime import parameters
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, idempotency_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.tasks_and_threads import run_in_thread, task_group

LIFETIME_HOURS = 48  # for which a batch transcription is kept after its end, as the specification recommends


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
    """The facts on which the rules decide."""

    request: TranscribeArguments
    speech: Speech
    now: datetime
    model: AnyModel | None
    dataset: schemas.Dataset | None
    local: local_recordings.LocalAudio | None
    output: local_recordings.OutputFile | None
    locales: schemas.TranscriptionLocales | None  # None if the service does not say
    missing: tuple[Finding, ...]  # about parts that were named and not found
    results: Mapping[str, Transcript]  # texts of recordings that were transcribed before, by `key_of`

    @property
    def way(self) -> Literal["fast", "batch"]:
        """Fast if the API version, the model and the source allow it."""
        version, request = self.speech.resource.api_version, self.request
        takes_model = self.model is None or self.model.features.get("supportsTranscriptionsTranscribe") is True
        takes_source = request.path or (request.content_url and version.has_phrase_lists)
        return "fast" if version.is_dated and takes_model and takes_source else "batch"

    @property
    def phrases(self) -> list[JsonValue]:
        """The phrase list, each phrase once."""
        return list(dict.fromkeys(self.request.phrases or ()))

    @property
    def recordings(self) -> tuple[local_recordings.Recording, ...]:
        """The local recordings that can be sent."""
        return tuple(one for one in self.local.recordings if one.problem is None) if self.local else ()

    @property
    def seconds(self) -> float | None:
        """Seconds of audio; None if that is not known."""
        if self.local:
            # The size does not tell: AMR may have 4.75 kbit/s (3GPP TS 26.071), Opus 6 (RFC 6716), MP3 up to 320.
            is_known = all(one.name.lower().endswith(".wav") for one in self.recordings)
            return sum(one.seconds for one in self.recordings) if is_known else None
        # The service states no length of some datasets; that does not make them empty.
        return (self.dataset.audio_seconds or None) if self.dataset else None

    @property
    def display_name(self) -> str:
        """The name of a batch transcription."""
        path = PurePosixPath(urlsplit(self.request.content_url or "").path)
        named = self.dataset.display_name if self.dataset else path.name
        return f"{named or 'recording'} transcription"[:200]

    @property
    def key(self) -> str:
        """The idempotency key: the audio, and the conditions of its transcription."""
        url, dataset = self.request.content_url, self.dataset.id if self.dataset else None
        identity = content_identity(url) if url else None
        recordings: list[JsonValue] = [one.digest for one in self.recordings]
        return idempotency_key("transcription", *self._conditions, dataset, identity, recordings)

    def key_of(self, recording: local_recordings.Recording) -> str:
        """Return the key of a result: the content of the recording, and all conditions of its transcription."""
        # A text that the emulator left in a partial file is not one of a real resource of the same name.
        return idempotency_key("fast", *self._conditions, self.speech.is_emulated, recording.digest)

    @property
    def _conditions(self) -> tuple[JsonValue, ...]:
        model = self.model.id if self.model else None
        return self.speech.resource.identity, self.request.locale, model, self.phrases

    def cost(self) -> str:
        """Return the cost of the transcription in words."""
        length = "unknown" if self.seconds is None else f"{self.seconds / 3600:.2f} h"
        if self.local and self.seconds is None:
            length += ", because not all of it is WAV"
        hours = (self.seconds or 0.0) / 3600
        charge = charge_sentence(self.speech.resource, "transcription", hours) if hours else ""
        details = f"It is billed by the length of the audio: {length}. {charge}"
        return charge_notice("Transcription", details, self.speech)

    def as_dataset(self) -> str:
        """Return how to transcribe the same as a batch."""
        if not self.request.path:
            return "Upload the recording as a dataset of kind AudioFiles, and pass that as dataset."
        step = call_step(
            "upload_dataset",
            display_name=f"{PurePosixPath(self.request.path).name} audio",
            locale=self.request.locale,
            kind="AudioFiles",
            path=self.request.path,
            resource=self.speech.resource.name,
        )
        return f"{step}, then transcribe with that dataset."

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """The signature of the address, which an answer may echo."""
        query = urlsplit(self.request.content_url or "").query
        return (SecretStr(query),) if query else ()

    def fast_definition(self) -> dict[str, JsonValue]:
        """Return the definition of a fast transcription."""
        body: dict[str, JsonValue] = {"locales": [self.request.locale]}
        if self.phrases:
            body["phraseList"] = {"phrases": self.phrases}
        if self.model:
            body["models"] = {self.request.locale: uri_of(self.speech, self.model)}
        if self.request.content_url:
            body["audioUrl"] = self.request.content_url
        return body

    def batch_definition(self) -> dict[str, JsonValue]:
        """Return the body of Transcriptions_Submit; v3.2 has the lifetime as a duration."""
        life: dict[str, JsonValue] = {"timeToLiveHours": LIFETIME_HOURS}
        if not self.speech.resource.api_version.is_dated:
            life = {"timeToLive": f"PT{LIFETIME_HOURS}H"}
        return {
            "displayName": self.display_name,
            "locale": self.request.locale,
            "customProperties": {KEY_PROPERTY: self.key},
            "properties": {"wordLevelTimestampsEnabled": True} | life,
            "model": link_to(self.speech, self.model),
            "dataset": link_to(self.speech, self.dataset),
            "contentUrls": [self.request.content_url] if self.request.content_url else None,
        }


async def read_facts(call: CallContext, request: TranscribeArguments) -> TranscriptionFacts:
    """Read the local files and the entities on the service; raises Refused for a path that is not allowed."""
    speech = call.speech(request.resource)
    local = output = None
    if request.path:
        local = await run_in_thread(
            partial(local_recordings.read_local_audio, call.app, request.path), abandon_on_cancel=True
        )
    if request.output:
        output = await run_in_thread(partial(local_recordings.find_output, call.app, request.output, request.path))
    async with task_group() as tasks:
        model_task = tasks.create_task(find_any_model(speech, request.model)) if request.model else None
        dataset_task = tasks.create_task(find_entity(speech, DATASET, request.dataset)) if request.dataset else None
        locales_task = tasks.create_task(_locales(speech))
    model = model_task.return_value if model_task else None
    dataset = dataset_task.return_value if dataset_task else None
    place = None if isinstance(output, Finding) else output
    return TranscriptionFacts(
        request,
        speech,
        call.now(speech),
        None if isinstance(model, Finding) else model,
        None if isinstance(dataset, Finding) else dataset,
        None if isinstance(local, Finding) else local,
        place,
        locales_task.return_value,
        tuple(one for one in (model, dataset, local, output) if isinstance(one, Finding)),
        call.app.transcribed | dict(place.results if place else {}),
    )


async def _locales(speech: Speech) -> schemas.TranscriptionLocales | None:
    try:
        return await speech.transcriptions_list_supported_locales()
    except SpeechError:  # the service itself refuses a locale that it does not have
        return None
