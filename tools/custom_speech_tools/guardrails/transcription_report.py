"""The results of transcriptions: transcripts, failed recordings, word error rates and draft files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from custom_speech_data.transcription_results import Transcript, read_batch_report, read_batch_result, word_error_rate
from custom_speech_tools.guardrails.draft_transcripts import DraftFile, write_drafts
from custom_speech_tools.guardrails.evaluation_details import read_transcripts
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.polling import is_terminal, poll_until_terminal
from custom_speech_tools.runtime.related_entities import read_related_and_earlier
from custom_speech_tools.runtime.results import Finding, warn
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.tasks_and_threads import gather, run_in_thread


@dataclass(frozen=True, slots=True)
class TranscriptionReport:
    """The state of a transcription, with the transcripts so far."""

    speech: Speech
    locale: str
    model: schemas.Entity | schemas.Reference | None  # a Reference if the model could not be read
    seconds: float | None  # of audio, or None if unknown
    transcripts: Sequence[Transcript] = ()
    failed: Sequence[tuple[str, str]] = ()  # names of recordings without a transcript, and the reasons
    total: int | None = None  # number of recordings, or None if unknown
    references: Mapping[str, str] = field(default_factory=dict)  # known transcripts, by recording
    findings: Sequence[Finding] = ()
    batch: schemas.Transcription | None = None  # None for fast transcription
    earlier: Sequence[schemas.StatefulEntity] = ()  # similar batches, from which the duration is estimated
    already_existed: bool = False
    word_error_rate: float | None = None
    drafts: Path | None = None  # the file that was written

    @property
    def status(self) -> str:
        """The status. A fast transcription runs until every recording has a transcript or has failed."""
        if self.batch:
            return self.batch.status
        is_complete = self.total == len(self.transcripts) + len(self.failed)
        return "Running" if not is_complete else "Succeeded" if self.transcripts else "Failed"


async def complete_report(
    call: CallContext, report: TranscriptionReport, output: DraftFile | None
) -> TranscriptionReport:
    """Return the report with its word error rate, and write the drafts if the transcription has succeeded."""
    transcripts = report.transcripts
    is_written = output and transcripts and report.status == "Succeeded"
    drafts = await write_drafts(call, output, transcripts) if output and is_written else None
    rate, too_long = await run_in_thread(partial(word_error_rate, transcripts, report.references, report.locale))
    findings = [*report.findings]
    if too_long:
        message = f"{too_long} recording(s) are too long to be compared with their transcripts."
        findings.append(warn("details-readable", message, "`word_error_rate` is about the other recordings."))
    return replace(report, word_error_rate=rate, drafts=drafts, findings=findings)


async def follow_batch(
    call: CallContext, speech: Speech, batch: schemas.Transcription, wait_seconds: int
) -> TranscriptionReport:
    """Wait for a batch transcription, and return a report with its transcripts."""
    batch = await poll_until_terminal(call, batch, speech.transcriptions_get, wait_seconds)
    related, earlier = await read_related_and_earlier(speech, batch, [batch.model, batch.dataset])
    model = related.get(batch.model.id, batch.model) if batch.model else None
    report = TranscriptionReport(speech, batch.locale, model, batch.audio_seconds, batch=batch, earlier=earlier)
    if not is_terminal(batch):
        return report
    files = await speech.transcriptions_list_files(batch.id)
    kinds = ("TranscriptionReport", "Transcription")
    read = await gather(*(_read_file(speech, file) for file in files.entities if file.kind in kinds))
    transcripts = [one for part in read for one in part if isinstance(one, Transcript)]
    failed = [one for part in read for one in part if not isinstance(one, Transcript)]
    if not files.complete:
        failed.append(("all others", f"the service lists more than the {len(files.entities)} files that are read"))
    report = replace(report, transcripts=transcripts, failed=failed, total=len(transcripts) + len(failed))
    dataset = related.get(batch.dataset.id, batch.dataset) if batch.dataset else None
    if not transcripts or dataset is None or getattr(dataset, "kind", "Acoustic") != "Acoustic":
        return report  # datasets of other kinds have no transcripts
    known = await read_transcripts(speech, dataset.id)
    references = {one.file: text for one in transcripts if (text := known.of(one.file)) is not None}
    problem = f"The transcripts of the dataset are not known: {known.problem}."
    findings = [warn("details-readable", problem, "`word_error_rate` is left out.")] if known.problem else []
    return replace(report, references=references, findings=findings)


async def _read_file(speech: Speech, file: schemas.File) -> Sequence[Transcript | tuple[str, str]]:
    """Return the transcript of a recording, or the names and reasons of recordings without a transcript."""
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
