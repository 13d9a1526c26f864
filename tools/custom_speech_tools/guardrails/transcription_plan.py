"""New transcriptions: the rules, the plan, and the request bodies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pydantic import JsonValue

from custom_speech_data.dataset_kinds import AUDIO_KINDS
from custom_speech_tools.guardrails import shared_rules
from custom_speech_tools.guardrails.charges import charge_notice, charge_sentence
from custom_speech_tools.guardrails.content_url import content_url_works
from custom_speech_tools.guardrails.entity_lookup import link_to
from custom_speech_tools.guardrails.transcription_facts import (
    TranscribeArguments,
    TranscriptionFacts,
    gather_transcription_facts,
)
from custom_speech_tools.runtime.agreements import ConfirmationRequest, Effect, agreement_finding
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import KEY_PROPERTY, find_by_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, word

MAX_NAMED = 10  # files that a finding names
SECONDS_WITHOUT_AGREEMENT = 1800.0  # a longer transcription needs agreement (design, rule transcription-is-charged)
LIFETIME_HOURS = 48  # of a batch transcription after its end, as the specification recommends


def parts_can_be_transcribed(facts: TranscriptionFacts) -> shared_rules.Findings:
    """Require entities of one locale, a URL that Azure can read, and a dataset and a model that are ready."""
    resource, request = facts.speech.resource, facts.request
    yield from shared_rules.parts_fit(resource, request.locale, *facts.missing, facts.model, facts.dataset)
    if url := request.content_url:
        yield from content_url_works(url, facts.now, is_emulated=facts.speech.is_emulated)
    if facts.dataset and facts.dataset.kind not in AUDIO_KINDS:
        message = f"Dataset {quote(facts.dataset.display_name)} is of kind {word(facts.dataset.kind)}."
        yield block("dataset-ready", message, "Name a dataset with recordings: of kind Acoustic or AudioFiles.")
    elif facts.dataset:
        yield from shared_rules.dataset_is_ready(facts.dataset, resource.name)
    if facts.model:
        yield from shared_rules.model_is_ready(facts.model, facts.now, resource.name)


def mode_is_supported(facts: TranscriptionFacts) -> shared_rules.Findings:
    """Require that the API version, the locale, the model and the phrases support the mode of transcription."""
    request, mode, version, instead = facts.request, facts.mode, facts.speech.resource.api_version, upload_step(facts)
    offered = (facts.locales.transcribe if mode == "fast" else facts.locales.submit) if facts.locales else []
    if offered and request.locale.lower() not in {one.lower() for one in offered}:
        fix = instead if mode == "fast" else f"It has {', '.join(sorted(offered)[:20])}."
        yield block("locale-is-transcribed", f"The service has no {mode} transcription in {request.locale}.", fix)
    if facts.model and mode == "batch":
        features, name = facts.model.features, quote(facts.model.display_name)
        if features.get("supportsTranscriptionsSubmit", features.get("supportsTranscriptions")) is False:
            message = f"Model {name} does not support batch transcription."
            yield block("model-is-ready", message, "Deploy it, or use another model.")
        elif request.path:
            message = f"Model {name} does not support fast transcription of local files."
            yield block("model-is-ready", message, instead)
    if request.path and not version.is_dated:
        rule = "phrase-list-supported" if request.phrases else "fast-transcription-supported"
        message = f"API version {version.name} of resource {facts.speech.resource.name} has no fast transcription."
        yield block(rule, message, f"Configure api_version 2025-10-15. Or: {instead}")
    elif request.phrases and (mode == "batch" or not version.has_phrase_lists):
        why = "batch transcription takes no phrase list" if mode == "batch" else f"{version.name} has none"
        message = f"A phrase list works at recognition time, in real time and in fast transcription; {why}."
        fix = "Leave phrases out, or pass recordings as path, without model, where api_version is 2025-10-15."
        yield block("phrase-list-supported", message, fix)


def recordings_can_be_sent(facts: TranscriptionFacts) -> shared_rules.Findings:
    """Require at least one local recording that can be sent; warn about other recordings and unused text files."""
    if facts.local is None:
        return
    recordings, unused = facts.local.recordings, facts.local.unused_texts
    if wrong := {one.name: one.problem for one in recordings if one.problem}:
        is_length = any(one.problem and one.seconds for one in recordings)
        message = f"{len(wrong)} of {len(recordings)} recordings cannot be sent. {_named(wrong)}"
        state = block if len(wrong) == len(recordings) else warn
        fix = f"Leave them out or repair them. Long ones: {upload_step(facts)}"
        yield state("recording-length" if is_length else "data-is-valid", message, fix)
    if unused:
        message = f"{len(unused)} text file(s) next to the recordings do not count as transcripts."
        fix = "Correct that, or the word error rate is without them."
        yield warn("details-readable", f"{message} {_named(unused)}", fix)


RULES = (parts_can_be_transcribed, mode_is_supported, recordings_can_be_sent)


def _named(problems: Mapping[str, str]) -> str:
    more = [f"{len(problems) - MAX_NAMED} more."] if len(problems) > MAX_NAMED else []
    return " ".join([*(f"{quote(name)}: {why}." for name, why in [*problems.items()][:MAX_NAMED]), *more])


def upload_step(facts: TranscriptionFacts) -> str:
    """Return the step that uploads the recordings for a batch transcription."""
    path = facts.request.path
    if not path:
        return "Upload the recording as a dataset of kind AudioFiles, and pass that as dataset."
    step = call_step(
        "upload_dataset",
        display_name=f"{PurePosixPath(path).name} audio",
        locale=facts.request.locale,
        kind="AudioFiles",
        path=path,
        resource=facts.speech.resource.name,
    )
    return f"{step}, then transcribe with that dataset."


@dataclass(frozen=True, slots=True)
class TranscriptionPlan:
    """The plan of a transcription that passed the rules."""

    facts: TranscriptionFacts
    findings: tuple[Finding, ...]
    cost: str
    effect: Effect | None  # the charge, or None if it needs no agreement
    listed: Sequence[schemas.Transcription] | None  # batches of the same name, or None for fast transcription

    def confirmation_request(self) -> ConfirmationRequest:
        """Return the question to the user."""
        source = quote(self.facts.request.path or self.facts.source_name)
        return ConfirmationRequest(
            effects=(self.effect,) if self.effect else (),
            question=f"{self.cost} Transcribe {source} ({self.facts.request.locale})?",
            findings=self.findings,
            not_done="Nothing was transcribed.",
            declined="Leave it, or transcribe less audio.",
            scope=self.effect.digest if self.effect else None,
        )

    def fast_body(self) -> dict[str, JsonValue]:
        """Return the `definition` part of the body of Transcriptions_Transcribe."""
        facts = self.facts
        body: dict[str, JsonValue] = {"locales": [facts.request.locale]}
        if facts.phrases:
            body["phraseList"] = {"phrases": facts.phrases}
        if model := link_to(facts.speech, facts.model):
            body["models"] = {facts.request.locale: model["self"]}
        if facts.request.content_url:
            body["audioUrl"] = facts.request.content_url
        return body

    def batch_body(self) -> dict[str, JsonValue]:
        """Return the body of Transcriptions_Submit. Version 3.2 expects the lifetime as an ISO 8601 duration."""
        facts, url = self.facts, self.facts.request.content_url
        time_to_live: dict[str, JsonValue] = {"timeToLiveHours": LIFETIME_HOURS}
        if not facts.speech.resource.api_version.is_dated:
            time_to_live = {"timeToLive": f"PT{LIFETIME_HOURS}H"}
        return {
            "displayName": facts.display_name,
            "locale": facts.request.locale,
            "customProperties": {KEY_PROPERTY: facts.key},
            "properties": {"wordLevelTimestampsEnabled": True, **time_to_live},
            "model": link_to(facts.speech, facts.model),
            "dataset": link_to(facts.speech, facts.dataset),
            "contentUrls": [url] if url else None,
        }


async def plan_transcription(call: CallContext, request: TranscribeArguments) -> TranscriptionPlan:
    """Fetch the facts and return the plan; raises Refused with every finding if a rule blocks it."""
    facts = await gather_transcription_facts(call, request)
    findings = [*shared_rules.run_rules(RULES, facts)]
    if shared_rules.is_blocked(findings):
        raise Refused("Nothing was transcribed.", findings)
    listed, effect = None, None
    if facts.mode == "batch":
        found = await facts.speech.transcriptions_list(display_name=facts.display_name, locale=request.locale)
        listed = found.entities
        is_new = find_by_key(facts.key, [one for one in listed if one.status != "Failed"]) is None
    else:
        is_new = not facts.recordings or any(facts.result_key(one) not in facts.results for one in facts.recordings)
    seconds, cost = facts.seconds, _cost(facts)
    if is_new and seconds is not None and seconds <= SECONDS_WITHOUT_AGREEMENT:
        findings.append(warn("transcription-is-charged", cost, "Nothing has to be done."))
    elif is_new:
        findings.append(agreement_finding("transcription", call.app.confirmation, cost))
        length = f"{seconds / 3600:.1f} h" if seconds is not None else "unknown length"
        effect = Effect("transcription", facts.speech.resource, facts.key, (length,), cost)
    return TranscriptionPlan(facts, tuple(findings), cost, effect, listed)


def _cost(facts: TranscriptionFacts) -> str:
    """Return the statement about the charge and the length of the audio, which determines it."""
    seconds, resource = facts.seconds, facts.speech.resource
    length = "unknown" if seconds is None else f"{seconds / 3600:.2f} h"
    if facts.local and seconds is None:
        length += ", because not all of it is WAV"
    charge = charge_sentence(resource, "transcription", seconds / 3600) if seconds else ""
    details = f"It is billed by the length of the audio: {length}. {charge}"
    return charge_notice("Transcription", details, facts.speech)
