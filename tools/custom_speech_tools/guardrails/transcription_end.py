"""The end of a transcription: drafts written, rates counted, and the answer."""

import json
from collections.abc import Mapping, Sequence
from functools import partial

from custom_speech_data.transcripts import word_error_rate
from custom_speech_tools.guardrails.transcription_audio import OutputFile
from custom_speech_tools.guardrails.transcription_plan import TranscriptionPlan
from custom_speech_tools.runtime.client_waits import suggested_wait
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.errors import Refused
from custom_speech_tools.runtime.evaluation_details import read_transcripts
from custom_speech_tools.runtime.next_steps import call_step
from custom_speech_tools.runtime.polling import check_again_after, is_terminal
from custom_speech_tools.runtime.presenters.references import load_references, present_reference
from custom_speech_tools.runtime.presenters.transcription import Transcription, Transcripts
from custom_speech_tools.runtime.resources import resource_fields
from custom_speech_tools.runtime.results import EntityReference, Finding, present_failure
from custom_speech_tools.speech import Speech, schemas
from custom_speech_tools.speech.concurrency import run_in_thread

NOT_RECOGNIZED = "The emulator recognizes only recordings that it has in an Acoustic dataset: upload the folder first."
MOST_ERRORS = 0.8

NO_ESTIMATE = "Batch transcription may wait half an hour before it starts; the service gives no estimate."


async def present_batch(
    call: CallContext,
    speech: Speech,
    transcription: schemas.Transcription,
    texts: Transcripts,
    output: OutputFile | None,
    *,
    already_existed: bool = False,
    findings: Sequence[Finding] = (),
) -> Transcription:
    """Return a batch transcription; drafts are written when it has succeeded."""
    await load_references(speech, [transcription.model])
    is_done, here, now = transcription.status == "Succeeded", speech.resource.name, call.now(speech)
    said: Mapping[str, str] = {}
    if is_done and transcription.dataset:
        transcripts = await read_transcripts(speech, transcription.dataset.id)
        said = {one.file: text for one in texts.read if (text := transcripts.of(one.file)) is not None}
    shown, failed = texts.present()
    written = await write_drafts(texts, output) if is_done else None
    again = call_step("get_transcription", transcription=transcription.id, wait_seconds=suggested_wait(), resource=here)
    steps = [f"{again}. {NO_ESTIMATE}"]
    if is_done:
        steps = steps_after(written, transcription.locale, here)
    elif is_terminal(transcription):
        steps = ["Correct what `error` and `failed` name, then call transcribe again."]
    return Transcription(
        **resource_fields(speech),
        id=transcription.id,
        status=transcription.status,
        locale=transcription.locale,
        model=present_reference(speech, transcription.model),
        done=len(texts.read),
        total=texts.total,
        files=shown,
        failed=failed,
        word_error_rate=await run_in_thread(partial(word_error_rate, texts.read, said, transcription.locale)),
        audio_hours=_hours(transcription.audio_seconds),
        output=written,
        error=present_failure(transcription.error),
        already_existed=already_existed,
        findings=list(findings),
        now=now,
        check_again_after_seconds=None
        if is_terminal(transcription)
        else check_again_after(transcription.created_date_time, now),
        next_steps=steps,
    )


async def present_fast(
    call: CallContext,
    plan: TranscriptionPlan,
    texts: Transcripts,
    said: Mapping[str, str],
    output: OutputFile | None,
    unanswered: Sequence[Finding] = (),
) -> Transcription:
    """Return what was recognized at once; drafts are written when every recording has a result.

    Args:
        unanswered: Why recordings have no result yet.
    """
    facts, speech = plan.facts, plan.facts.speech
    is_complete = texts.total == len(texts.read) + len(texts.failed)
    written = await write_drafts(texts, output) if is_complete else None
    shown, failed = texts.present()
    here, locale = speech.resource.name, facts.request.locale
    rate = await run_in_thread(partial(word_error_rate, texts.read, said, locale))
    again = f"Call transcribe again with the same arguments: it goes on after {len(texts.read)} of {texts.total}."
    return Transcription(
        **resource_fields(speech),
        id=None,
        status="Running" if not is_complete else "Succeeded" if texts.read else "Failed",
        locale=locale,
        model=EntityReference(id=plan.model.id, display_name=plan.model.display_name) if plan.model else None,
        done=len(texts.read),
        total=texts.total,
        files=shown,
        failed=failed,
        word_error_rate=rate,
        note=NOT_RECOGNIZED if speech.is_emulated and rate is not None and rate > MOST_ERRORS else None,
        audio_hours=_hours(sum(one.seconds for one in facts.recordings)),
        output=written,
        error=None,
        already_existed=False,
        findings=[*(finding for finding in plan.findings if finding.level != "confirm"), *unanswered],
        now=call.now(speech),
        check_again_after_seconds=None if is_complete else 1,
        next_steps=steps_after(written, locale, here) if is_complete else [again],
    )


async def write_drafts(texts: Transcripts, output: OutputFile | None) -> str | None:
    """Write the drafts, and return the path of the file.

    Raises:
        Refused: The file cannot be written; the texts are not lost.
    """
    if output is None or not texts.read:
        return None
    try:
        await run_in_thread(partial(output.write, sorted(texts.read, key=lambda one: one.file)))
    except OSError as error:
        finding = Finding(
            rule="output-is-new",
            level="block",
            message=f"The drafts cannot be written to {output.path.name}: {error.strerror or type(error).__name__}.",
            fix="Name another file; what was transcribed is not transcribed again.",
        )
        raise Refused("The drafts were not written.", [finding], "Call again with another output.") from None
    return str(output.path)


def steps_after(written: str | None, locale: str, here: str) -> list[str]:
    """Return what comes after the texts: correct the drafts, then use them."""
    if written is None:
        return ["Pass output with a new file name to keep all texts as drafts for upload_dataset."]
    return [
        f"Let a person correct {written}, first the words in the .unsure file beside it.",
        f'Then upload_dataset with kind="Acoustic", locale={json.dumps(locale)}, resource={json.dumps(here)} takes the '
        "folder that holds the recordings and this file.",
    ]


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 3)
