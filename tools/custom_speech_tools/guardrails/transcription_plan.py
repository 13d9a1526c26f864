"""The plan of a transcription, and the requests that carry it out."""

from dataclasses import dataclass
from urllib.parse import urlsplit

import anyio
from pydantic import JsonValue, SecretStr

from custom_speech_tools.guardrails.references import DATASET, find, find_any_model, link_to, uri_of
from custom_speech_tools.guardrails.resource_rules import is_blocked
from custom_speech_tools.guardrails.transcription_audio import local_audio, requested_output
from custom_speech_tools.guardrails.transcription_rules import (
    TranscribeArguments,
    TranscriptionFacts,
    transcription_is_possible,
)
from custom_speech_tools.runtime.agreement import ConfirmationRequest, Effect, agreement_finding, payer
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key
from custom_speech_tools.runtime.results import EntityReference, Finding
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import task_group
from custom_speech_tools.speech.sanitize import quote

SECONDS_WITHOUT_AGREEMENT = 1800.0
"""Up to half an hour of audio is only announced (design, rule transcription-is-charged)."""

LIFETIME_HOURS = 48
"""Hours for which a batch transcription is kept after its end, as the specification recommends."""


@dataclass(frozen=True, slots=True)
class TranscriptionPlan:
    """A transcription that nothing blocks.

    Attributes:
        read_at: When its facts were read (`anyio.current_time`).
        effect: The charge, None if nothing is charged or so little that nobody is asked.
        existing: The batch that the same request has made already.
    """

    facts: TranscriptionFacts
    findings: tuple[Finding, ...]
    read_at: float
    effect: Effect | None
    existing: schemas.Transcription | None

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        facts = self.facts
        source = quote(facts.request.path or facts.display_name.removesuffix(" transcription"))
        return ConfirmationRequest(
            effects=(self.effect,) if self.effect else (),
            question=f"{facts.cost()} Transcribe {source} ({facts.request.locale})?",
            findings=self.findings,
            not_done="Nothing was transcribed.",
            declined="Leave it, or transcribe less audio.",
            kept_as=self.effect.digest if self.effect else None,
        )

    @property
    def model(self) -> EntityReference | None:
        """The model, as the answer names it."""
        model = self.facts.model
        return EntityReference(id=model.id, display_name=model.display_name) if model else None

    @property
    def stated(self) -> list[Finding]:
        """The findings that the answer states: the agreement is there."""
        return [finding for finding in self.findings if finding.level != "confirm"]

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        """The signature of the address, which an answer may echo."""
        query = urlsplit(self.facts.request.content_url or "").query
        return (SecretStr(query),) if query else ()

    def fast_definition(self) -> dict[str, JsonValue]:
        """Return the definition of a fast transcription."""
        facts, locale = self.facts, self.facts.request.locale
        body: dict[str, JsonValue] = {"locales": [locale]}
        if facts.phrases:
            body["phraseList"] = {"phrases": facts.phrases}
        if facts.model:
            body["models"] = {locale: uri_of(facts.speech, facts.model)}
        if facts.request.content_url:
            body["audioUrl"] = facts.request.content_url
        return body

    def batch_definition(self) -> dict[str, JsonValue]:
        """Return the body of Transcriptions_Submit; v3.2 has the lifetime as a duration."""
        facts, speech = self.facts, self.facts.speech
        life: dict[str, JsonValue] = {"timeToLiveHours": LIFETIME_HOURS}
        if not speech.resource.api_version.is_dated:
            life = {"timeToLive": f"PT{LIFETIME_HOURS}H"}
        body: dict[str, JsonValue] = {
            "displayName": facts.display_name,
            "locale": facts.request.locale,
            "customProperties": {KEY_PROPERTY: facts.key},
            "properties": {"wordLevelTimestampsEnabled": True} | life,
        }
        if facts.model:
            body["model"] = link_to(speech, facts.model)
        if facts.dataset:
            body["dataset"] = link_to(speech, facts.dataset)
        elif facts.request.content_url:
            body["contentUrls"] = [facts.request.content_url]
        return body


async def plan_transcription(call: CallContext, request: TranscribeArguments) -> TranscriptionPlan:
    """Fetch the facts and check them.

    Raises:
        Refused: A rule blocks the transcription; every finding is listed.
    """
    read_at = anyio.current_time()
    facts = await _read_facts(call, request)
    findings = [*transcription_is_possible(facts)]
    if is_blocked(findings):
        raise Refused("Nothing was transcribed.", findings)
    existing, effect = None, None
    if facts.way == "batch":
        listed = await facts.speech.transcriptions_list(display_name=facts.display_name, locale=request.locale)
        existing = find_by_key(facts.key, [one for one in listed.entities if one.status != "Failed"])
    is_new = not facts.recordings or any(facts.key_of(one) not in facts.results for one in facts.recordings)
    seconds, cost = facts.seconds, facts.cost()
    if existing is None and is_new and seconds is not None and seconds <= SECONDS_WITHOUT_AGREEMENT:
        fix = "Nothing has to be done."
        findings.append(Finding(rule="transcription-is-charged", level="warn", message=cost, fix=fix))
    elif existing is None and is_new:
        findings.append(agreement_finding("transcription", call.app.confirmation, cost))
        length = f"{seconds / 3600:.1f} h" if seconds is not None else "unknown length"
        effect = Effect("transcription", payer(facts.speech.resource), facts.key, (length,), cost)
    return TranscriptionPlan(facts, tuple(findings), read_at, effect, existing)


async def _read_facts(call: CallContext, request: TranscribeArguments) -> TranscriptionFacts:
    speech = call.speech(request.resource)
    local = await local_audio(call, request.path) if request.path else None
    output = await requested_output(call, request.output, request.path)
    async with task_group() as tasks:
        model_task = tasks.create_task(find_any_model(speech, request.model)) if request.model else None
        dataset_task = tasks.create_task(find(speech, DATASET, request.dataset)) if request.dataset else None
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
    except SpeechError:  # the service itself will refuse what it does not have
        return None
