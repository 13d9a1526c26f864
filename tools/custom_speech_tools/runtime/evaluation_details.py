"""The details of an evaluation, read from the files of the service."""

from custom_speech_data.scoring_result import Utterance, read_scoring_result, recording_of
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import gather

MAX_RECORDINGS = 1_000
"""Recordings that are read; each has one file per model."""

READ_ATTEMPTS = 2
"""How often a file is read that is no result: it may have been cut off on the way."""

_OPERATION = "Evaluations_GetFile"


async def read_details(
    speech: Speech, evaluation: schemas.Evaluation, *, must_be_complete: bool = False
) -> dict[str, tuple[Utterance, Utterance]]:
    """Return what both models recognized, by recording; files that cannot be read are left out.

    Args:
        must_be_complete: Raise where the same request may succeed a little later, because a decision hangs on it.

    Raises:
        SpeechError: The details cannot be read at the moment; only where they must be complete.
    """
    try:
        files = (await speech.evaluations_list_files(evaluation.id)).entities
    except SpeechError as error:
        if must_be_complete and error.is_transient:
            raise
        return {}
    named = {found: file for file in files if file.name and (found := recording_of(file.name))}
    recordings = [name for name, number in named if number == 1 and (name, 2) in named][:MAX_RECORDINGS]
    wanted = [(name, number) for name in recordings for number in (1, 2)]
    read = dict(
        zip(wanted, await gather(*(_read(speech, named[one], must_be_complete) for one in wanted)), strict=True)
    )
    pairs = {name: (read[name, 1], read[name, 2]) for name in recordings}
    return {name: (first, second) for name, (first, second) in pairs.items() if first and second}


async def _read(speech: Speech, file: schemas.File, must_be_complete: bool) -> Utterance | None:
    for _ in range(READ_ATTEMPTS):
        try:
            if (utterance := read_scoring_result(await speech.read_file(_OPERATION, file))) is not None:
                return utterance
        except SpeechError as error:
            if must_be_complete and error.is_transient:
                raise
            return None
    return None
