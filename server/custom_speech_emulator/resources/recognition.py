"""Simulated recognition, and transcription results in the format of the service.

The errors in a known transcript are drawn from a hash of each word and its position, so that they are reproducible.
A model misrecognizes the words of its training data four times less often, and training with audio reduces all errors.
The words of a recording without a known transcript are drawn from its content.
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
from custom_speech_emulator.resources.dataset_imports import RECORDING_DATA, accepted_content
from custom_speech_emulator.state.emulator_state import EmulatorState

_PHRASE_END = re.compile(r"(?<=[.!?…।])\s+|(?<=[。！？])")
_SPELLED = re.compile(r"\b[A-Z]{2,3}\b|\d")
_HIGH_CONFIDENCE, _LOW_CONFIDENCE = 0.93, 0.41  # above and below the threshold of draft transcripts
_VOCABULARY = {
    "en": "the please hold router line call number gateway reset would like again thank you service today order",
    "de": "der bitte halten leitung anruf nummer noch einmal danke dienst heute auftrag rufen sie uns an",
}


class SimulatedAccuracy(NamedTuple):
    """The properties of a model that determine how well it recognizes speech."""

    words: frozenset[str] = frozenset()  # of the training data
    audio: bool = False  # True after training with audio
    year: int = 2023  # of the base model


def distinct_words(texts: Iterable[str], locale: str) -> frozenset[str]:
    """Return the normalized words of texts."""
    return frozenset(word for text in texts for word in normalize(text, locale))


def normalize(text: str, locale: str, normalization: str = "Default") -> list[str]:
    """Return the words of a text in the form in which they are compared and counted.

    The normalization `Default` splits numbers and abbreviations into several words (recorded live). The split into
    digits, and into letters for two or three capitals, is a guess. The normalization `None` keeps them.
    """
    if normalization == "Default" and not text.isupper():
        text = _SPELLED.sub(lambda match: f" {' '.join(match[0])} ", text)
    return normalized_words(text, locale)


class Phrase(NamedTuple):
    """The words of a part of a recording: in the transcript and as recognized."""

    spoken: Sequence[str]
    recognized: Sequence[str]


def recognize(
    transcript: str, position: int, accuracy: SimulatedAccuracy, locale: str, normalization: str = "Default"
) -> list[Phrase]:
    """Return a recognized phrase for each sentence of a transcript; `position` is the index in its dataset.

    The service counts phrases and normalized words (recorded live). The division into sentences is a guess.
    """
    parts = [normalize(part, locale, normalization) for part in _PHRASE_END.split(transcript)]
    phrases, words_before = list[Phrase](), 0
    for words in filter(None, parts):
        recognized = [_recognize_word(word, f"{position}/{words_before + n}", accuracy) for n, word in enumerate(words)]
        phrases.append(Phrase(words, " ".join(recognized).split()))
        words_before += len(words)
    return phrases


def _recognize_word(word: str, position: str, accuracy: SimulatedAccuracy) -> str:
    """Return the word, a wrong word, the word twice, or an empty string for a deletion."""
    draw = int.from_bytes(hashlib.blake2b(f"{position}/{word}".encode(), digest_size=4).digest(), "big") / 2**32
    error_rate = max(0.04, 0.24 - 0.02 * max(0, accuracy.year - 2023))
    error_rate *= (0.25 if word in accuracy.words else 1) * (0.6 if accuracy.audio else 1)
    if draw >= error_rate:
        return word
    error_kind = int(draw * 2**32) % 10
    return "" if error_kind < 2 else f"{word} {word}" if error_kind == 2 else f"{word[:-1]}x"


class SourceRecording(NamedTuple):
    """A recording to transcribe."""

    name: str
    milliseconds: int
    digest: str
    transcript: str | None = None  # None if no dataset contains it
    position: int = 0  # its index in its dataset


class TimedWord(NamedTuple):
    """A recognized word with its times in milliseconds."""

    text: str
    confidence: float
    offset: int
    duration: int


def read_recording(state: EmulatorState, account: str, name: str, content: bytes) -> SourceRecording:
    """Return a recording, with its transcript if a dataset of the account contains the recording. Raises Unusable."""
    if not content:
        raise Unusable("it is empty")
    milliseconds = read_sound(io.BytesIO(content), len(content)).milliseconds
    if not milliseconds:
        raise Unusable("it has no sound")
    digest = hashlib.sha256(content).hexdigest()
    dataset_id, position = json.loads(state.store.data(account, RECORDING_DATA, digest) or '["", 0]')
    known = dataset_recordings(state, account, dataset_id)[position:]  # empty if the dataset was deleted
    recording = known[0] if known else SourceRecording(name, milliseconds, digest)
    return recording._replace(name=name, milliseconds=milliseconds)


def dataset_recordings(state: EmulatorState, account: str, dataset_id: str) -> list[SourceRecording]:
    """Return the recordings that the import of a dataset accepted, or no recordings if the dataset was deleted."""
    dataset = state.store.get(account, "datasets", dataset_id)
    audio = enumerate(accepted_content(state, dataset)["audio"] if dataset else [])
    return [SourceRecording(name, length, f"{dataset_id}/{name}", spoken, n) for n, (name, length, spoken) in audio]


def recognize_timed(recording: SourceRecording, accuracy: SimulatedAccuracy, locale: str) -> list[list[TimedWord]]:
    """Return the recognized words of a recording with their times, in phrases of six words."""
    drawn = []
    if recording.transcript is None:
        words = _VOCABULARY.get(locale[:2], _VOCABULARY["en"]).split()
        for number in range(max(1, recording.milliseconds // 400)):
            draw = hashlib.blake2b(f"{recording.digest}/{number}".encode(), digest_size=2).digest()
            drawn.append((words[draw[0] % len(words)], _LOW_CONFIDENCE if draw[1] < 48 else _HIGH_CONFIDENCE))
    else:
        phrases = recognize(recording.transcript, recording.position, accuracy, locale)
        edits = [edit for phrase in phrases for edit in alignment(*phrase)]
        confidences = {"correct": _HIGH_CONFIDENCE}
        drawn = [(edit.recognized, confidences.get(edit.kind, _LOW_CONFIDENCE)) for edit in edits if edit.recognized]
    each = recording.milliseconds // max(1, len(drawn))
    timed = [TimedWord(text, confidence, each * n, each) for n, (text, confidence) in enumerate(drawn)]
    return [timed[start : start + 6] for start in range(0, len(timed), 6)]


def fast_result(recording: SourceRecording, accuracy: SimulatedAccuracy, locale: str) -> Json:
    """Return the TranscribeResult of a fast transcription."""
    phrases: list[Json] = []
    for part in recognize_timed(recording, accuracy, locale):
        each = [{"text": word.text, **_timing([word])} for word in part]
        text, confidence = " ".join(word.text for word in part), min(word.confidence for word in part)
        phrases.append({**_timing(part), "text": text, "words": each, "locale": locale, "confidence": confidence})
    combined = [{"text": " ".join(phrase["text"] for phrase in phrases)}]
    return {"durationMilliseconds": recording.milliseconds, "combinedPhrases": combined, "phrases": phrases}


def batch_result(recording: SourceRecording, accuracy: SimulatedAccuracy, locale: str, at: str, *, timed: bool) -> Json:
    """Return the content of a Transcription file; words have times and a confidence only if `timed` is set."""
    phrases, forms = list[Json](), ("lexical", "itn", "maskedITN", "display")
    for part in recognize_timed(recording, accuracy, locale):
        best: Json = dict.fromkeys(forms, " ".join(word.text for word in part))
        best["confidence"] = round(sum(word.confidence for word in part) / len(part), 4)
        if timed:
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


def _timing(part: list[TimedWord]) -> Json:
    return {"offsetMilliseconds": part[0].offset, "durationMilliseconds": sum(word.duration for word in part)}
