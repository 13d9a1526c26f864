"""Simulated training: the words of a model's data, and whether it had recordings. Kept with the model."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from custom_speech_data.word_errors import normalized_words
from custom_speech_emulator.http.api_versions import Json
from custom_speech_emulator.resources import files
from custom_speech_emulator.state.emulator_state import EmulatorState, moment
from custom_speech_emulator.state.entity_store import Entity

_LEARNT = "learnt.json"
_SPELLED = re.compile(r"\b[A-Z]{2,3}\b|\d")


@dataclass(frozen=True)
class Skill:
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


def keep(state: EmulatorState, model: Entity, texts: Iterable[str], *, audio: bool = False) -> None:
    """Keep with a model what it has learnt from texts, and whether it had recordings."""
    learnt = {"words": sorted(words_of(texts, model.document["locale"])), "audio": audio}
    state.store.put_data(model.account, model.id, _LEARNT, json.dumps(learnt).encode())


def hand_on(state: EmulatorState, source: Entity, target: Entity) -> None:
    """Keep with an entity what another one has learnt."""
    state.store.put_data(target.account, target.id, _LEARNT, json.dumps(_learnt(state, source)).encode())


def _learnt(state: EmulatorState, model: Entity) -> Json:
    kept = state.store.data(model.account, model.id, _LEARNT)
    return dict(json.loads(kept)) if kept else {"words": [], "audio": False}


def skill(state: EmulatorState, account: str, kind: str, model_id: str) -> Skill:
    """Return how well a base or custom model recognizes speech."""
    model = state.store.get("" if kind == "models/base" else account, kind, model_id)
    if model is None:
        return Skill()
    known = _learnt(state, model)
    base = state.store.get("", "models/base", model.document.get("baseModel", model.id))
    year = moment(base.document["createdDateTime"]).year if base else 2023
    return Skill(frozenset(known["words"]), bool(known["audio"]), year)


def ended(state: EmulatorState, model: Entity, at: datetime) -> None:
    """End the training: store its report with the model."""
    known = _learnt(state, model)
    report = {"status": model.status, "words": len(known["words"]), "audio": known["audio"], "simulated": True}
    files.add(state, model, "report.json", "ModelReport", json.dumps(report, indent=1).encode(), at)
