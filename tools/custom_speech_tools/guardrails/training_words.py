"""The words that a model was trained with, read from the files of its datasets."""

from dataclasses import dataclass
from functools import partial

from custom_speech_data.word_errors import normalized_words
from custom_speech_tools.guardrails.references import find_any_model
from custom_speech_tools.runtime.context import CallContext
from custom_speech_tools.runtime.evaluation_details import TRANSCRIPTS
from custom_speech_tools.speech import Speech, SpeechError, schemas
from custom_speech_tools.speech.concurrency import gather, run_in_thread

MAX_REMEMBERED = 64
"""Datasets whose words are remembered; a dataset cannot be changed after its upload."""

_TEXT_FILES = frozenset({"LanguageData", "PronunciationData", TRANSCRIPTS})
"""The kinds of files that teach words."""

_FILES_WITHOUT_WORDS = frozenset({"Audio", "OutputFormattingData"})


@dataclass(frozen=True, slots=True)
class TrainingWords:
    """Words of the training data of a custom model.

    Attributes:
        unread: Ids of the datasets whose text could not be read; the words of these are not known.
    """

    words: frozenset[str]
    unread: tuple[str, ...] = ()

    def contain(self, word: str) -> bool | None:
        """Return whether the model was trained with the word, None if that is not known."""
        return True if word in self.words else None if self.unread else False


async def read_training_words(call: CallContext, speech: Speech, model: schemas.Reference) -> TrainingWords | None:
    """Return the words of the model's own training data, None for a base model and for a model that cannot be read."""
    found = await find_any_model(speech, model.uri)
    if not isinstance(found, schemas.CustomModel):
        return None
    datasets = found.datasets or []
    read = await gather(*(_words_of_dataset(call, speech, dataset.id, found.locale) for dataset in datasets))
    unread = tuple(dataset.id for dataset, words in zip(datasets, read, strict=True) if words is None)
    return TrainingWords(frozenset().union(*(words for words in read if words is not None)), unread)


async def _words_of_dataset(call: CallContext, speech: Speech, dataset: str, locale: str) -> frozenset[str] | None:
    remembered, key = call.app.training_words, (speech.resource.endpoint, dataset)
    if key in remembered:
        return remembered[key]
    try:
        files = (await speech.datasets_list_files(dataset)).entities
        texts = [file for file in files if file.kind in _TEXT_FILES]
        contents = await gather(*(speech.read_file("Datasets_GetFile", file) for file in texts))
    except SpeechError:
        return None
    if not texts:
        return frozenset() if any(file.kind in _FILES_WITHOUT_WORDS for file in files) else None
    words = await run_in_thread(partial(_words_of, contents, locale))
    while len(remembered) >= MAX_REMEMBERED:
        del remembered[next(iter(remembered))]
    remembered[key] = words
    return words


def _words_of(contents: list[bytes], locale: str) -> frozenset[str]:
    """Return the words of all texts; file names and pronunciations among them do no harm, they are not said."""
    return frozenset(
        word for content in contents for word in normalized_words(content.decode("utf-8-sig", "replace"), locale)
    )
