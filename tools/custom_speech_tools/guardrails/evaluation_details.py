"""Details of an evaluation from the service's files: recognized texts, transcripts, and words of the training data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from custom_speech_data.scoring_result import Recognition, read_scoring_result, recording_of
from custom_speech_data.word_errors import normalized_words
from custom_speech_data.zip_archive import key_of
from custom_speech_tools.runtime.context import add_to_cache
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.tasks_and_threads import gather, run_in_thread

MAX_RECORDINGS = 5_000  # each has one file per model
READ_ATTEMPTS = 2  # for a file that is not a valid result, because its download may have been interrupted
MAX_CACHED = 64  # datasets whose words are cached
TRANSCRIPTS = "AcousticDataTranscriptionV2"  # the kind of the file with the transcripts of a dataset
_FILES_WITH_WORDS = frozenset({"LanguageData", "PronunciationData", TRANSCRIPTS})
_LARGE = 64 * 1024  # bytes; parsing a smaller file takes less time than starting a thread


@dataclass(frozen=True, slots=True)
class EvaluationDetails:
    """The texts that both models recognized, by recording, without recordings that could not be read."""

    recordings: Mapping[str, tuple[Recognition, Recognition]] = field(default_factory=dict)
    listed: int | None = None  # the number of all recordings, None if their list could not be read


@dataclass(frozen=True, slots=True)
class Transcripts:
    """The transcripts of a dataset by recording, or the reason why they cannot be read."""

    texts: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None

    def of(self, recording: str) -> str | None:
        """Return the transcript of a recording, or None if it is not known."""
        return self.texts.get(recording_key(recording))


async def read_details(
    speech: Speech, evaluation: schemas.Evaluation, *, must_be_complete: bool = False
) -> EvaluationDetails:
    """Return the texts that both models recognized, without recordings whose files cannot be read.

    With `must_be_complete`, a transient SpeechError is raised instead of ignored.
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
    """Return the recognition of one recording by one model, or None if it cannot be read."""
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
    """Read the transcripts of a dataset from its files."""
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
    """Return the texts by recording, from UTF-8 lines of a name, a tab and a text; ambiguous names are left out."""
    texts: dict[str, list[str]] = {}
    for line in content.decode("utf-8-sig").splitlines():
        name, tab, text = line.partition("\t")
        if tab:
            texts.setdefault(recording_key(name), []).append(text.strip())
    return {key: found[0] for key, found in texts.items() if len(found) == 1}


def recording_key(name: str) -> str:
    """Return the name of a recording without folder and extension, in one Unicode form for comparisons."""
    return key_of(name.strip()).removesuffix(".wav")


async def read_training_words(
    cache: dict[tuple[str, ...], frozenset[str]], speech: Speech, model: schemas.Entity | None
) -> Callable[[str], bool | None]:
    """Return a function that tests if a word is in the training data of a model, or None if that is not known."""
    datasets = model.datasets if isinstance(model, schemas.CustomModel) else None
    read = await gather(*(_words_of_dataset(cache, speech, part.id) for part in datasets or []))
    known = frozenset[str]().union(*(words for words in read if words is not None))
    return lambda word: word in known or (None if None in read or not datasets else False)


async def _words_of_dataset(
    cache: dict[tuple[str, ...], frozenset[str]], speech: Speech, dataset_id: str
) -> frozenset[str] | None:
    """Return the words of a dataset, or None if they cannot be read."""
    try:
        dataset = await speech.datasets_get(dataset_id)
        # A dataset cannot change after its import, but an emulator that was reset may use its id for another dataset.
        made = (dataset.created_date_time, dataset.last_action_date_time, dataset.custom_properties)
        key = (speech.resource.identity, speech.resource.endpoint, dataset.id, str(made))
        if key in cache:
            return cache[key]
        files = (await speech.datasets_list_files(dataset.id)).entities
        with_words = [file for file in files if file.kind in _FILES_WITH_WORDS]
        contents = await gather(*(speech.read_file("Datasets_GetFile", file) for file in with_words))
    except SpeechError:
        return None
    if not with_words:
        return frozenset() if dataset.kind in ("AudioFiles", "OutputFormatting") else None
    texts = (content.decode("utf-8-sig", "replace") for content in contents)
    # File names and pronunciations among the words do no harm, because recordings do not contain them.
    found = (word for text in texts for word in normalized_words(text, dataset.locale))
    words = await run_in_thread(partial(frozenset[str], found))
    add_to_cache(cache, key, words, MAX_CACHED)
    return words
