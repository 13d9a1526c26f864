"""Rules about transcriptions: what may be transcribed, in which way, and what it costs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal

from custom_speech_tools.guardrails.charges import cost_in_words, transcription_charge
from custom_speech_tools.guardrails.content_address import content_address_works
from custom_speech_tools.guardrails.resource_rules import locales_match, resource_is_writable
from custom_speech_tools.guardrails.transcription_audio import (
    LocalAudio,
    OutputFile,
    Recording,
)
from custom_speech_tools.runtime.agreement import agreement_finding
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.parameters import DatasetKind
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.sanitize import quote, sanitize

AnyModel = schemas.CustomModel | schemas.BaseModel
Findings = Iterator[Finding]

SECONDS_WITHOUT_AGREEMENT = 1800.0
"""Up to half an hour of audio is only announced (design, rule transcription-is-charged)."""

AUDIO_KINDS: tuple[DatasetKind, ...] = ("Acoustic", "AudioFiles")


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """A transcription that is asked for: exactly one of `path`, `dataset` and `content_url` is there."""

    path: str | None
    dataset: str | None
    content_url: str | None
    locale: str
    model: str | None
    phrases: tuple[str, ...]
    output: str | None
    resource: str | None


@dataclass(frozen=True, slots=True)
class TranscriptionFacts:
    """The facts on which the rules decide; a Finding stands in place of what was not found.

    Attributes:
        locales: Of batch and fast transcription; None if the service does not say.
    """

    request: TranscriptionRequest
    speech: Speech
    now: datetime
    model: AnyModel | Finding | None
    dataset: schemas.Dataset | Finding | None
    local: LocalAudio | Finding | None
    output: OutputFile | Finding | None
    locales: schemas.TranscriptionLocales | None

    @property
    def way(self) -> Literal["fast", "batch"]:
        """Fast if the API version, the model and the source allow it."""
        version = self.speech.resource.api_version
        takes_source = self.request.path or (self.request.content_url and version.has_phrase_lists)
        return "fast" if version.is_dated and takes_source and self.model_is_fast else "batch"

    @property
    def model_is_fast(self) -> bool:
        """True without a model, or if the model says that fast transcription takes it."""
        if not isinstance(self.model, AnyModel):
            return True
        return self.model.features.get("supportsTranscriptionsTranscribe") is True

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The local recordings that can be sent."""
        local = self.local.recordings if isinstance(self.local, LocalAudio) else ()
        return tuple(one for one in local if one.problem is None)

    def key_of(self, recording: Recording) -> str:
        """Return what a result is found by: the content and everything that it depends on."""
        request, model = self.request, self.model.id if isinstance(self.model, AnyModel) else None
        resource = self.speech.resource.identity
        return idempotency_key("fast", resource, request.locale, model, list(request.phrases), recording.digest)

    @property
    def seconds(self) -> float | None:
        """Seconds of audio; None if that is not known."""
        if isinstance(self.local, LocalAudio):
            return sum(one.seconds for one in self.recordings)
        return self.dataset.audio_seconds if isinstance(self.dataset, schemas.Dataset) else None


def _is_writable(facts: TranscriptionFacts) -> Findings:
    yield from resource_is_writable(facts.speech.resource)


def _parts_are_found(facts: TranscriptionFacts) -> Findings:
    parts = (facts.model, facts.dataset, facts.local, facts.output)
    yield from (part for part in parts if isinstance(part, Finding))


def _address_works(facts: TranscriptionFacts) -> Findings:
    if facts.request.content_url:
        yield from content_address_works(facts.request.content_url, facts.now, is_emulated=facts.speech.is_emulated)


def _locales_match(facts: TranscriptionFacts) -> Findings:
    yield from locales_match(facts.speech.resource, facts.request.locale, facts.model, facts.dataset)


def _locale_is_transcribed(facts: TranscriptionFacts) -> Findings:
    if facts.locales is None:
        return
    offered = facts.locales.transcribe if facts.way == "fast" else facts.locales.submit
    if offered and facts.request.locale.lower() not in {one.lower() for one in offered}:
        yield Finding(
            rule="locale-is-transcribed",
            level="block",
            message=f"The service has no {facts.way} transcription in {facts.request.locale}.",
            fix=_as_dataset(facts) if facts.way == "fast" else f"It has {', '.join(sorted(offered)[:20])}.",
        )


def _dataset_is_ready(facts: TranscriptionFacts) -> Findings:
    dataset = facts.dataset
    if not isinstance(dataset, schemas.Dataset):
        return
    if dataset.kind not in AUDIO_KINDS or dataset.status != "Succeeded":
        waits = dataset.status in ("NotStarted", "Running")
        yield Finding(
            rule="dataset-ready",
            level="block",
            message=f"Dataset {quote(dataset.display_name)} is of kind {sanitize(dataset.kind, 40)} and "
            f"{sanitize(dataset.status, 40)}; recordings (Acoustic or AudioFiles) that are Succeeded are needed.",
            fix="Wait for it with get_dataset." if waits else "Name another dataset.",
            remedy="wait" if waits and dataset.kind in AUDIO_KINDS else "correct",
        )


def _model_is_ready(facts: TranscriptionFacts) -> Findings:
    model = facts.model
    if not isinstance(model, AnyModel):
        return
    status = model.status if isinstance(model, schemas.CustomModel) else "Succeeded"
    features = model.features
    for_batch = features.get("supportsTranscriptionsSubmit", features.get("supportsTranscriptions"))
    if status != "Succeeded":
        waits = status in ("NotStarted", "Running")
        problem, fix = f"is {sanitize(status, 40)}, not Succeeded", "Wait for it with get_model."
        yield _not_ready(model, problem, fix if waits else "Use a model that was trained.")
    elif model.transcription_until and model.transcription_until <= facts.now:
        problem = f"stopped transcribing on {model.transcription_until:%Y-%m-%d}"
        yield _not_ready(model, problem, "Use a newer model.")
    elif facts.way == "batch" and for_batch is False:
        yield _not_ready(model, "does not support batch transcription", "Deploy it, or use another model.")
    elif facts.request.path and facts.way == "batch":
        yield _not_ready(model, "does not support fast transcription of local files", _as_dataset(facts))


def _not_ready(model: AnyModel, problem: str, fix: str) -> Finding:
    message = f"Model {quote(model.display_name)} {problem}."
    return Finding(rule="model-is-ready", level="block", message=message, fix=fix)


def model_is_refused(facts: TranscriptionFacts, why: str) -> Finding:
    """Return the finding about a model that the service does not take for fast transcription, although it says so."""
    return Finding(
        rule="fast-transcription-supported",
        level="block",
        message=f"The service refused fast transcription with this model: {sanitize(why, 300)}",
        fix=_as_dataset(facts),
    )


def _version_is_fast(facts: TranscriptionFacts) -> Findings:
    version = facts.speech.resource.api_version
    if facts.request.path and not version.is_dated:
        yield Finding(
            rule="phrase-list-supported" if facts.request.phrases else "fast-transcription-supported",
            level="block",
            message=f"API version {version.name} of resource {facts.speech.resource.name} has no fast transcription.",
            fix=f"Configure api_version 2025-10-15. Or: {_as_dataset(facts)}",
        )
    elif facts.request.phrases and (facts.way == "batch" or not version.has_phrase_lists):
        why = "batch transcription takes no phrase list" if facts.way == "batch" else f"{version.name} has none"
        yield Finding(
            rule="phrase-list-supported",
            level="block",
            message=f"A phrase list works at recognition time, in real time and in fast transcription; {why}.",
            fix="Leave phrases out, or pass recordings as path, without model, where api_version is 2025-10-15.",
        )


def _recordings_can_be_sent(facts: TranscriptionFacts) -> Findings:
    if not isinstance(facts.local, LocalAudio):
        return
    wrong = [one for one in facts.local.recordings if one.problem]
    if wrong:
        named = "; ".join(f"{quote(one.name, 80)}: {one.problem}" for one in wrong[:10])
        more = f"; and {len(wrong) - 10} more" if len(wrong) > 10 else ""
        yield Finding(
            rule="recording-length" if any(one.seconds for one in wrong) else "data-is-valid",
            level="block" if len(wrong) == len(facts.local.recordings) else "warn",
            message=f"{len(wrong)} of {len(facts.local.recordings)} recordings cannot be sent. {named}{more}.",
            fix=f"Leave them out or repair them. Long ones: {_as_dataset(facts)}",
        )


def _as_dataset(facts: TranscriptionFacts) -> str:
    """Return how to transcribe the same as a batch."""
    if not facts.request.path:
        return "Upload the recording as a dataset of kind AudioFiles, and pass that as dataset."
    step = call_step(
        "upload_dataset",
        display_name=f"{PurePosixPath(facts.request.path).name} audio",
        locale=facts.request.locale,
        kind="AudioFiles",
        path=facts.request.path,
        resource=facts.speech.resource.name,
    )
    return f"{step}, then transcribe with that dataset."


RULES = (
    _is_writable,
    _parts_are_found,
    _address_works,
    _locales_match,
    _locale_is_transcribed,
    _dataset_is_ready,
    _model_is_ready,
    _version_is_fast,
    _recordings_can_be_sent,
)


def is_unasked(facts: TranscriptionFacts) -> bool:
    """Return whether there is so little audio that nobody is asked."""
    return facts.seconds is not None and facts.seconds <= SECONDS_WITHOUT_AGREEMENT


def charge_finding(call: CallContext, facts: TranscriptionFacts) -> Findings:
    """Say what is charged, or that it needs an agreement."""
    if is_unasked(facts):
        yield Finding(
            rule="transcription-is-charged",
            level="warn",
            message=transcription_cost(facts),
            fix="Nothing has to be done.",
        )
    else:
        yield agreement_finding("transcription", call.app.confirmation, transcription_cost(facts))


def transcription_cost(facts: TranscriptionFacts) -> str:
    """Return in words what a transcription costs."""
    length = f"{facts.seconds / 3600:.2f} h of audio" if facts.seconds is not None else "Audio of unknown length"
    if any(not one.name.lower().endswith(".wav") for one in facts.recordings):
        length = f"{length}, estimated where it is not WAV,"
    name = facts.speech.resource.name
    if facts.speech.is_emulated:
        return f"{length} would be billed by its length on Azure; resource {name} is emulated, so nothing is charged."
    price = cost_in_words(transcription_charge(facts.speech.resource, facts.seconds / 3600)) if facts.seconds else ""
    return f"{length} is billed by its length to resource {name}. {price}".strip()
