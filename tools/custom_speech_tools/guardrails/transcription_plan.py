"""The rules about what may be transcribed and how, and the plan of a transcription."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from custom_speech_data.dataset_kinds import AUDIO_KINDS
from custom_speech_tools.guardrails import shared_rules
from custom_speech_tools.guardrails.content_url import content_url_works
from custom_speech_tools.guardrails.local_recordings import LocalAudio
from custom_speech_tools.guardrails.transcription_facts import TranscribeArguments, TranscriptionFacts, read_facts
from custom_speech_tools.runtime.confirmation_policy import ConfirmationRequest, Effect, agreement_finding
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import find_by_key
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.speech import schemas
from custom_speech_tools.speech.sanitize import quote, word

MAX_NAMED = 10  # files that a finding names
SECONDS_WITHOUT_AGREEMENT = 1800.0  # more is charged only with agreement (design, rule transcription-is-charged)


def transcription_is_possible(facts: TranscriptionFacts) -> shared_rules.Findings:
    """Require everything that the service needs; the charge is stated elsewhere."""
    resource, request = facts.speech.resource, facts.request
    yield from shared_rules.parts_fit(resource, request.locale, *facts.missing, facts.model, facts.dataset)
    if url := request.content_url:
        yield from content_url_works(url, facts.now, is_emulated=facts.speech.is_emulated)
    if facts.dataset and facts.dataset.kind not in AUDIO_KINDS:
        message = f"Dataset {quote(facts.dataset.display_name)} is of kind {word(facts.dataset.kind)}."
        yield block("dataset-ready", message, "Name one with recordings: of kind Acoustic or AudioFiles.")
    elif facts.dataset:
        yield from shared_rules.dataset_is_ready(facts.dataset, resource.name)
    if facts.model:
        yield from shared_rules.model_is_ready(facts.model, facts.now, resource.name)
    yield from _way_is_open(facts)
    if facts.local:
        yield from _recordings_can_be_sent(facts, facts.local)


def _way_is_open(facts: TranscriptionFacts) -> shared_rules.Findings:
    """Require that fast or batch transcription exists for the API version, the locale, the model and the phrases."""
    request, way, version, instead = facts.request, facts.way, facts.speech.resource.api_version, facts.as_dataset()
    offered = (facts.locales.transcribe if way == "fast" else facts.locales.submit) if facts.locales else []
    if offered and request.locale.lower() not in {one.lower() for one in offered}:
        fix = instead if way == "fast" else f"It has {', '.join(sorted(offered)[:20])}."
        yield block("locale-is-transcribed", f"The service has no {way} transcription in {request.locale}.", fix)
    if facts.model and way == "batch":
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
    elif request.phrases and (way == "batch" or not version.has_phrase_lists):
        why = "batch transcription takes no phrase list" if way == "batch" else f"{version.name} has none"
        message = f"A phrase list works at recognition time, in real time and in fast transcription; {why}."
        fix = "Leave phrases out, or pass recordings as path, without model, where api_version is 2025-10-15."
        yield block("phrase-list-supported", message, fix)


def _recordings_can_be_sent(facts: TranscriptionFacts, local: LocalAudio) -> shared_rules.Findings:
    if wrong := {one.name: one.problem for one in local.recordings if one.problem}:
        is_length = any(one.problem and one.seconds for one in local.recordings)
        message = f"{len(wrong)} of {len(local.recordings)} recordings cannot be sent. {_named(wrong)}"
        state = block if len(wrong) == len(local.recordings) else warn
        fix = f"Leave them out or repair them. Long ones: {facts.as_dataset()}"
        yield state("recording-length" if is_length else "data-is-valid", message, fix)
    if local.unread:
        message = f"{len(local.unread)} text file(s) beside the recordings do not count as transcripts."
        fix = "Correct that, or the word error rate is without them."
        yield warn("details-readable", f"{message} {_named(local.unread)}", fix)


def _named(problems: Mapping[str, str]) -> str:
    more = [f"{len(problems) - MAX_NAMED} more."] if len(problems) > MAX_NAMED else []
    return " ".join([*(f"{quote(name)}: {why}." for name, why in [*problems.items()][:MAX_NAMED]), *more])


@dataclass(frozen=True, slots=True)
class TranscriptionPlan:
    """A transcription that nothing blocks."""

    facts: TranscriptionFacts
    findings: tuple[Finding, ...]
    effect: Effect | None  # the charge, None if nothing is charged or so little that nobody is asked
    listed: Sequence[schemas.Transcription] | None  # the batches of its name, None for fast transcription

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
            scope=self.effect.digest if self.effect else None,
        )

    @property
    def stated(self) -> list[Finding]:
        """The findings that the answer states: the agreement is there."""
        return shared_rules.after_agreement(self.findings)


async def plan_transcription(call: CallContext, request: TranscribeArguments) -> TranscriptionPlan:
    """Fetch the facts and check them; raises Refused with every finding if a rule blocks the transcription."""
    facts = await read_facts(call, request)
    findings = [*transcription_is_possible(facts)]
    if shared_rules.is_blocked(findings):
        raise Refused("Nothing was transcribed.", findings)
    listed, effect = None, None
    if facts.way == "batch":
        found = await facts.speech.transcriptions_list(display_name=facts.display_name, locale=request.locale)
        listed = found.entities
        is_new = find_by_key(facts.key, [one for one in listed if one.status != "Failed"]) is None
    else:
        is_new = not facts.recordings or any(facts.key_of(one) not in facts.results for one in facts.recordings)
    seconds, cost = facts.seconds, facts.cost()
    if is_new and seconds is not None and seconds <= SECONDS_WITHOUT_AGREEMENT:
        findings.append(warn("transcription-is-charged", cost, "Nothing has to be done."))
    elif is_new:
        findings.append(agreement_finding("transcription", call.app.confirmation, cost))
        length = f"{seconds / 3600:.1f} h" if seconds is not None else "unknown length"
        effect = Effect("transcription", facts.speech.resource, facts.key, (length,), cost)
    return TranscriptionPlan(facts, tuple(findings), effect, listed)
