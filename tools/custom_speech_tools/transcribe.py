"""transcribe: transcribe recordings with the base model, a custom model or a phrase list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from custom_speech_data.dataset_report import Unusable
from custom_speech_data.transcription_results import Transcript, transcript_of_phrases
from custom_speech_tools.guardrails.local_recordings import MAX_REMEMBERED, LocalAudio, Recording
from custom_speech_tools.guardrails.transcription_facts import TranscribeArguments
from custom_speech_tools.guardrails.transcription_plan import TranscriptionPlan, plan_transcription
from custom_speech_tools.presenters.transcription import (
    Transcription,
    drafts_not_written,
    finish_batch,
    present_transcription,
)
from custom_speech_tools.runtime.change_audit import AgreementUse, Decision
from custom_speech_tools.runtime.confirmation_flow import carry_out, confirmed_plan
from custom_speech_tools.runtime.confirmation_policy import Agreement
from custom_speech_tools.runtime.context import CallContext, add_to_cache
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.results import Finding, block, warn
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import AzureError, Speech, SpeechError, schemas
from custom_speech_tools.speech.sanitize import quote
from custom_speech_tools.speech.tasks_and_threads import gather, run_in_thread

CONCURRENT_RECORDINGS = 4

# Detailed codes (specification) if fast transcription takes no such model (perhaps no `models`) or recording.
MODEL_REFUSED = frozenset({"InvalidModel", "InvalidModelUri", "ModelMismatch", "InvalidPayload"})
FILE_REFUSED = frozenset({"AudioLengthLimitExceeded", "InvalidAudioFormat"})

# With less time left in a call no further recording is sent; the next call goes on. Longer recordings need a second for
# 15 seconds of audio (a guess; the article says 20).
_SECONDS_FOR_A_RECORDING, _SPEED = 16.0, 15.0


async def transcribe(arguments: TranscribeArguments, call: CallContext) -> Transcription:
    """Transcribe a recording, a folder, an uploaded dataset or an address; `output` writes draft transcripts.

    At once without a model; a custom model needs an uploaded dataset. With transcripts at hand the answer has the word
    error rate. Billed by the length of audio. Then get_transcription, or correct drafts.
    """
    plan, agreement = await confirmed_plan(call, arguments.confirm, lambda: plan_transcription(call, arguments))
    facts = plan.facts
    if facts.way == "batch":
        return await _batch(call, plan, agreement)
    if facts.local:
        return await _transcribe_files(call, plan, agreement, facts.local)
    try:
        return await _transcribe_address(call, plan, agreement)
    except AzureError as error:
        is_not_fast = error.status == 413 or error.inner_code in MODEL_REFUSED | FILE_REFUSED
        if facts.model is None or facts.phrases or not is_not_fast:
            raise
        message = f"The service refused fast transcription with model {quote(facts.model.display_name)}: {error}"
        refused = warn("fast-transcription-supported", message, "A batch was started instead.")
        return await _batch(call, plan, agreement, [refused])


async def _batch(
    call: CallContext, plan: TranscriptionPlan, agreement: Agreement, why: Sequence[Finding] = ()
) -> Transcription:
    """Create the job once, wait for it, and read its texts; `why` states that the service refused the fast way."""
    facts, speech = plan.facts, plan.facts.speech

    async def submit(how: AgreementUse) -> tuple[schemas.Transcription, bool]:
        writer = call.writer(speech, Decision(plan.findings, facts.key, how))
        return await call.app.idempotency.create_once(
            call,
            facts.key,
            lambda: writer.transcriptions_submit(facts.batch_definition(), facts.secrets),
            lambda: speech.transcriptions_list(display_name=facts.display_name, locale=facts.request.locale),
            known=plan.listed,
        )

    job, existed = await carry_out(call, agreement, plan.effect, submit)
    findings, wait = [*plan.stated, *why], facts.request.wait_seconds
    return await finish_batch(call, speech, job, wait, facts.output, already_existed=existed, findings=findings)


async def _transcribe_address(call: CallContext, plan: TranscriptionPlan, agreement: Agreement) -> Transcription:
    facts = plan.facts

    async def send(how: AgreementUse) -> schemas.FastTranscription:
        writer = call.writer(facts.speech, Decision(plan.findings, facts.key, how))
        make = partial(writer.transcriptions_transcribe, facts.fast_definition(), None, secrets=facts.secrets)
        return await call.app.idempotency.share_result(idempotency_key("fast", facts.key), make, since=call.started)

    answer = await carry_out(call, agreement, plan.effect, send)
    seconds = answer.duration_milliseconds / 1000 if answer.duration_milliseconds else None
    read = [_transcript(facts.display_name.removesuffix(" transcription"), answer)]
    locale, model, output = facts.request.locale, facts.model, facts.output
    return await present_transcription(
        call, facts.speech, locale, model, seconds, output, read=read, total=1, findings=plan.stated
    )


async def _transcribe_files(
    call: CallContext, plan: TranscriptionPlan, agreement: Agreement, local: LocalAudio
) -> Transcription:
    """Transcribe what has no result yet, four recordings at once, as far as the time of the call permits.

    An agreement to a folder is kept until each of its recordings has a result.
    """
    facts, effect, confirmation = plan.facts, plan.effect, call.app.confirmation
    keys = {one.name: facts.key_of(one) for one in facts.recordings}
    run = _FolderRun(call, plan, {key: facts.results[key] for key in keys.values() if key in facts.results})
    run.failed = {one.name: one.problem for one in local.recordings if one.problem}
    writer = call.writer(facts.speech, Decision(plan.findings, facts.key, agreement.require(effect)))
    unsent = iter({key: one for one in facts.recordings if (key := keys[one.name]) not in run.read}.items())
    await gather(*(run.work(writer, unsent) for _ in range(CONCURRENT_RECORDINGS)))
    findings = plan.stated
    if run.no_answer:
        name, error = next(iter(run.no_answer.items()))
        message = f"{len(run.no_answer)} recording(s) had no answer, the first one {quote(name)}: {error}"
        fix = "The same call sends these again; one whose answer was lost may be billed twice."
        findings.append(warn("transcription-is-charged", message, fix))
    total = len(local.recordings)
    # A file of the same content may have had another name.
    read = [replace(run.read[key], file=name) for name, key in keys.items() if key in run.read]
    if effect and len(read) + len(run.failed) == total:
        confirmation.remove_effect(agreement, effect, call.auditor.caller, call.app.now())
    elif effect:
        confirmation.store_agreement(agreement, call.auditor.caller, call.app.now())
    if run.refused:
        raise run.refused
    failed = list(run.failed.items())
    return await present_transcription(
        call,
        facts.speech,
        facts.request.locale,
        facts.model,
        facts.seconds,
        facts.output,
        read=read,
        failed=failed,
        total=total,
        said=local.said,
        findings=findings,
    )


@dataclass(slots=True)
class _FolderRun:
    """The recordings of one call: results by key, reasons by name for what cannot be transcribed or had no answer.

    After an answer that was lost no further recording is sent, because each may be billed; `refused` says why none can
    be sent.
    """

    call: CallContext
    plan: TranscriptionPlan
    read: dict[str, Transcript]
    failed: dict[str, str] = field(default_factory=dict)
    no_answer: dict[str, str] = field(default_factory=dict)
    refused: Refused | None = None

    async def work(self, writer: Speech, waiting: Iterator[tuple[str, Recording]]) -> None:
        """Transcribe one recording after the other."""
        total = len(self.plan.facts.recordings)
        for key, recording in waiting:
            needed = max(_SECONDS_FOR_A_RECORDING, recording.seconds / _SPEED)
            if self.no_answer or self.refused or self.call.seconds_left() < needed:
                return
            try:
                send = partial(self._send, writer, key, recording)
                self.read[key] = await self.call.app.idempotency.share_result(key, send, since=self.call.started)
            except (Unusable, SpeechError) as error:
                self._note_failure(recording.name, error)
            except Refused as error:
                self.refused = error  # raised when the recordings on their way have their texts
            else:
                await self.call.report_progress(f"Transcribed {len(self.read)} of {total}", len(self.read), total)

    async def _send(self, writer: Speech, key: str, recording: Recording) -> Transcript:
        facts = self.plan.facts
        answer = await writer.transcriptions_transcribe(facts.fast_definition(), recording.audio(), recording.name)
        transcript = _transcript(recording.name, answer)
        add_to_cache(self.call.app.transcribed, key, transcript, MAX_REMEMBERED)
        if facts.output:
            try:
                await run_in_thread(partial(facts.output.append, key, transcript))
            except OSError as error:
                self.refused = drafts_not_written(facts.output, error)
        return transcript

    def _note_failure(self, name: str, error: Unusable | SpeechError) -> None:
        """Note why a recording has no text; raise what concerns all of them."""
        if isinstance(error, Unusable):
            self.failed[name] = str(error)
        elif isinstance(error, AzureError) and error.status in (400, 413, 415, 422):
            self.failed[name] = str(error)
            if error.inner_code in MODEL_REFUSED and self.plan.facts.model and not self.read:
                message = f"The service refused fast transcription with this model: {error}"
                finding = block("fast-transcription-supported", message, self.plan.facts.as_dataset())
                self.refused = Refused("Nothing was transcribed.", [finding], "Transcribe a batch instead.")
        elif error.is_transient or error.outcome_unknown:
            self.no_answer[name] = str(error)
        else:
            raise error


def _transcript(name: str, answer: schemas.FastTranscription) -> Transcript:
    return transcript_of_phrases(name, ((phrase.text, phrase.confidence) for phrase in answer.phrases))


tool = declare(transcribe, "Transcribe recordings", Annotations.CREATE, "quality")
