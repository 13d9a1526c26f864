"""The results of transcriptions: texts read from files, drafts written, rates counted, and the answer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from pydantic import WithJsonSchema

from custom_speech_data.transcripts import Transcript, read_batch_result, word_error_rate
from custom_speech_tools.guardrails.transcription_audio import OutputFile
from custom_speech_tools.guardrails.transcription_plan import TranscriptionPlan
from custom_speech_tools.runtime.client_waits import suggested_wait
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.evaluation_details import read_transcripts
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.parts import present_reference, read_parts
from custom_speech_tools.runtime.polling import check_again_after, is_terminal, poll_until_terminal
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
from custom_speech_tools.speech.entities import EntityError
from custom_speech_tools.speech.sanitize import sanitize

NOT_RECOGNIZED = "The emulator recognizes only recordings that it has in an Acoustic dataset: upload the folder first."
MOST_ERRORS = 0.8

CORRECT = "Correct what `error` and `failed` name, then call transcribe again."
NO_ESTIMATE = "Batch transcription may wait half an hour before it starts; the service gives no estimate."

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
class Texts:
    """The texts of a transcription, the reasons for others that are missing, and the number of all if it is known."""

    read: Sequence[Transcript] = ()
    failed: Sequence[tuple[str, str]] = ()
    total: int | None = None

    @property
    def is_complete(self) -> bool:
        """True if every recording has a text or a reason."""
        return self.total == len(self.read) + len(self.failed)


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
    """Wait for a batch transcription and return it; drafts are written if it has succeeded."""
    job = await poll_until_terminal(call, job, speech.transcriptions_get, wait_seconds)
    texts = await _read_batch(speech, job) if is_terminal(job) else Texts()
    parts = await read_parts(speech, [job.model])
    here, now, said = speech.resource.name, call.now(speech), dict[str, str]()
    if job.status == "Succeeded" and job.dataset:
        transcripts = await read_transcripts(speech, job.dataset.id)
        said = {one.file: text for one in texts.read if (text := transcripts.of(one.file)) is not None}
    again = call_step("get_transcription", transcription=job.id, wait_seconds=suggested_wait(), resource=here)
    steps = [f"{again}. {NO_ESTIMATE}"]
    if is_terminal(job):
        steps = [CORRECT]
    return await _present(
        call,
        speech,
        texts,
        said,
        output,
        id=job.id,
        status=job.status,
        locale=job.locale,
        model=present_reference(job.model, parts),
        seconds=job.audio_seconds,
        error=job.error,
        already_existed=already_existed,
        findings=findings,
        again_after=None if is_terminal(job) else check_again_after(job.created_date_time, now),
        steps=steps,
    )


async def present_fast(
    call: CallContext, plan: TranscriptionPlan, texts: Texts, unanswered: Sequence[Finding] = ()
) -> Transcription:
    """Return what was recognized at once; drafts are written if every recording has a result or cannot have one.

    Args:
        unanswered: Why recordings have no result yet.
    """
    facts, model = plan.facts, plan.facts.model
    again = f"Call transcribe again with the same arguments: it goes on after {len(texts.read)} of {texts.total}."
    return await _present(
        call,
        facts.speech,
        texts,
        facts.local.said if facts.local else {},
        facts.output,
        id=None,
        status="Running" if not texts.is_complete else "Succeeded" if texts.read else "Failed",
        locale=facts.request.locale,
        model=EntityReference(id=model.id, display_name=model.display_name) if model else None,
        seconds=sum(one.seconds for one in facts.recordings),
        findings=[*plan.stated, *unanswered],
        again_after=None if texts.is_complete else 1,
        steps=[CORRECT if texts.is_complete else again],
    )


async def _present(
    call: CallContext,
    speech: Speech,
    texts: Texts,
    said: Mapping[str, str],
    output: OutputFile | None,
    *,
    id: str | None,  # noqa: A002  # the name of the field
    status: str,
    locale: str,
    model: EntityReference | None,
    seconds: float | None,
    findings: Sequence[Finding],
    again_after: int | None,
    steps: list[str],
    error: EntityError | None = None,
    already_existed: bool = False,
) -> Transcription:
    """Return the answer; `said` holds known transcripts, `steps` what comes next if it has not succeeded."""
    written = None
    if status == "Succeeded":
        written = await _write_drafts(texts, output)
        steps = _steps_after(written, locale, speech.resource.name)
    rate = await run_in_thread(partial(word_error_rate, texts.read, said, locale))
    most = MAX_TEXT if len(texts.read) == 1 else MAX_TEXT_OF_MANY
    return Transcription(
        **resource_fields(speech),
        id=id,
        status=status,
        locale=locale,
        model=model,
        done=len(texts.read),
        total=texts.total,
        files=[
            TranscribedFile(
                file=one.file, text=sanitize(one.text, most), confidence=one.confidence, unsure=list(one.unsure[:20])
            )
            for one in texts.read[:MAX_FILES]
        ],
        failed=[FailedFile(file=file, reason=reason) for file, reason in texts.failed[:MAX_FILES]],
        word_error_rate=rate,
        note=NOT_RECOGNIZED if speech.is_emulated and rate is not None and rate > MOST_ERRORS else None,
        audio_hours=None if seconds is None else round(seconds / 3600, 3),
        output=written,
        error=present_failure(error),
        already_existed=already_existed,
        findings=list(findings),
        now=call.now(speech),
        check_again_after_seconds=again_after,
        next_steps=steps,
    )


async def _read_batch(speech: Speech, job: schemas.Transcription) -> Texts:
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
    texts = [one for one in read if isinstance(one, Transcript)]
    return Texts(texts, failed, len(texts) + len(failed))


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


async def _write_drafts(texts: Texts, output: OutputFile | None) -> str | None:
    """Write the drafts and return the path of the file; raises Refused if that fails."""
    if output is None or not texts.read:
        return None
    try:
        await run_in_thread(partial(output.write, sorted(texts.read, key=lambda one: one.file)))
    except OSError as error:
        raise drafts_not_written(output, error) from None
    return str(output.path)


def drafts_not_written(output: OutputFile, error: OSError) -> Refused:
    """Return the refusal if a file cannot be written; the texts are not lost."""
    finding = Finding(
        rule="output-is-new",
        level="block",
        message=f"The drafts cannot be written to {output.path.name}: {error.strerror or type(error).__name__}.",
        fix="Name another file; what was transcribed is not transcribed again.",
    )
    return Refused("The drafts were not written.", [finding], "Call again with another output.")


def _steps_after(written: str | None, locale: str, here: str) -> list[str]:
    """Return what comes after the texts: correct the drafts, then use them."""
    if written is None:
        return ["Pass output with a new file name to keep all texts as drafts for upload_dataset."]
    return [
        f"Let a person correct {written}, first the words in the .unsure file beside it.",
        f'Then upload_dataset with kind="Acoustic", locale={json.dumps(locale)}, resource={json.dumps(here)} takes the '
        "folder that holds the recordings and this file.",
    ]
