"""The results of a batch transcription, read from its files."""

import json

from custom_speech_data.transcripts import Transcript, read_batch_result
from custom_speech_tools.runtime.presenters.transcription import Transcripts
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import gather, run_in_thread

MAX_RESULTS = 5_000


async def read_batch(speech: Speech, transcription: schemas.Transcription) -> Transcripts:
    """Return the text of each recording, and the reason for each that has none.

    Raises:
        SpeechError: The files cannot be listed.
    """
    files = (await speech.transcriptions_list_files(transcription.id)).entities
    results = [file for file in files if file.kind == "Transcription" and file.name][:MAX_RESULTS]
    read = await gather(*(_read(speech, file) for file in results))
    report = next((file for file in files if file.kind == "TranscriptionReport"), None)
    failed = [*await _failures(speech, report), *(one for one in read if not isinstance(one, Transcript))]
    texts = [one for one in read if isinstance(one, Transcript)]
    return Transcripts(texts, failed, len(texts) + len(failed))


async def _read(speech: Speech, file: schemas.File) -> Transcript | tuple[str, str]:
    name = (file.name or "").removesuffix(".json")
    try:
        content = await speech.read_file("Transcriptions_GetFile", file)
    except SpeechError as error:
        return name, str(error)
    found = await run_in_thread(lambda: read_batch_result(name, content))
    return found or (name, "the file of its result has another form than the documented one")


async def _failures(speech: Speech, report: schemas.File | None) -> list[tuple[str, str]]:
    """Return what the report names as failed; the names of its fields are not documented everywhere."""
    if report is None:
        return []
    try:
        details = json.loads(await speech.read_file("Transcriptions_GetFile", report))["details"]
        return [
            (str(one["sourceUrl"]).partition("?")[0].rpartition("/")[2], str(one.get("errorMessage") or one["status"]))
            for one in details
            if one["status"] != "Succeeded"
        ]
    except (SpeechError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return [("report", f"the report of the service cannot be read ({type(error).__name__})")]
