"""Simulated recognition of recordings, and the results of transcriptions in the shapes of the service.

A recording that is known, because a dataset has it with its transcript, is recognized with the errors of an
evaluation. Of any other one the words are drawn from its content, so that they are the same every time.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from custom_speech_data.dataset_report import Unusable
from custom_speech_data.wav import read_sound
from custom_speech_data.word_errors import alignment
from custom_speech_emulator.http.api_versions import Json
from custom_speech_emulator.resources.dataset_imports import RECORDINGS, content_of
from custom_speech_emulator.resources.evaluations import recognize
from custom_speech_emulator.resources.model_training import Skill
from custom_speech_emulator.state.emulator_state import EmulatorState

_SURE, _UNSURE = 0.93, 0.41
_VOCABULARY = {
    "en": "the please hold router line call number gateway reset would like again thank you service today order",
    "de": "der bitte halten leitung anruf nummer noch einmal danke dienst heute auftrag rufen sie uns an",
}


@dataclass(frozen=True)
class Recording:
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
    unknown = Recording(name, milliseconds, digest)
    kept = state.store.data(account, RECORDINGS, digest)
    if kept is None:
        return unknown
    dataset_id, place = json.loads(kept)
    known = of_dataset(state, account, dataset_id)
    return replace(known[place], name=name, milliseconds=milliseconds) if place < len(known) else unknown


def of_dataset(state: EmulatorState, account: str, dataset_id: str) -> list[Recording]:
    """Return the recordings that the import of a dataset accepted."""
    dataset = state.store.get(account, "datasets", dataset_id)
    audio = enumerate(content_of(state, dataset)["audio"] if dataset else [])
    return [Recording(name, length, f"{dataset_id}/{name}", said, place) for place, (name, length, said) in audio]


def recognized(recording: Recording, skill: Skill, locale: str) -> list[Word]:
    """Return the words that are recognized in a recording."""
    drawn = []
    if recording.transcript is None:
        words = _VOCABULARY.get(locale[:2], _VOCABULARY["en"]).split()
        for number in range(max(1, recording.milliseconds // 400)):
            draw = hashlib.blake2b(f"{recording.digest}/{number}".encode(), digest_size=2).digest()
            drawn.append((words[draw[0] % len(words)], _UNSURE if draw[1] < 48 else _SURE))
    else:
        phrases = recognize(recording.transcript, recording.place, skill, locale)
        edits = [edit for phrase in phrases for edit in alignment(phrase.said, phrase.recognized)]
        drawn = [(edit.recognized, _SURE if edit.kind == "correct" else _UNSURE) for edit in edits if edit.recognized]
    each = recording.milliseconds // max(1, len(drawn))
    return [Word(text, confidence, each * n, each) for n, (text, confidence) in enumerate(drawn)]


def fast_result(recording: Recording, skill: Skill, locale: str) -> Json:
    """Return a TranscribeResult: display form, with a confidence for each phrase."""
    words, phrases = recognized(recording, skill, locale), []
    for part in _parts(words):
        each = [{"text": word.text, **_timing([word])} for word in part]
        sure = min(word.confidence for word in part)
        phrases.append({**_timing(part), "text": _text(part), "words": each, "locale": locale, "confidence": sure})
    combined = [{"text": _text(words)}]
    return {"durationMilliseconds": recording.milliseconds, "combinedPhrases": combined, "phrases": phrases}


def batch_result(recording: Recording, skill: Skill, locale: str, at: str, *, timed_words: bool) -> Json:
    """Return the content of a file of the kind Transcription; words have a confidence if they were asked for."""
    words, phrases = recognized(recording, skill, locale), []
    forms = ("lexical", "itn", "maskedITN", "display")
    for part in _parts(words):
        best: Json = dict.fromkeys(forms, _text(part))
        best["confidence"] = round(sum(word.confidence for word in part) / len(part), 4)
        if timed_words:
            best["words"] = [{"word": word.text, **_timing([word]), "confidence": word.confidence} for word in part]
        phrases.append({"recognitionStatus": "Success", "channel": 0, **_timing(part), "nBest": [best]})
    length = {"durationInTicks": recording.milliseconds * 10_000, "durationMilliseconds": recording.milliseconds}
    combined = [{"channel": 0, **dict.fromkeys(forms, _text(words))}]
    result = {"source": recording.name, "timestamp": at, **length, "combinedRecognizedPhrases": combined}
    return result | {"recognizedPhrases": phrases}


def _timing(part: list[Word]) -> Json:
    return {"offsetMilliseconds": part[0].offset, "durationMilliseconds": sum(word.duration for word in part)}


def _text(words: list[Word]) -> str:
    return " ".join(word.text for word in words)


def _parts(words: list[Word]) -> Iterator[list[Word]]:
    yield from (words[start : start + 6] for start in range(0, len(words), 6))
