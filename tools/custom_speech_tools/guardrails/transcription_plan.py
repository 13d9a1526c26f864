"""The plan of a transcription, and the requests that carry it out."""

from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import anyio
from pydantic import JsonValue, SecretStr

from custom_speech_tools.guardrails.content_address import content_identity
from custom_speech_tools.guardrails.references import DATASET, find, find_any_model, link_to
from custom_speech_tools.guardrails.resource_rules import is_blocked
from custom_speech_tools.guardrails.transcription_audio import (
    OutputFile,
    find_output,
    local_audio,
)
from custom_speech_tools.guardrails.transcription_rules import (
    RULES,
    AnyModel,
    TranscriptionFacts,
    TranscriptionRequest,
    charge_finding,
    is_unasked,
    transcription_cost,
)
from custom_speech_tools.runtime.agreement import Agreement, ConfirmationRequest, Effect
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key, idempotency_key
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import run_in_thread, task_group
from custom_speech_tools.speech.sanitize import quote

LIFETIME_HOURS = 48
"""Hours for which a batch transcription is kept after its end, as the specification recommends."""

NO_AGREEMENT = Agreement(frozenset(), "")


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
        """The charge, None for so little audio that nobody is asked."""
        seconds = self.facts.seconds
        if is_unasked(self.facts):
            return None
        if self.existing or not any(finding.rule == "transcription-is-charged" for finding in self.findings):
            return None
        price = (f"{seconds / 3600:.1f} h" if seconds is not None else "unknown length",)
        return Effect(
            "transcription", self.facts.speech.resource.identity, self.key, price, transcription_cost(self.facts)
        )

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
            question=f"{transcription_cost(self.facts)} Transcribe {source} ({self.facts.request.locale})?",
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
            body["models"] = {request.locale: link_to(speech, self.model)["self"]}
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
            body["model"] = link_to(speech, self.model)
        if isinstance(facts.dataset, schemas.Dataset):
            body["dataset"] = link_to(speech, facts.dataset)
        elif request.content_url:
            body["contentUrls"] = [request.content_url]
        return body


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
        plan = replace(plan, findings=(*findings, *charge_finding(call, facts)))
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
