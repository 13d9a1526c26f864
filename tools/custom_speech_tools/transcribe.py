"""transcribe: transcribe recordings with the base model, a custom model or a phrase list."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial

from custom_speech_data.dataset_report import Unusable
from custom_speech_data.transcription_results import Transcript, transcript_of_phrases
from custom_speech_tools.guardrails.content_url import secrets_of
from custom_speech_tools.guardrails.draft_transcripts import drafts_not_written
from custom_speech_tools.guardrails.local_recordings import MAX_CACHED, LocalRecordings, Recording
from custom_speech_tools.guardrails.shared_rules import after_agreement
from custom_speech_tools.guardrails.transcription_facts import TranscribeArguments
from custom_speech_tools.guardrails.transcription_plan import TranscriptionPlan, plan_transcription, upload_step
from custom_speech_tools.guardrails.transcription_report import TranscriptionReport, complete_report, follow_batch
from custom_speech_tools.presenters.transcription import Transcription, present_transcription
from custom_speech_tools.runtime.agreements import Agreement
from custom_speech_tools.runtime.change_control import AgreementUse, Decision
from custom_speech_tools.runtime.confirmation_flow import carry_out, confirmed_plan
from custom_speech_tools.runtime.context import CallContext, add_to_cache
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import AzureError, Speech, SpeechError, schemas
from custom_speech_tools.speech.sanitize import quote
from custom_speech_tools.speech.tasks_and_threads import gather, run_in_thread

CONCURRENT_RECORDINGS = 4

# The specification's detailed error codes for a model, or a recording, that fast transcription does not support.
MODEL_REFUSED = frozenset({"InvalidModel", "InvalidModelUri", "ModelMismatch", "InvalidPayload"})
FILE_REFUSED = frozenset({"AudioLengthLimitExceeded", "InvalidAudioFormat"})

# The seconds that must be left in a call to send a recording; the next call continues. A longer recording needs a
# second for 15 seconds of audio (a guess; the article says 20).
_SECONDS_FOR_A_RECORDING, _SPEED = 16.0, 15.0


async def transcribe(arguments: TranscribeArguments, call: CallContext) -> Transcription:
    """Transcribe a recording, a folder, an uploaded dataset or an address; `output` writes draft transcripts.

    Without a model the result comes at once; a custom model needs an uploaded dataset. With transcripts, it adds the
    word error rate. Billed by audio length. Then get_transcription, or correct drafts.
    """
    plan, agreement = await confirmed_plan(call, arguments.confirm, lambda: plan_transcription(call, arguments))
    facts = plan.facts
    if facts.mode == "batch":
        report = await _transcribe_batch(call, plan, agreement)
    elif facts.local:
        report = await _transcribe_recordings(call, plan, agreement, facts.local)
    else:
        report = await _transcribe_address(call, plan, agreement)
    report = replace(report, findings=[*after_agreement(plan.findings), *report.findings])
    return present_transcription(await complete_report(call, report, facts.output), call.now(facts.speech))


async def _transcribe_batch(call: CallContext, plan: TranscriptionPlan, agreement: Agreement) -> TranscriptionReport:
    """Create the batch transcription once, and wait for it."""
    facts, speech = plan.facts, plan.facts.speech

    async def submit(how: AgreementUse) -> tuple[schemas.Transcription, bool]:
        writer = call.writer(speech, Decision(plan.findings, facts.key, how))
        return await call.app.idempotency.create_once(
            call,
            facts.key,
            lambda: writer.transcriptions_submit(plan.batch_body(), secrets_of(facts.request.content_url)),
            lambda: speech.transcriptions_list(display_name=facts.display_name, locale=facts.request.locale),
            known=plan.listed,
        )

    batch, existed = await carry_out(call, agreement, plan.effect, submit)
    return replace(await follow_batch(call, speech, batch, facts.request.wait_seconds), already_existed=existed)


async def _transcribe_address(call: CallContext, plan: TranscriptionPlan, agreement: Agreement) -> TranscriptionReport:
    """Transcribe the recording at a URL, as a batch if fast transcription refuses the model or the recording."""
    facts = plan.facts

    async def send(how: AgreementUse) -> schemas.FastTranscription:
        writer = call.writer(facts.speech, Decision(plan.findings, facts.key, how))
        secrets = secrets_of(facts.request.content_url)
        make = partial(writer.transcriptions_transcribe, plan.fast_body(), None, secrets=secrets)
        return await call.app.idempotency.share_result(idempotency_key("fast", facts.key), make, since=call.started)

    try:
        answer = await carry_out(call, agreement, plan.effect, send)
    except AzureError as error:
        is_not_fast = error.status == 413 or error.inner_code in MODEL_REFUSED | FILE_REFUSED
        if facts.model is None or facts.phrases or not is_not_fast:
            raise
        message = f"The service refused fast transcription with model {quote(facts.model.display_name)}: {error}"
        refused = warn("fast-transcription-supported", message, "A batch was started instead.")
        report = await _transcribe_batch(call, plan, agreement)
        return replace(report, findings=[refused, *report.findings])
    return TranscriptionReport(
        facts.speech,
        facts.request.locale,
        facts.model,
        answer.duration_milliseconds / 1000 if answer.duration_milliseconds else None,
        [_transcript(facts.source_name, answer)],
        total=1,
    )


async def _transcribe_recordings(
    call: CallContext, plan: TranscriptionPlan, agreement: Agreement, local: LocalRecordings
) -> TranscriptionReport:
    """Transcribe the recordings that have no transcript, four at a time, until the call must end.

    The agreement is stored until each recording has a transcript or has failed.
    """
    facts, effect, confirmation = plan.facts, plan.effect, call.app.confirmation
    keys = {one.name: facts.result_key(one) for one in facts.recordings}
    known = {key: facts.results[key] for key in keys.values() if key in facts.results}
    sender = _RecordingSender(call, plan, known, {one.name: one.problem for one in local.recordings if one.problem})
    writer = call.writer(facts.speech, Decision(plan.findings, facts.key, agreement.require(effect)))
    unsent = iter({key: one for one in facts.recordings if (key := keys[one.name]) not in known}.items())
    await gather(*(sender.send_all(writer, unsent) for _ in range(CONCURRENT_RECORDINGS)))
    findings, total = list[Finding](), len(local.recordings)
    if sender.no_answer:
        name, error = next(iter(sender.no_answer.items()))
        message = f"{len(sender.no_answer)} recording(s) had no answer, the first one {quote(name)}: {error}"
        fix = "The same call sends these again; one whose answer was lost may be billed twice."
        findings.append(warn("transcription-is-charged", message, fix))
    # A recording with the same content may have been transcribed under another name.
    read = [replace(sender.read[key], file=name) for name, key in keys.items() if key in sender.read]
    if effect and len(read) + len(sender.failed) == total:
        confirmation.remove_effect(agreement, effect, call.auditor.caller, call.app.now())
    elif effect:
        confirmation.store_agreement(agreement, call.auditor.caller, call.app.now())
    if sender.refused:
        raise sender.refused
    return TranscriptionReport(
        facts.speech,
        facts.request.locale,
        facts.model,
        facts.seconds,
        read,
        failed=list(sender.failed.items()),
        total=total,
        references=local.references,
        findings=findings,
    )


@dataclass(slots=True)
class _RecordingSender:
    """Sends recordings for fast transcription. It stops after a lost answer, because each request may be billed."""

    call: CallContext
    plan: TranscriptionPlan
    read: dict[str, Transcript]  # transcripts by idempotency key
    failed: dict[str, str]  # reasons by name, for recordings that cannot be transcribed
    no_answer: dict[str, str] = field(default_factory=dict)  # reasons by name
    refused: Refused | None = None  # why no recording can be sent

    async def send_all(self, writer: Speech, unsent: Iterator[tuple[str, Recording]]) -> None:
        """Send the recordings one by one; concurrent senders share the iterator."""
        total = len(self.plan.facts.recordings)
        for key, recording in unsent:
            needed = max(_SECONDS_FOR_A_RECORDING, recording.seconds / _SPEED)
            if self.no_answer or self.refused or self.call.seconds_left() < needed:
                return
            try:
                send = partial(self._send, writer, key, recording)
                self.read[key] = await self.call.app.idempotency.share_result(key, send, since=self.call.started)
            except (Unusable, SpeechError) as error:
                self._handle_failure(recording.name, error)
            except Refused as error:
                self.refused = error  # raised after the concurrent requests have ended
            else:
                await self.call.report_progress(f"Transcribed {len(self.read)} of {total}", len(self.read), total)

    async def _send(self, writer: Speech, key: str, recording: Recording) -> Transcript:
        """Send a recording, and store its transcript in memory and in the partial file."""
        output = self.plan.facts.output
        answer = await writer.transcriptions_transcribe(self.plan.fast_body(), recording.audio(), recording.name)
        transcript = _transcript(recording.name, answer)
        add_to_cache(self.call.app.transcribed, key, transcript, MAX_CACHED)
        if output:
            try:
                await run_in_thread(partial(output.append, key, transcript))
            except OSError as error:
                self.refused = drafts_not_written(output, error)
        return transcript

    def _handle_failure(self, name: str, error: Unusable | SpeechError) -> None:
        """Record why a recording has no transcript, or raise an error that concerns all recordings."""
        if isinstance(error, Unusable):
            self.failed[name] = str(error)
        elif isinstance(error, AzureError) and error.status in (400, 413, 415, 422):
            self.failed[name] = str(error)
            if error.inner_code in MODEL_REFUSED and self.plan.facts.model and not self.read:
                message = f"The service refused fast transcription with this model: {error}"
                finding = block("fast-transcription-supported", message, upload_step(self.plan.facts))
                self.refused = Refused("Nothing was transcribed.", [finding], "Transcribe a batch instead.")
        elif error.is_transient or error.outcome_unknown:
            self.no_answer[name] = str(error)
        else:
            raise error


def _transcript(name: str, answer: schemas.FastTranscription) -> Transcript:
    return transcript_of_phrases(name, ((phrase.text, phrase.confidence) for phrase in answer.phrases))


tool = declare(transcribe, "Transcribe recordings", Annotations.CREATE, "quality")
