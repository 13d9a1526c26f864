"""The results of transcriptions: texts read from files, drafts written, rates counted, and the answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated

from pydantic import WithJsonSchema

from custom_speech_data.transcripts import Transcript, read_batch_result, word_error_rate
from custom_speech_tools.guardrails.transcription_audio import OutputFile
from custom_speech_tools.runtime.client_waits import suggested_wait
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.evaluation_details import Transcripts, read_transcripts
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.parts import present_reference, read_parts
from custom_speech_tools.runtime.polling import TERMINAL_STATUSES, check_again_after, is_terminal, poll_until_terminal
from custom_speech_tools.runtime.resources import resource_fields
from custom_speech_tools.runtime.results import (
    EntityReference,
    FailureField,
    Finding,
    Findings,
    Moment,
    Rate,
    ReferenceField,
    ResourceAnswer,
    Result,
    ServiceText,
    optional,
    present_failure,
)
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import gather, run_in_thread
from custom_speech_tools.speech.sanitize import sanitize

NOT_RECOGNIZED = "The emulator recognizes only recordings that it has in an Acoustic dataset: upload the folder first."
MOST_ERRORS = 0.8

MAX_RESULTS = 5_000

MAX_FILES = 20
"""Files whose text is shown."""

MAX_TEXT, MAX_TEXT_OF_MANY = 12_000, 200
"""Characters of the text of one recording, and of each of several; `output` has the rest."""


class TranscribedFile(Result):
    """One recording; `unsure` are words of low confidence."""

    file: ServiceText
    text: str
    confidence: Rate | None
    unsure: list[ServiceText]


class FailedFile(Result):
    """A recording without a text."""

    file: ServiceText
    reason: ServiceText


class Transcription(ResourceAnswer):
    """A transcription.

    `id` is null if the answer came at once; `total` counts the recordings, `done` those with text.
    """

    id: str | None
    status: ServiceText
    locale: ServiceText
    model: ReferenceField | None
    done: int
    total: int | None
    files: Annotated[list[TranscribedFile], WithJsonSchema({"type": "array"}, mode="serialization")]
    failed: Annotated[list[FailedFile], WithJsonSchema({"type": "array"}, mode="serialization")]
    word_error_rate: Rate | None
    audio_hours: float | None
    output: str | None
    error: FailureField | None
    already_existed: bool
    findings: Findings
    now: Moment
    check_again_after_seconds: int | None = optional()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a transcription so far.

    Attributes:
        seconds: The length of the audio; None if it is not known.
        output: Where drafts are written when it has succeeded.
        failed: Recordings that can have no text, and why.
        total: The number of recordings; None if it is not known.
        said: Transcripts that were known before, by recording.
        job: The batch; None for fast transcription.
    """

    locale: str
    model: EntityReference | None
    seconds: float | None
    output: OutputFile | None
    read: Sequence[Transcript] = ()
    failed: Sequence[tuple[str, str]] = ()
    total: int | None = None
    said: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    job: schemas.Transcription | None = None
    already_existed: bool = False

    @property
    def status(self) -> str:
        """The status of the job; without one it is running until each recording has a text or a reason."""
        if self.job:
            return self.job.status
        if self.total != len(self.read) + len(self.failed):
            return "Running"
        return "Succeeded" if self.read else "Failed"

    @property
    def is_done(self) -> bool:
        """True if the status is final."""
        return self.status in TERMINAL_STATUSES


async def present_transcription(call: CallContext, speech: Speech, outcome: Outcome) -> Transcription:
    """Return the answer; drafts are written if the transcription has succeeded."""
    job, now, is_done = outcome.job, call.now(speech), outcome.is_done
    written = await _write_drafts(call, outcome) if outcome.status == "Succeeded" else None
    rate = await run_in_thread(partial(word_error_rate, outcome.read, outcome.said, outcome.locale))
    most = MAX_TEXT if len(outcome.read) == 1 else MAX_TEXT_OF_MANY
    return Transcription(
        **resource_fields(speech),
        id=job.id if job else None,
        status=outcome.status,
        locale=outcome.locale,
        model=outcome.model,
        done=len(outcome.read),
        total=outcome.total,
        files=[
            TranscribedFile(
                file=one.file, text=sanitize(one.text, most), confidence=one.confidence, unsure=list(one.unsure[:20])
            )
            for one in outcome.read[:MAX_FILES]
        ],
        failed=[FailedFile(file=file, reason=reason) for file, reason in outcome.failed[:MAX_FILES]],
        word_error_rate=rate,
        note=NOT_RECOGNIZED if speech.is_emulated and rate is not None and rate > MOST_ERRORS else None,
        audio_hours=None if outcome.seconds is None else round(outcome.seconds / 3600, 3),
        output=written,
        error=present_failure(job.error if job else None),
        already_existed=outcome.already_existed,
        findings=list(outcome.findings),
        now=now,
        check_again_after_seconds=None if is_done else check_again_after(job.created_date_time, now) if job else 1,
        next_steps=_next_steps(outcome, written, speech.resource.name),
    )


async def finish_batch(
    call: CallContext,
    speech: Speech,
    job: schemas.Transcription,
    wait_seconds: int,
    output: OutputFile | None,
    *,
    already_existed: bool = False,
    findings: Sequence[Finding] = (),
) -> Transcription:
    """Wait for a batch transcription, and return it with its texts."""
    job = await poll_until_terminal(call, job, speech.transcriptions_get, wait_seconds)
    outcome = Outcome(
        job.locale,
        present_reference(job.model, await read_parts(speech, [job.model])),
        job.audio_seconds,
        output,
        findings=findings,
        job=job,
        already_existed=already_existed,
    )
    if is_terminal(job):
        read, failed = await _read_batch(speech, job)
        transcripts = await read_transcripts(speech, job.dataset.id) if job.dataset and read else Transcripts()
        said = {one.file: text for one in read if (text := transcripts.of(one.file)) is not None}
        outcome = replace(outcome, read=read, failed=failed, total=len(read) + len(failed), said=said)
    return await present_transcription(call, speech, outcome)


async def _read_batch(speech: Speech, job: schemas.Transcription) -> tuple[list[Transcript], list[tuple[str, str]]]:
    """Return the text of each recording, and the reason for each that has none.

    Raises:
        SpeechError: The files cannot be listed.
    """
    files = (await speech.transcriptions_list_files(job.id)).entities
    results = [file for file in files if file.kind == "Transcription" and file.name][:MAX_RESULTS]
    read = await gather(*(_read_result(speech, file) for file in results))
    report = next((file for file in files if file.kind == "TranscriptionReport"), None)
    failed = [] if report is None else await _read_failures(speech, report)
    failed += [one for one in read if not isinstance(one, Transcript)]
    return [one for one in read if isinstance(one, Transcript)], failed


async def _read_result(speech: Speech, file: schemas.File) -> Transcript | tuple[str, str]:
    name = (file.name or "").removesuffix(".json")
    try:
        content = await speech.read_file("Transcriptions_GetFile", file)
    except SpeechError as error:
        return name, str(error)
    found = await run_in_thread(partial(read_batch_result, name, content))
    return found or (name, "the file of its result has another form than the documented one")


async def _read_failures(speech: Speech, report: schemas.File) -> list[tuple[str, str]]:
    """Return what the report names as failed; the names of its fields are not documented everywhere."""
    try:
        details = json.loads(await speech.read_file("Transcriptions_GetFile", report))["details"]
        return [
            (str(one["sourceUrl"]).partition("?")[0].rpartition("/")[2], str(one.get("errorMessage") or one["status"]))
            for one in details
            if one["status"] != "Succeeded"
        ]
    except (SpeechError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return [("report", f"the report of the service cannot be read ({type(error).__name__})")]


async def _write_drafts(call: CallContext, outcome: Outcome) -> str | None:
    """Write the drafts, unless the same call at the same moment has; return their path, raise Refused if that fails."""
    output = outcome.output
    if output is None or not outcome.read:
        return None
    transcripts = sorted(outcome.read, key=lambda one: one.file)
    key = idempotency_key("drafts", str(output.path), [one.to_json() for one in transcripts])
    write = partial(run_in_thread, partial(output.write, transcripts))
    try:
        return str(await call.app.idempotency.share(key, write, since=call.started))
    except OSError as error:
        raise drafts_not_written(output, error) from None


def drafts_not_written(output: OutputFile, error: OSError) -> Refused:
    """Return the refusal if a file cannot be written; the texts are not lost."""
    finding = Finding(
        rule="output-is-new",
        level="block",
        message=f"The drafts cannot be written to {output.path.name}: {error.strerror or type(error).__name__}.",
        fix="Name another file; what was transcribed is not transcribed again.",
    )
    return Refused("The drafts were not written.", [finding], "Call again with another output.")


def _next_steps(outcome: Outcome, written: str | None, here: str) -> list[str]:
    """Return what comes next: the rest of the texts, then a person who corrects the drafts, then their upload."""
    if not outcome.is_done and outcome.job is None:
        done = f"{len(outcome.read)} of {outcome.total}"
        return [f"Call transcribe again with the same arguments: it goes on after {done}."]
    if not outcome.is_done and outcome.job:
        wait = suggested_wait()
        again = call_step("get_transcription", transcription=outcome.job.id, wait_seconds=wait, resource=here)
        return [f"{again}. Batch transcription may wait half an hour before it starts; the service gives no estimate."]
    if outcome.status != "Succeeded":
        return ["Correct what `error` and `failed` name, then call transcribe again."]
    if written is None:
        return ["Pass output with a new file name to keep all texts as drafts for upload_dataset."]
    return [
        f"Let a person correct {written}, first the words in the .unsure file beside it.",
        f'Then upload_dataset with kind="Acoustic", locale={json.dumps(outcome.locale)}, resource={json.dumps(here)} '
        "takes the folder that holds the recordings and this file.",
    ]
