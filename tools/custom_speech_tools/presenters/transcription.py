"""Transcription results: the texts, the failed recordings and the next steps."""

import json
from datetime import datetime
from typing import Annotated

from pydantic import WithJsonSchema

from custom_speech_tools.guardrails.transcription_report import TranscriptionReport
from custom_speech_tools.runtime import polling, results
from custom_speech_tools.runtime.next_steps import wait_step
from custom_speech_tools.speech.sanitize import sanitize

NOT_RECOGNIZED = "The emulator recognizes only recordings that it has in an Acoustic dataset: upload the folder first."
MAX_ERRORS = 0.8  # of an emulated transcription; a higher rate shows that the emulator invented the text

MAX_FILES = 20  # whose text is shown
MAX_TEXT, MAX_TEXT_OF_MANY = 12_000, 200  # characters of one recording, and of each of several; `output` has the rest


class TranscribedFile(results.Result):
    """A recording with its text. `unsure` lists words of low confidence."""

    file: results.ServiceText
    text: str
    confidence: results.Rate | None
    unsure: list[results.ServiceText]


class FailedFile(results.Result):
    """A recording without a text, and the reason."""

    file: results.ServiceText
    reason: results.ServiceText


class Transcription(results.ResourceAnswer):
    """A transcription. `done` counts the recordings with a text, `total` all of them.

    Fast transcription creates no entity, so its `id` is null.
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


def present_transcription(report: TranscriptionReport, now: datetime) -> Transcription:
    """Return the state of a transcription with the first texts."""
    batch, read, speech = report.batch, report.transcripts, report.speech
    rate, model, most = report.word_error_rate, report.model, MAX_TEXT if len(read) == 1 else MAX_TEXT_OF_MANY
    model_name = getattr(model, "display_name", None)  # None for a reference that could not be read
    expected = polling.expected_seconds(report.earlier, is_emulated=speech.is_emulated)
    again = None
    if report.status not in polling.TERMINAL_STATUSES:
        again = polling.check_again_after(batch.created_date_time, now, expected) if batch else 1
    return Transcription(
        **results.resource_fields(speech),
        id=batch.id if batch else None,
        status=report.status,
        locale=report.locale,
        model=results.EntityReference(id=model.id, display_name=model_name) if model else None,
        done=len(read),
        total=report.total,
        files=[
            TranscribedFile(
                file=one.file,
                text=sanitize(one.text, most),
                confidence=one.confidence,
                unsure=list(one.low_confidence[:20]),
            )
            for one in read[:MAX_FILES]
        ],
        failed=[FailedFile(file=file, reason=reason) for file, reason in report.failed[:MAX_FILES]],
        word_error_rate=rate,
        note=NOT_RECOGNIZED if speech.is_emulated and rate is not None and rate > MAX_ERRORS else None,
        audio_hours=None if report.seconds is None else round(report.seconds / 3600, 3),
        output=str(report.drafts) if report.drafts else None,
        error=results.present_failure(batch.error if batch else None),
        already_existed=report.already_existed,
        findings=list(report.findings),
        now=now,
        check_again_after_seconds=again,
        next_steps=_next_steps(report, again),
    )


def _next_steps(report: TranscriptionReport, again: int | None) -> list[str]:
    """Return how to wait for the transcription, or how to correct and upload its drafts."""
    batch, resource = report.batch, report.speech.resource.name
    if report.status not in polling.TERMINAL_STATUSES:
        if batch is None:
            done = f"{len(report.transcripts)} of {report.total}"
            return [f"Call transcribe again with the same arguments: it continues after {done}."]
        wait = wait_step("get_transcription", again, resource, transcription=batch.id)
        return [f"{wait}. Batch transcription may wait half an hour before it starts; the service gives no estimate."]
    if report.status != "Succeeded":
        return ["Correct what `error` and `failed` name, then call transcribe again."]
    if report.drafts is None:
        return ["Pass output with a new file name to keep all texts as drafts for upload_dataset."]
    return [
        f"Let a person correct {report.drafts}, first the words in the .unsure file next to it, and then delete its "
        "first line; until then it does not count as transcripts.",
        f'Then upload_dataset with kind="Acoustic", locale={json.dumps(report.locale)}, '
        f"resource={json.dumps(resource)} takes the folder that contains the recordings and this file.",
    ]
