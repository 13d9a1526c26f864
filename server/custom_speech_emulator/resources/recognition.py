"""Simulated recognition: the words that a model recognizes, and the results of transcriptions as the service has them.

Whether a word of a known transcript is recognized wrongly is drawn from a hash of the word and its place, so that it is
the same every time, and from what the model learnt: words of its training data are missed four times less often, and
training with recordings helps everywhere. The words of an unknown recording are drawn from its content.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from custom_speech_data.dataset_report import Unusable
from custom_speech_data.wav import read_sound
from custom_speech_data.word_errors import alignment, normalized_words
from custom_speech_emulator.http.api_versions import Json
from custom_speech_emulator.resources.dataset_imports import RECORDINGS, content_of
from custom_speech_emulator.state.emulator_state import EmulatorState

_PHRASE_END = re.compile(r"(?<=[.!?…।])\s+|(?<=[。！？])")
_SPELLED = re.compile(r"\b[A-Z]{2,3}\b|\d")
_SURE, _UNSURE = 0.93, 0.41  # on either side of what draft transcripts flag
_VOCABULARY = {
    "en": "the please hold router line call number gateway reset would like again thank you service today order",
    "de": "der bitte halten leitung anruf nummer noch einmal danke dienst heute auftrag rufen sie uns an",
}


class Skill(NamedTuple):
    """The factors of a model's accuracy: known words, recordings, and the year of its base model."""

    words: frozenset[str] = frozenset()
    audio: bool = False
    year: int = 2023


def words_of(texts: Iterable[str], locale: str) -> frozenset[str]:
    """Return the words of some texts."""
    return frozenset(word for text in texts for word in normalized(text, locale))


def normalized(text: str, locale: str, normalization: str = "Default") -> list[str]:
    """Return the words of a text as recognized words are compared and counted.

    Default normalization makes more words of a number and of an abbreviation than are written (recorded live); that
    it goes digit by digit, and letter by letter of two or three capitals, is a guess. `None` leaves them as they are.
    """
    if normalization == "Default" and not text.isupper():
        text = _SPELLED.sub(lambda found: f" {' '.join(found[0])} ", text)
    return normalized_words(text, locale)


class Phrase(NamedTuple):
    """A part of a recording that is recognized by itself: the words of its transcript, and those recognized."""

    said: Sequence[str]
    recognized: Sequence[str]


def recognize(transcript: str, place: int, skill: Skill, locale: str, normalization: str = "Default") -> list[Phrase]:
    """Return the phrases that a model of this skill recognizes in a recording, one for each sentence of the transcript.

    The service counts phrases and normalized words (recorded live); where it divides a recording is a guess.
    """
    parts = [normalized(part, locale, normalization) for part in _PHRASE_END.split(transcript)]
    phrases, before = list[Phrase](), 0
    for said in filter(None, parts):
        recognized = [_recognized(word, f"{place}/{before + n}", skill) for n, word in enumerate(said)]
        phrases.append(Phrase(said, " ".join(recognized).split()))
        before += len(said)
    return phrases


def _recognized(word: str, place: str, skill: Skill) -> str:
    draw = int.from_bytes(hashlib.blake2b(f"{place}/{word}".encode(), digest_size=4).digest(), "big") / 2**32
    missed = max(0.04, 0.24 - 0.02 * max(0, skill.year - 2023))
    missed *= (0.25 if word in skill.words else 1) * (0.6 if skill.audio else 1)
    if draw >= missed:
        return word
    how = int(draw * 2**32) % 10
    return "" if how < 2 else f"{word} {word}" if how == 2 else f"{word[:-1]}x"


class Recording(NamedTuple):
    """A recording; `transcript` is None if it is not known, `place` is its number in its dataset."""

    name: str
    milliseconds: int
    digest: str
    transcript: str | None = None
    place: int = 0


class Word(NamedTuple):
    """A recognized word."""

    text: str
    confidence: float
    offset: int
    duration: int


def read(state: EmulatorState, account: str, name: str, content: bytes) -> Recording:
    """Return a recording by its content, with its transcript if a dataset of the account has it; raises Unusable."""
    if not content:
        raise Unusable("it is empty")
    milliseconds = read_sound(io.BytesIO(content), len(content)).milliseconds
    if not milliseconds:
        raise Unusable("it has no sound")
    digest = hashlib.sha256(content).hexdigest()
    dataset_id, place = json.loads(state.store.data(account, RECORDINGS, digest) or '["", 0]')
    known = of_dataset(state, account, dataset_id)[place:]  # empty if the dataset is gone
    recording = known[0] if known else Recording(name, milliseconds, digest)
    return recording._replace(name=name, milliseconds=milliseconds)


def of_dataset(state: EmulatorState, account: str, dataset_id: str) -> list[Recording]:
    """Return the recordings that the import of a dataset accepted."""
    dataset = state.store.get(account, "datasets", dataset_id)
    audio = enumerate(content_of(state, dataset)["audio"] if dataset else [])
    return [Recording(name, length, f"{dataset_id}/{name}", said, place) for place, (name, length, said) in audio]


def recognized(recording: Recording, skill: Skill, locale: str) -> list[list[Word]]:
    """Return the words that are recognized in a recording, in phrases of six."""
    drawn = []
    if recording.transcript is None:
        words = _VOCABULARY.get(locale[:2], _VOCABULARY["en"]).split()
        for number in range(max(1, recording.milliseconds // 400)):
            draw = hashlib.blake2b(f"{recording.digest}/{number}".encode(), digest_size=2).digest()
            drawn.append((words[draw[0] % len(words)], _UNSURE if draw[1] < 48 else _SURE))
    else:
        phrases = recognize(recording.transcript, recording.place, skill, locale)
        edits = [edit for phrase in phrases for edit in alignment(*phrase)]
        drawn = [(edit.recognized, _SURE if edit.kind == "correct" else _UNSURE) for edit in edits if edit.recognized]
    each = recording.milliseconds // max(1, len(drawn))
    timed = [Word(text, confidence, each * n, each) for n, (text, confidence) in enumerate(drawn)]
    return [timed[start : start + 6] for start in range(0, len(timed), 6)]


def fast_result(recording: Recording, skill: Skill, locale: str) -> Json:
    """Return a TranscribeResult: display form, with a confidence for each phrase."""
    phrases: list[Json] = []
    for part in recognized(recording, skill, locale):
        each = [{"text": word.text, **_timing([word])} for word in part]
        text, sure = " ".join(word.text for word in part), min(word.confidence for word in part)
        phrases.append({**_timing(part), "text": text, "words": each, "locale": locale, "confidence": sure})
    combined = [{"text": " ".join(phrase["text"] for phrase in phrases)}]
    return {"durationMilliseconds": recording.milliseconds, "combinedPhrases": combined, "phrases": phrases}


def batch_result(recording: Recording, skill: Skill, locale: str, at: str, *, timed_words: bool) -> Json:
    """Return the content of a file of the kind Transcription; words have a confidence if they were asked for."""
    phrases, forms = list[Json](), ("lexical", "itn", "maskedITN", "display")
    for part in recognized(recording, skill, locale):
        best: Json = dict.fromkeys(forms, " ".join(word.text for word in part))
        best["confidence"] = round(sum(word.confidence for word in part) / len(part), 4)
        if timed_words:
            best["words"] = [{"word": word.text, **_timing([word]), "confidence": word.confidence} for word in part]
        phrases.append({"recognitionStatus": "Success", "channel": 0, **_timing(part), "nBest": [best]})
    whole = " ".join(phrase["nBest"][0]["display"] for phrase in phrases)
    return {
        "source": recording.name,
        "timestamp": at,
        "durationInTicks": recording.milliseconds * 10_000,
        "durationMilliseconds": recording.milliseconds,
        "combinedRecognizedPhrases": [{"channel": 0, **dict.fromkeys(forms, whole)}],
        "recognizedPhrases": phrases,
    }


def _timing(part: list[Word]) -> Json:
    return {"offsetMilliseconds": part[0].offset, "durationMilliseconds": sum(word.duration for word in part)}
