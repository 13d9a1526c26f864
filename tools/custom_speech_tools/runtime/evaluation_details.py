"""The details of an evaluation, read from the files of the service: what was said and what both models recognized."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from custom_speech_data.scoring_result import Recognition, read_scoring_result, recording_of
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import gather, run_in_thread

MAX_RECORDINGS = 5_000
"""Recordings that are read; each has one file per model."""

READ_ATTEMPTS = 2
"""How often a file is read that is no result: it may have been cut off on the way."""

TRANSCRIPTS = "AcousticDataTranscriptionV2"
"""The kind of the file of a dataset that holds its transcripts."""

_LARGE = 64 * 1024
"""Bytes from which a file is parsed outside the event loop."""


@dataclass(frozen=True, slots=True)
class EvaluationDetails:
    """What could be read about each recording.

    Attributes:
        recordings: What both models recognized, by recording.
        listed: Recordings of the evaluation, None if their list could not be read.
    """

    recordings: Mapping[str, tuple[Recognition, Recognition]] = field(default_factory=dict)
    listed: int | None = None


@dataclass(frozen=True, slots=True)
class Transcripts:
    """The transcripts of a dataset, or why they cannot be read."""

    texts: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None

    def of(self, recording: str) -> str | None:
        """Return what was said in a recording, None if that is not known."""
        return self.texts.get(recording_key(recording))


async def read_details(
    speech: Speech, evaluation: schemas.Evaluation, *, must_be_complete: bool = False
) -> EvaluationDetails:
    """Return what both models recognized; recordings whose files cannot be read are left out.

    Args:
        must_be_complete: Raise if the same request may succeed a little later, because a decision depends on it.

    Raises:
        SpeechError: The details cannot be read at the moment; only if they must be complete.
    """
    try:
        files = (await speech.evaluations_list_files(evaluation.id)).entities
    except SpeechError as error:
        if must_be_complete and error.is_transient:
            raise
        return EvaluationDetails()
    named = {found: file for file in files if file.name and (found := recording_of(file.name))}
    recordings = [name for name, number in named if number == 1 and (name, 2) in named]
    wanted = [(name, number) for name in recordings[:MAX_RECORDINGS] for number in (1, 2)]
    results = await gather(*(_read_result(speech, named[one], must_be_complete) for one in wanted))
    read = dict(zip(wanted, results, strict=True))
    pairs = {name: (read.get((name, 1)), read.get((name, 2))) for name in recordings}
    return EvaluationDetails({name: (one, two) for name, (one, two) in pairs.items() if one and two}, len(recordings))


async def _read_result(speech: Speech, file: schemas.File, must_be_complete: bool) -> Recognition | None:
    for _ in range(READ_ATTEMPTS):
        try:
            content = await speech.read_file("Evaluations_GetFile", file)
        except SpeechError as error:
            if must_be_complete and error.is_transient:
                raise
            return None
        if len(content) > _LARGE:
            result = await run_in_thread(partial(read_scoring_result, content))
        else:
            result = read_scoring_result(content)
        if result is not None:
            return result
    return None


async def read_transcripts(speech: Speech, dataset: str) -> Transcripts:
    """Return the transcripts of a dataset by recording, from the file that the service keeps of them."""
    try:
        files = (await speech.datasets_list_files(dataset)).entities
        file = next((file for file in files if file.kind == TRANSCRIPTS), None)
        if file is None:
            return Transcripts(problem="the service lists no file with the transcripts of this dataset")
        content = await speech.read_file("Datasets_GetFile", file)
        texts = await run_in_thread(partial(parse_transcripts, content))
    except SpeechError as error:
        return Transcripts(problem=str(error))
    except UnicodeDecodeError:
        return Transcripts(problem="the file with the transcripts is not UTF-8")
    return Transcripts(
        texts, None if texts else "the file with the transcripts has no line of a name, a tab and a text"
    )


def parse_transcripts(content: bytes) -> dict[str, str]:
    """Return the transcripts of lines "name, tab, text", by recording; names that stand twice are left out.

    Raises:
        UnicodeDecodeError: The text is not UTF-8.
    """
    texts: dict[str, str] = {}
    twice: set[str] = set()
    for line in content.decode("utf-8-sig").splitlines():
        name, tab, text = line.partition("\t")
        key = recording_key(name)
        if tab and key in texts:
            twice.add(key)
        elif tab:
            texts[key] = text.strip()
    return {key: text for key, text in texts.items() if key not in twice}


def recording_key(name: str) -> str:
    """Return a name without its folder and ending, in one Unicode form, because both sides may spell it otherwise."""
    bare = unicodedata.normalize("NFC", name.strip().replace("\\", "/").rpartition("/")[2]).casefold()
    return bare.removesuffix(".wav")
