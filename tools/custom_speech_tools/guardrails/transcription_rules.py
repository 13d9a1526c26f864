"""Transcriptions: the arguments, the facts, and the rules about what may be transcribed and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import Field, JsonValue

from custom_speech_data.transcripts import Transcript
from custom_speech_tools.guardrails.charges import charged, cost_in_words, transcription_charge
from custom_speech_tools.guardrails.content_address import content_address_works, content_identity, require_address
from custom_speech_tools.guardrails.references import AnyModel
from custom_speech_tools.guardrails.resource_rules import Findings, dataset_is_ready, model_is_ready, parts_fit
from custom_speech_tools.guardrails.transcription_audio import LocalAudio, OutputFile, Recording
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.parameters import (
    AUDIO_KINDS,
    Arguments,
    Confirm,
    Identifier,
    Locale,
    LocalText,
    OptionalModel,
    Output,
    ResourceName,
    ShortText,
    WaitSeconds,
)
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, word

MODEL_REFUSED = frozenset({"InvalidModel", "InvalidModelUri", "ModelMismatch", "InvalidPayload"})
FILE_REFUSED = frozenset({"AudioLengthLimitExceeded", "InvalidAudioFormat"})
"""Detailed codes (specification) if fast transcription takes no such model (perhaps no `models`) or recording."""


class TranscribeArguments(Arguments):
    """The arguments of transcribe."""

    locale: Locale
    path: Annotated[LocalText | None, Field(description="Local recording, or folder of recordings")] = None
    dataset: Annotated[Identifier | None, Field(description="Or an uploaded dataset with audio")] = None
    content_url: Annotated[LocalText | None, Field(description="Or an address that Azure reads")] = None
    model: OptionalModel = None
    phrases: Annotated[
        Annotated[list[ShortText], Field(max_length=500)] | None,
        Field(description="Phrase list: names and terms to expect; not for datasets"),
    ] = None
    output: Output = None
    confirm: Confirm = None
    wait_seconds: WaitSeconds = 0
    resource: ResourceName = None

    @pydantic.model_validator(mode="after")
    def _has_one_source(self) -> "TranscribeArguments":
        if sum(one is not None for one in (self.path, self.dataset, self.content_url)) != 1:
            raise ValueError("needs one of path, dataset and content_url")
        require_address(self.content_url)
        return self


@dataclass(frozen=True, slots=True)
class TranscriptionFacts:
    """The facts on which the rules decide.

    Attributes:
        locales: Of batch and fast transcription; None if the service does not say.
        missing: The findings about parts that were named and not found.
        results: Texts of recordings that were transcribed before, by `key_of`.
    """

    request: TranscribeArguments
    speech: Speech
    now: datetime
    model: AnyModel | None
    dataset: schemas.Dataset | None
    local: LocalAudio | None
    output: OutputFile | None
    locales: schemas.TranscriptionLocales | None
    missing: tuple[Finding, ...]
    results: Mapping[str, Transcript]

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
    def recordings(self) -> tuple[Recording, ...]:
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
        """The idempotency key: what is transcribed, and how."""
        url, dataset = self.request.content_url, self.dataset.id if self.dataset else None
        identity = content_identity(url) if url else None
        recordings: list[JsonValue] = [one.digest for one in self.recordings]
        return idempotency_key("transcription", *self._conditions, dataset, identity, recordings)

    def key_of(self, recording: Recording) -> str:
        """Return what a result is found by: the content and everything that it depends on."""
        return idempotency_key("fast", *self._conditions, recording.digest)

    @property
    def _conditions(self) -> tuple[JsonValue, ...]:
        model = self.model.id if self.model else None
        return self.speech.resource.identity, self.request.locale, model, self.phrases

    def cost(self) -> str:
        """Return in words what the transcription costs."""
        length = "unknown" if self.seconds is None else f"{self.seconds / 3600:.2f} h"
        if self.local and self.seconds is None:
            length += ", because not all of it is WAV"
        price = transcription_charge(self.speech.resource, self.seconds / 3600) if self.seconds else None
        basis = f"It is billed by the length of the audio: {length}. {cost_in_words(price) if self.seconds else ''}"
        return charged(self.speech, "Transcription", basis).strip()

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


def transcription_is_possible(facts: TranscriptionFacts) -> Findings:
    """Require everything that the service needs; what a transcription costs is stated elsewhere."""
    resource, request = facts.speech.resource, facts.request
    yield from parts_fit(resource, request.locale, *facts.missing, facts.model, facts.dataset)
    if url := request.content_url:
        yield from content_address_works(url, facts.now, is_emulated=facts.speech.is_emulated)
    if facts.dataset and facts.dataset.kind not in AUDIO_KINDS:
        message = f"Dataset {quote(facts.dataset.display_name)} is of kind {word(facts.dataset.kind)}."
        fix = "Name one with recordings: of kind Acoustic or AudioFiles."
        yield Finding(rule="dataset-ready", level="block", message=message, fix=fix)
    elif facts.dataset:
        yield from dataset_is_ready(facts.dataset, resource.name)
    if facts.model:
        yield from model_is_ready(facts.model, facts.now, resource.name)
    yield from _way_is_open(facts)
    yield from _recordings_can_be_sent(facts)


def _way_is_open(facts: TranscriptionFacts) -> Findings:
    """Require that fast or batch transcription exists for the API version, the locale, the model and the phrases."""
    request, way, version, instead = facts.request, facts.way, facts.speech.resource.api_version, facts.as_dataset()
    offered = (facts.locales.transcribe if way == "fast" else facts.locales.submit) if facts.locales else []
    if offered and request.locale.lower() not in {one.lower() for one in offered}:
        message = f"The service has no {way} transcription in {request.locale}."
        fix = instead if way == "fast" else f"It has {', '.join(sorted(offered)[:20])}."
        yield Finding(rule="locale-is-transcribed", level="block", message=message, fix=fix)
    if facts.model and way == "batch":
        features, name = facts.model.features, quote(facts.model.display_name)
        if features.get("supportsTranscriptionsSubmit", features.get("supportsTranscriptions")) is False:
            message, fix = f"Model {name} does not support batch transcription.", "Deploy it, or use another model."
            yield Finding(rule="model-is-ready", level="block", message=message, fix=fix)
        elif request.path:
            message = f"Model {name} does not support fast transcription of local files."
            yield Finding(rule="model-is-ready", level="block", message=message, fix=instead)
    if request.path and not version.is_dated:
        rule = "phrase-list-supported" if request.phrases else "fast-transcription-supported"
        message = f"API version {version.name} of resource {facts.speech.resource.name} has no fast transcription."
        fix = f"Configure api_version 2025-10-15. Or: {instead}"
        yield Finding(rule=rule, level="block", message=message, fix=fix)
    elif request.phrases and (way == "batch" or not version.has_phrase_lists):
        why = "batch transcription takes no phrase list" if way == "batch" else f"{version.name} has none"
        message = f"A phrase list works at recognition time, in real time and in fast transcription; {why}."
        fix = "Leave phrases out, or pass recordings as path, without model, where api_version is 2025-10-15."
        yield Finding(rule="phrase-list-supported", level="block", message=message, fix=fix)


def _recordings_can_be_sent(facts: TranscriptionFacts) -> Findings:
    recordings = facts.local.recordings if facts.local else ()
    if wrong := [one for one in recordings if one.problem]:
        named = "; ".join(f"{quote(one.name, 80)}: {one.problem}" for one in wrong[:10])
        more = f"; and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        yield Finding(
            rule="recording-length" if any(one.seconds for one in wrong) else "data-is-valid",
            level="block" if len(wrong) == len(recordings) else "warn",
            message=f"{len(wrong)} of {len(recordings)} recordings cannot be sent. {named}{more}.",
            fix=f"Leave them out or repair them. Long ones: {facts.as_dataset()}",
        )
