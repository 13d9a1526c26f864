"""The results of transcriptions: texts read from files, drafts written, rates counted, and the answer."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Annotated

from pydantic import WithJsonSchema

from custom_speech_data.dataset_content import reason_of
from custom_speech_data.transcription_results import Transcript, read_batch_report, read_batch_result, word_error_rate
from custom_speech_tools.guardrails.entity_lookup import AnyModel
from custom_speech_tools.guardrails.evaluation_details import read_transcripts
from custom_speech_tools.guardrails.local_recordings import OutputFile
from custom_speech_tools.presenters.entity import present_reference
from custom_speech_tools.runtime import polling, results
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.idempotency import idempotency_key
from custom_speech_tools.runtime.next_steps import wait_step
from custom_speech_tools.runtime.related_entities import read_related_and_earlier
from custom_speech_tools.runtime.results import Finding, block, resource_fields, warn
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.sanitize import sanitize
from custom_speech_tools.speech.tasks_and_threads import gather, run_in_thread

NOT_RECOGNIZED = "The emulator recognizes only recordings that it has in an Acoustic dataset: upload the folder first."
MOST_ERRORS = 0.8  # a higher rate means that the emulator drew the words from the content

MAX_FILES = 20  # whose text is shown
MAX_TEXT, MAX_TEXT_OF_MANY = 12_000, 200  # characters of one recording, and of each of several; `output` has the rest


class TranscribedFile(results.Result):
    """One recording; `unsure` are words of low confidence."""

    file: results.ServiceText
    text: str
    confidence: results.Rate | None
    unsure: list[results.ServiceText]


class FailedFile(results.Result):
    """A recording without a text."""

    file: results.ServiceText
    reason: results.ServiceText


class Transcription(results.ResourceAnswer):
    """A transcription.

    `id` is null if the answer came at once; `total` counts the recordings, `done` those with text.
    """

    id: str | None
    status: results.ServiceText
    locale: results.ServiceText
    model: results.ReferenceField | None
    done: int
    total: int | None
    files: Annotated[list[TranscribedFile], WithJsonSchema({"type": "array"}, mode="serialization")]
    failed: Annotated[list[FailedFile], WithJsonSchema({"type": "array"}, mode="serialization")]
    word_error_rate: results.Rate | None
    audio_hours: float | None
    output: str | None
    error: results.FailureField | None
    already_existed: bool
    findings: results.Findings
    now: results.Moment
    check_again_after_seconds: int | None = results.optional()


async def present_transcription(
    call: CallContext,
    speech: Speech,
    locale: str,
    model: AnyModel | results.EntityReference | None,
    seconds: float | None,  # of audio, None if that is not known
    output: OutputFile | None,
    *,
    read: Sequence[Transcript] = (),
    failed: Sequence[tuple[str, str]] = (),  # recordings that can have no text, and why
    total: int | None = None,  # recordings, None if their number is not known
    said: Mapping[str, str] | None = None,  # transcripts that were known before, by recording
    findings: Sequence[Finding] = (),
    job: schemas.Transcription | None = None,  # the batch; None for fast transcription
    earlier: Sequence[schemas.StatefulEntity] = (),  # batches that tell how long it takes
    already_existed: bool = False,
) -> Transcription:
    """Return the answer; drafts are written if the transcription has succeeded."""
    status = "Succeeded" if read else "Failed"
    # Fast transcription is running until each recording has a text or a reason.
    if job or total != len(read) + len(failed):
        status = job.status if job else "Running"
    now, is_done = call.now(speech), status in polling.TERMINAL_STATUSES
    expected = polling.expected_seconds(earlier, is_emulated=speech.is_emulated)
    again = None if is_done else polling.check_again_after(job.created_date_time, now, expected) if job else 1
    written = await _write_drafts(call, output, read) if status == "Succeeded" else None
    rate, too_long = await run_in_thread(partial(word_error_rate, read, said or {}, locale))
    if too_long:
        message = f"{too_long} recording(s) are too long to be compared with their transcripts."
        findings = [*findings, warn("details-readable", message, "`word_error_rate` is that of the others.")]
    steps = [f"Call transcribe again with the same arguments: it goes on after {len(read)} of {total}."]
    if is_done:
        steps = _next_steps(status, written, locale, speech.resource.name)
    elif job:
        wait = wait_step("get_transcription", again, speech.resource.name, transcription=job.id)
        steps = [f"{wait}. Batch transcription may wait half an hour before it starts; the service gives no estimate."]
    most = MAX_TEXT if len(read) == 1 else MAX_TEXT_OF_MANY
    return Transcription(
        **resource_fields(speech),
        id=job.id if job else None,
        status=status,
        locale=locale,
        model=results.EntityReference.model_validate(model) if model else None,
        done=len(read),
        total=total,
        files=[
            TranscribedFile(
                file=one.file,
                text=sanitize(one.text, most),
                confidence=one.confidence,
                unsure=list(one.low_confidence[:20]),
            )
            for one in read[:MAX_FILES]
        ],
        failed=[FailedFile(file=file, reason=reason) for file, reason in failed[:MAX_FILES]],
        word_error_rate=rate,
        note=NOT_RECOGNIZED if speech.is_emulated and rate is not None and rate > MOST_ERRORS else None,
        audio_hours=None if seconds is None else round(seconds / 3600, 3),
        output=written,
        error=results.present_failure(job.error if job else None),
        already_existed=already_existed,
        findings=list(findings),
        now=now,
        check_again_after_seconds=again,
        next_steps=steps,
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
    job = await polling.poll_until_terminal(call, job, speech.transcriptions_get, wait_seconds)
    parts, earlier = await read_related_and_earlier(speech, job, [job.model, job.dataset])
    is_done = polling.is_terminal(job)
    read, failed = await _read_batch(speech, job) if is_done else ([], [])
    said, dataset = dict[str, str](), parts.get(job.dataset.id, job.dataset) if job.dataset else None
    if read and dataset and getattr(dataset, "kind", "Acoustic") == "Acoustic":  # the other kind has no transcripts
        transcripts = await read_transcripts(speech, dataset.id)
        said = {one.file: text for one in read if (text := transcripts.of(one.file)) is not None}
        if transcripts.problem:
            message = f"The transcripts of the dataset are not known: {transcripts.problem}."
            findings = [*findings, warn("details-readable", message, "`word_error_rate` is left out.")]
    return await present_transcription(
        call,
        speech,
        job.locale,
        present_reference(job.model, parts),
        job.audio_seconds,
        output,
        read=read,
        failed=failed,
        total=len(read) + len(failed) if is_done else None,
        said=said,
        findings=findings,
        job=job,
        earlier=earlier,
        already_existed=already_existed,
    )


async def _read_batch(speech: Speech, job: schemas.Transcription) -> tuple[list[Transcript], list[tuple[str, str]]]:
    """Return the text of each recording, and the reason for each that has none; raises SpeechError without a list."""
    files = await speech.transcriptions_list_files(job.id)
    kinds = ("TranscriptionReport", "Transcription")
    found = await gather(*(_read_file(speech, file) for file in files.entities if file.kind in kinds))
    read = [one for part in found for one in part if isinstance(one, Transcript)]
    failed = [one for part in found for one in part if not isinstance(one, Transcript)]
    if not files.complete:
        failed.append(("all others", f"the service lists more than the {len(files.entities)} files that are read"))
    return read, failed


async def _read_file(speech: Speech, file: schemas.File) -> Sequence[Transcript | tuple[str, str]]:
    """Return the text of a recording, or the names and reasons of recordings without one."""
    name = (file.name or "").removesuffix(".json")
    try:
        content = await speech.read_file("Transcriptions_GetFile", file)
    except SpeechError as error:
        return [(name, str(error))]
    found: Sequence[Transcript | tuple[str, str]] | None = None
    if file.kind == "TranscriptionReport":
        found = read_batch_report(content)
    elif (one := await run_in_thread(partial(read_batch_result, name, content))) is not None:
        found = [one]
    return [(name, "the file has another form than the documented one")] if found is None else found


async def _write_drafts(call: CallContext, output: OutputFile | None, read: Sequence[Transcript]) -> str | None:
    """Write the drafts, unless the same call at the same moment has; return their path, raise Refused if that fails."""
    if output is None or not read:
        return None
    transcripts = sorted(read, key=lambda one: one.file)
    key = idempotency_key("drafts", str(output.path), [one.to_json() for one in transcripts])
    write = partial(run_in_thread, partial(output.write, transcripts))
    try:
        return str(await call.app.idempotency.share_result(key, write, since=call.started))
    except OSError as error:
        raise drafts_not_written(output, error) from None


def drafts_not_written(output: OutputFile, error: OSError) -> Refused:
    """Return the refusal if a file cannot be written; the texts are not lost."""
    message = f"The drafts cannot be written to {output.path.name}: {reason_of(error)}."
    finding = block("output-is-new", message, "Name another file; what was transcribed is not transcribed again.")
    return Refused("The drafts were not written.", [finding], "Call again with another output.")


def _next_steps(status: str, written: str | None, locale: str, here: str) -> list[str]:
    """Return what comes after the end: a person who corrects the drafts, then their upload."""
    if status != "Succeeded":
        return ["Correct what `error` and `failed` name, then call transcribe again."]
    if written is None:
        return ["Pass output with a new file name to keep all texts as drafts for upload_dataset."]
    return [
        f"Let a person correct {written}, first the words in the .unsure file beside it, and then delete its first "
        "line; until then it does not count as transcripts.",
        f'Then upload_dataset with kind="Acoustic", locale={json.dumps(locale)}, resource={json.dumps(here)} '
        "takes the folder that holds the recordings and this file.",
    ]
