"""The details of an evaluation, read from the files of the service.

They are what was said, what both models recognized, and the words that the first one was trained with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from custom_speech_data.scoring_result import Recognition, read_scoring_result, recording_of
from custom_speech_data.word_errors import normalized_words
from custom_speech_data.zip_archive import key_of
from custom_speech_tools.runtime.context import add_to_cache
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.tasks_and_threads import gather, run_in_thread

MAX_RECORDINGS = 5_000  # recordings that are read; each has one file per model
READ_ATTEMPTS = 2  # how often a file is read that is no result: it may have been cut off on the way
MAX_REMEMBERED = 64  # datasets whose words are remembered
TRANSCRIPTS = "AcousticDataTranscriptionV2"  # the kind of the file of a dataset that holds its transcripts
_FILES_WITH_WORDS = frozenset({"LanguageData", "PronunciationData", TRANSCRIPTS})
_LARGE = 64 * 1024  # bytes; a smaller file is parsed faster than a thread starts


@dataclass(frozen=True, slots=True)
class EvaluationDetails:
    """The texts that both models recognized, by recording, as far as they could be read."""

    recordings: Mapping[str, tuple[Recognition, Recognition]] = field(default_factory=dict)
    listed: int | None = None  # recordings of the evaluation, None if their list could not be read


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
        must_be_complete: Raise a SpeechError after which the same request may succeed: a decision depends on it.
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
        read = partial(read_scoring_result, content)
        if (result := await run_in_thread(read) if len(content) > _LARGE else read()) is not None:
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
    problem = None if texts else "the file with the transcripts has no line of a name, a tab and a text"
    return Transcripts(texts, problem)


def parse_transcripts(content: bytes) -> dict[str, str]:
    """Return the texts of lines "name, tab, text" in UTF-8, by recording; names that stand twice are left out."""
    texts: dict[str, list[str]] = {}
    for line in content.decode("utf-8-sig").splitlines():
        name, tab, text = line.partition("\t")
        if tab:
            texts.setdefault(recording_key(name), []).append(text.strip())
    return {key: found[0] for key, found in texts.items() if len(found) == 1}


def recording_key(name: str) -> str:
    """Return a name without its folder and ending, in one Unicode form, because both sides may spell it otherwise."""
    return key_of(name.strip()).removesuffix(".wav")


async def read_training_words(
    remembered: dict[tuple[str, ...], frozenset[str]], speech: Speech, model: schemas.CustomModel
) -> Callable[[str], bool | None]:
    """Return a predicate: whether the model was trained with a word, None if its data could not all be read."""
    read = await gather(*(_words_of_dataset(remembered, speech, part.id) for part in model.datasets or []))
    known = frozenset[str]().union(*(words for words in read if words is not None))
    return lambda word: word in known or (None if None in read else False)


async def _words_of_dataset(
    remembered: dict[tuple[str, ...], frozenset[str]], speech: Speech, dataset_id: str
) -> frozenset[str] | None:
    """Return the words of a dataset, None if they cannot be read."""
    try:
        dataset = await speech.datasets_get(dataset_id)
        # A dataset cannot be changed after its import, but another one may have its id: an emulator that was reset.
        made = (dataset.created_date_time, dataset.last_action_date_time, dataset.custom_properties)
        key = (speech.resource.identity, speech.resource.endpoint, dataset.id, str(made))
        if key in remembered:
            return remembered[key]
        files = (await speech.datasets_list_files(dataset.id)).entities
        with_words = [file for file in files if file.kind in _FILES_WITH_WORDS]
        contents = await gather(*(speech.read_file("Datasets_GetFile", file) for file in with_words))
    except SpeechError:
        return None
    if not with_words:
        return frozenset() if dataset.kind in ("AudioFiles", "OutputFormatting") else None
    texts = (content.decode("utf-8-sig", "replace") for content in contents)
    # File names and pronunciations among the words do no harm: nobody says them.
    found = (word for text in texts for word in normalized_words(text, dataset.locale))
    words = await run_in_thread(partial(frozenset[str], found))
    add_to_cache(remembered, key, words, MAX_REMEMBERED)
    return words
