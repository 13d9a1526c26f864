"""transcribe: transcribe recordings with the base model, a custom model or a phrase list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated
from urllib.parse import urlsplit

import pydantic
from pydantic import Field, StringConstraints

from custom_speech_data.transcripts import Transcript, transcript_of_phrases
from custom_speech_tools.guardrails.batch_results import read_batch
from custom_speech_tools.guardrails.transcription_audio import LocalAudio, OutputFile, Recording
from custom_speech_tools.guardrails.transcription_end import present_batch, present_fast
from custom_speech_tools.guardrails.transcription_plan import TranscriptionPlan, plan_transcription
from custom_speech_tools.guardrails.transcription_rules import TranscriptionRequest, model_is_refused
from custom_speech_tools.runtime.agreement import Agreement
from custom_speech_tools.runtime.auditing import Decision
from custom_speech_tools.runtime.confirmation import carry_out, confirmed_plan
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.parameters import (
    Arguments,
    Confirm,
    Identifier,
    Locale,
    OptionalModel,
    Output,
    ResourceName,
    ShortText,
    WaitSeconds,
)
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.presenters.transcription import Transcription, Transcripts
from custom_speech_tools.runtime.results import Finding
from custom_speech_tools.runtime.tool import Annotations, declare
from custom_speech_tools.speech import AzureError, Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import run_in_thread, task_group
from custom_speech_tools.speech.sanitize import quote

CONCURRENT_RECORDINGS = 4

MAX_REMEMBERED = 20_000
"""Results that a process remembers."""

_SECONDS_FOR_A_RECORDING, _SPEED = 16.0, 15.0
"""With less time left in a call no further recording is sent; the next call goes on. Longer ones need a second for 15
seconds of audio (a guess; the article says 20)."""

_Path = Annotated[str, StringConstraints(max_length=4096)]


class TranscribeArguments(Arguments):
    """The arguments of transcribe."""

    locale: Locale
    path: Annotated[_Path | None, Field(description="Local recording, or folder of recordings")] = None
    dataset: Annotated[Identifier | None, Field(description="Or an uploaded dataset with audio")] = None
    content_url: Annotated[_Path | None, Field(description="Or an address that Azure reads")] = None
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
        parts = urlsplit(self.content_url or "https://x")
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
            raise ValueError("content_url must be an https address without user name")
        return self


async def transcribe(arguments: TranscribeArguments, call: CallContext) -> Transcription:
    """Transcribe a recording, a folder, an uploaded dataset or an address; `output` writes draft transcripts.

    At once without a model; a custom model needs an uploaded dataset. With transcripts at hand the answer has the word
    error rate. Billed by the length of audio. Then upload_dataset, or get_transcription.
    """
    request = TranscriptionRequest(
        arguments.path,
        arguments.dataset,
        arguments.content_url,
        arguments.locale,
        arguments.model,
        tuple(dict.fromkeys(arguments.phrases or ())),
        arguments.output,
        arguments.resource,
    )
    done = call.app.transcribed
    plan, agreement = await confirmed_plan(
        call, arguments.confirm, lambda: plan_transcription(call, request, frozenset(done))
    )
    facts, agreement = plan.facts, plan.kept.joined(agreement)
    if facts.way == "batch":
        return await _batch(call, plan, agreement, arguments.wait_seconds)
    try:
        if isinstance(facts.local, LocalAudio):
            return await _transcribe_files(call, plan, agreement, facts.local)
        return await _transcribe_address(call, plan, agreement)
    except AzureError as error:
        if plan.model is None or not 400 <= error.status < 500 or facts.request.path:
            raise
        message = f"The service refused fast transcription with model {quote(plan.model.display_name)}: {error}"
        refused = Finding(
            rule="fast-transcription-supported", level="warn", message=message, fix="A batch was started instead."
        )
        return await _batch(call, plan, agreement, arguments.wait_seconds, [refused])


async def _batch(
    call: CallContext, plan: TranscriptionPlan, agreement: Agreement, wait_seconds: int, why: Sequence[Finding] = ()
) -> Transcription:
    """Create the job once, wait for it, and read its texts.

    Args:
        why: Why it is a batch, if the service refused the fast way.
    """
    speech, name = plan.facts.speech, plan.display_name

    async def submit(how: str) -> tuple[schemas.Transcription, bool]:
        if plan.existing is not None:
            return plan.existing, True
        writer = call.writer(speech, Decision(plan.findings, plan.key, how))
        return await call.app.idempotency.create_once(
            call,
            plan.key,
            lambda: writer.transcriptions_submit(plan.batch_definition(), plan.secrets),
            lambda: speech.transcriptions_list(display_name=name, locale=plan.facts.request.locale),
            read_at=plan.read_at,
        )

    first, existed = await carry_out(call, agreement, plan.effect, submit)
    last = await poll_until_terminal(call, first, lambda: speech.transcriptions_get(first.id), wait_seconds)
    texts = await read_batch(speech, last) if is_terminal(last) else Transcripts()
    output = plan.facts.output if isinstance(plan.facts.output, OutputFile) else None
    findings = [finding for finding in (*plan.findings, *why) if finding.level != "confirm"]
    return await present_batch(call, speech, last, texts, output, already_existed=existed, findings=findings)


async def _transcribe_address(call: CallContext, plan: TranscriptionPlan, agreement: Agreement) -> Transcription:
    async def send(how: str) -> schemas.FastTranscription:
        writer = call.writer(plan.facts.speech, Decision(plan.findings, plan.key, how))
        return await writer.transcriptions_transcribe(plan.fast_definition(), None, plan.secrets)

    answer = await carry_out(call, agreement, plan.effect, send)
    texts = Transcripts([_transcript(plan.display_name.removesuffix(" transcription"), answer)], (), 1)
    output = plan.facts.output if isinstance(plan.facts.output, OutputFile) else None
    return await present_fast(call, plan, texts, {}, output)


async def _transcribe_files(
    call: CallContext, plan: TranscriptionPlan, agreement: Agreement, local: LocalAudio
) -> Transcription:
    """Transcribe what has no result yet, four recordings at once, as far as the time of the call permits.

    An agreement to a folder is kept until each of its recordings has a result.
    """
    facts, effect = plan.facts, plan.effect
    output = facts.output if isinstance(facts.output, OutputFile) else None
    kept = await run_in_thread(output.read_partial) if output else {}
    results = call.app.transcribed | kept
    waiting = [one for one in facts.recordings if facts.key_of(one) not in results]
    total = len(facts.recordings)
    run = _FolderRun(call, plan, output, results, total - len(waiting), total)
    run.failed = {one.name: one.problem for one in local.recordings if one.problem}
    writer = call.writer(facts.speech, Decision(plan.findings, plan.key, agreement.cover(effect)))
    unsent = iter(waiting)
    async with task_group() as tasks:
        for _ in range(CONCURRENT_RECORDINGS):
            tasks.create_task(run.work(writer, unsent))
    if run.refused is not None:
        raise Refused("Nothing was transcribed.", [model_is_refused(facts, run.refused)], "Transcribe a batch instead.")
    read = [run.results[key] for one in facts.recordings if (key := facts.key_of(one)) in run.results]
    texts = Transcripts(read, list(run.failed.items()), len(local.recordings))
    if effect and texts.total == len(read) + len(run.failed):
        call.app.confirmation.forget(effect, call.caller)
    elif effect:
        call.app.confirmation.keep(agreement, call.caller, call.app.now())
    return await present_fast(call, plan, texts, local.said, output, run.unanswered())


@dataclass(slots=True)
class _FolderRun:
    """The recordings of one call: results by key, reasons by name for what cannot be transcribed or had no answer.

    After an answer that was lost no further recording is sent, because each may be billed; `refused` is why the service
    does not take the model.
    """

    call: CallContext
    plan: TranscriptionPlan
    output: OutputFile | None
    results: dict[str, Transcript]
    done: int
    total: int
    failed: dict[str, str] = field(default_factory=dict)
    no_answer: dict[str, str] = field(default_factory=dict)
    refused: str | None = None

    async def work(self, writer: Speech, waiting: Iterator[Recording]) -> None:
        """Transcribe one recording after the other."""
        for recording in waiting:
            needed = max(_SECONDS_FOR_A_RECORDING, recording.seconds / _SPEED)
            if self.no_answer or self.refused or self.call.seconds_left() < needed:
                return
            try:
                answer = await writer.transcriptions_transcribe(self.plan.fast_definition(), recording.audio())
            except SpeechError as error:
                is_refused = isinstance(error, AzureError) and error.status in (400, 413, 415, 422)
                if is_refused and self.plan.model and not self.results:
                    self.refused = str(error)
                elif is_refused:
                    self.failed[recording.name] = str(error)
                elif error.is_transient or error.outcome_unknown:
                    self.no_answer[recording.name] = str(error)
                else:
                    raise
            else:
                await self._keep(recording, _transcript(recording.name, answer))

    async def _keep(self, recording: Recording, transcript: Transcript) -> None:
        key = self.plan.facts.key_of(recording)
        self.results[key] = transcript
        remembered = self.call.app.transcribed
        while len(remembered) >= MAX_REMEMBERED:
            del remembered[next(iter(remembered))]
        remembered[key] = transcript
        if self.output:
            await run_in_thread(partial(self.output.append, key, transcript))
        self.done += 1
        await self.call.report_progress(f"Transcribed {self.done} of {self.total}", self.done, self.total)

    def unanswered(self) -> list[Finding]:
        """Return a warning about what had no answer; its audio may be billed although no text came."""
        if not self.no_answer:
            return []
        name, error = next(iter(self.no_answer.items()))
        return [
            Finding(
                rule="transcription-is-charged",
                level="warn",
                message=f"{len(self.no_answer)} recording(s) had no answer, the first one {quote(name)}: {error}",
                fix="The same call sends these again; one whose answer was lost may be billed twice.",
            )
        ]


def _transcript(name: str, answer: schemas.FastTranscription) -> Transcript:
    return transcript_of_phrases(name, ((phrase.text, phrase.confidence) for phrase in answer.phrases))


tool = declare(transcribe, "Transcribe recordings", Annotations.CREATE, "quality")
