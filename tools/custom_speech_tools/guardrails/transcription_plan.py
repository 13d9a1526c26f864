"""A transcription: the facts, the rules, and how it is carried out (fast or batch)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import urlsplit

import anyio
from pydantic import JsonValue, SecretStr

from custom_speech_tools.guardrails.charges import cost_in_words, transcription_charge
from custom_speech_tools.guardrails.content_address import content_address_works, content_identity
from custom_speech_tools.guardrails.references import DATASET, find, find_any_model
from custom_speech_tools.guardrails.resource_rules import is_blocked, resource_is_writable
from custom_speech_tools.guardrails.transcription_audio import (
    LocalAudio,
    OutputFile,
    Recording,
    find_output,
    local_audio,
)
from custom_speech_tools.runtime.agreement import Agreement, ConfirmationRequest, Effect, agreement_finding
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key
from custom_speech_tools.runtime.next_steps import call as call_step
from custom_speech_tools.runtime.parameters import DatasetKind
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import run_in_thread, task_group
from custom_speech_tools.speech.sanitize import quote, sanitize

AnyModel = schemas.CustomModel | schemas.BaseModel
Findings = Iterator[Finding]

SECONDS_WITHOUT_AGREEMENT = 1800.0
"""Up to half an hour of audio is only announced (design, rule transcription-is-charged)."""

LIFETIME_HOURS = 48
"""Hours for which a batch transcription is kept after its end, as the specification recommends."""

NO_AGREEMENT = Agreement(frozenset(), "")

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


@dataclass(frozen=True, slots=True)
class TranscriptionPlan:
    """A transcription that nothing blocks.

    Attributes:
        read_at: When its facts were read (`anyio.current_time`).
        kept: What the user agreed to in an earlier call, if a folder was not finished then.
        existing: The batch that the same request has made already.
    """

    facts: TranscriptionFacts
    findings: tuple[Finding, ...]
    read_at: float
    kept: Agreement = NO_AGREEMENT
    existing: schemas.Transcription | None = None

    @property
    def model(self) -> AnyModel | None:
        """The model that was asked for."""
        return self.facts.model if isinstance(self.facts.model, AnyModel) else None

    @property
    def key(self) -> str:
        """The idempotency key: what is transcribed, and how."""
        facts, request = self.facts, self.facts.request
        address = content_identity(request.content_url) if request.content_url else ""
        source: list[JsonValue] = [facts.key_of(one) for one in facts.recordings] or [address]
        dataset = facts.dataset.id if isinstance(facts.dataset, schemas.Dataset) else None
        model = self.model.id if self.model else None
        resource = facts.speech.resource.identity
        return idempotency_key("transcription", resource, request.locale, model, dataset, source, list(request.phrases))

    @property
    def effect(self) -> Effect | None:
        """What is charged, None for so little audio that nobody is asked."""
        seconds = self.facts.seconds
        if seconds is not None and seconds <= SECONDS_WITHOUT_AGREEMENT:
            return None
        if self.existing or not any(finding.rule == "transcription-is-charged" for finding in self.findings):
            return None
        price = (f"{seconds / 3600:.1f} h" if seconds is not None else "unknown length",)
        return Effect("transcription", self.facts.speech.resource.identity, self.key, price, _cost(self.facts))

    @property
    def display_name(self) -> str:
        """The name of a batch transcription."""
        facts = self.facts
        named = facts.dataset.display_name if isinstance(facts.dataset, schemas.Dataset) else None
        url = urlsplit(facts.request.content_url or "")
        return f"{named or PurePosixPath(url.path).name or 'recording'} transcription"[:200]

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        source = quote(self.facts.request.path or self.display_name.removesuffix(" transcription"))
        return ConfirmationRequest(
            effects=(self.effect,) if self.effect and not self.kept.covers(self.effect) else (),
            question=f"{_cost(self.facts)} Transcribe {source} ({self.facts.request.locale})?",
            findings=self.findings,
            not_done="Nothing was transcribed.",
            declined="Leave it, or transcribe less audio.",
        )

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """The signature of the address, which an answer may echo."""
        query = urlsplit(self.facts.request.content_url or "").query
        return (SecretStr(query),) if query else ()

    def fast_definition(self) -> dict[str, JsonValue]:
        """Return the definition of a fast transcription."""
        request, speech = self.facts.request, self.facts.speech
        body: dict[str, JsonValue] = {"locales": [request.locale]}
        if request.phrases:
            body["phraseList"] = {"phrases": list(request.phrases)}
        if self.model:
            body["models"] = {request.locale: address_of(speech, self.model)}
        if request.content_url:
            body["audioUrl"] = request.content_url
        return body

    def batch_definition(self) -> dict[str, JsonValue]:
        """Return the body of Transcriptions_Submit; v3.2 has the lifetime as a duration."""
        facts, request, speech = self.facts, self.facts.request, self.facts.speech
        life: dict[str, JsonValue] = {"timeToLiveHours": LIFETIME_HOURS}
        if not speech.resource.api_version.is_dated:
            life = {"timeToLive": f"PT{LIFETIME_HOURS}H"}
        body: dict[str, JsonValue] = {
            "displayName": self.display_name,
            "locale": request.locale,
            "customProperties": {KEY_PROPERTY: self.key},
            "properties": life | {"wordLevelTimestampsEnabled": True},
        }
        if self.model:
            body["model"] = {"self": address_of(speech, self.model)}
        if isinstance(facts.dataset, schemas.Dataset):
            body["dataset"] = {"self": speech.address_of(f"/datasets/{facts.dataset.id}")}
        elif request.content_url:
            body["contentUrls"] = [request.content_url]
        return body


def address_of(speech: Speech, model: AnyModel) -> str:
    """Return the `self` URI of a model."""
    return speech.address_of(f"/models/{'base/' if isinstance(model, schemas.BaseModel) else ''}{model.id}")


async def plan_transcription(
    call: CallContext, request: TranscriptionRequest, done: frozenset[str]
) -> TranscriptionPlan:
    """Fetch the facts and check them.

    Args:
        done: Keys of the recordings that earlier calls of this process have transcribed.

    Raises:
        Refused: A rule blocks the transcription; every finding is listed.
    """
    speech, read_at = call.speech(request.resource), anyio.current_time()
    local = await local_audio(call, request.path) if request.path else None
    output = None
    if request.output:
        output = await run_in_thread(lambda: find_output(call.app, request.output or "", request.path))
    async with task_group() as tasks:
        model = tasks.create_task(find_any_model(speech, request.model)) if request.model else None
        dataset = tasks.create_task(find(speech, DATASET, request.dataset)) if request.dataset else None
        locales = tasks.create_task(_locales(speech))
    if isinstance(output, OutputFile):
        done |= (await run_in_thread(output.read_partial)).keys()
    facts = TranscriptionFacts(
        request,
        speech,
        call.now(speech),
        model.return_value if model else None,
        dataset.return_value if dataset else None,
        local,
        output,
        locales.return_value,
    )
    findings = [finding for rule in RULES for finding in rule(facts)]
    if is_blocked(findings):
        raise Refused("Nothing was transcribed.", findings, "Call again with what the findings name.")
    plan = TranscriptionPlan(facts, tuple(findings), read_at)
    if facts.way == "batch":
        plan = replace(plan, existing=await _find_batch(plan))
    is_new = any(facts.key_of(one) not in done for one in facts.recordings)
    if plan.existing is None and (is_new or not facts.recordings):
        plan = replace(plan, findings=(*findings, *_is_charged(call, facts)))
    if plan.effect is None:
        return plan
    return replace(plan, kept=call.app.confirmation.kept_for([plan.effect], call.caller, call.app.now()))


async def _find_batch(plan: TranscriptionPlan) -> schemas.Transcription | None:
    """Return the batch that the same request has made; one that has failed is none."""
    locale = plan.facts.request.locale
    listed = await plan.facts.speech.transcriptions_list(display_name=plan.display_name, locale=locale)
    return find_by_key(plan.key, [one for one in listed.entities if one.status != "Failed"])


async def _locales(speech: Speech) -> schemas.TranscriptionLocales | None:
    try:
        return await speech.transcriptions_list_supported_locales()
    except SpeechError:  # the service itself will refuse what it does not have
        return None


def _is_writable(facts: TranscriptionFacts) -> Findings:
    yield from resource_is_writable(facts.speech.resource)


def _parts_are_found(facts: TranscriptionFacts) -> Findings:
    parts = (facts.model, facts.dataset, facts.local, facts.output)
    yield from (part for part in parts if isinstance(part, Finding))


def _address_works(facts: TranscriptionFacts) -> Findings:
    if facts.request.content_url:
        yield from content_address_works(facts.request.content_url, facts.now, is_emulated=facts.speech.is_emulated)


def _locales_match(facts: TranscriptionFacts) -> Findings:
    for noun, part in (("Model", facts.model), ("Dataset", facts.dataset)):
        if isinstance(part, schemas.Entity) and part.locale.lower() != facts.request.locale.lower():
            yield Finding(
                rule="locale-match",
                level="block",
                message=f"{noun} {quote(part.display_name)} has locale {sanitize(part.locale, 40)}, not "
                f"{facts.request.locale}.",
                fix=f"Pass locale={quote(part.locale)}, or another {noun.lower()}.",
            )


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


def _is_charged(call: CallContext, facts: TranscriptionFacts) -> Findings:
    if facts.seconds is not None and facts.seconds <= SECONDS_WITHOUT_AGREEMENT:
        yield Finding(
            rule="transcription-is-charged", level="warn", message=_cost(facts), fix="Nothing has to be done."
        )
    else:
        yield agreement_finding("transcription", call.app.confirmation, _cost(facts))


def _cost(facts: TranscriptionFacts) -> str:
    length = f"{facts.seconds / 3600:.2f} h of audio" if facts.seconds is not None else "Audio of unknown length"
    if any(not one.name.lower().endswith(".wav") for one in facts.recordings):
        length = f"{length}, estimated where it is not WAV,"
    name = facts.speech.resource.name
    if facts.speech.is_emulated:
        return f"{length} would be billed by its length on Azure; resource {name} is emulated, so nothing is charged."
    price = cost_in_words(transcription_charge(facts.speech.resource, facts.seconds / 3600)) if facts.seconds else ""
    return f"{length} is billed by its length to resource {name}. {price}".strip()
