"""What a model has learnt: the words of its data, and whether it heard recordings. Kept with the model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from custom_speech_emulator import files
from custom_speech_emulator.clock import moment
from custom_speech_emulator.imports import TEXTS
from custom_speech_emulator.store import Entity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from custom_speech_emulator.versions import Json
    from custom_speech_emulator.world import World

_LEARNT = "learnt.json"


@dataclass(frozen=True)
class Skill:
    """What decides how well a model hears: known words, recordings heard, and the year of its base model."""

    words: frozenset[str] = frozenset()
    heard: bool = False
    year: int = 2023


def words_of(texts: Sequence[str]) -> frozenset[str]:
    """The words of some texts, without case and punctuation."""
    return frozenset(word for text in texts for word in plain(text).split())


def plain(text: str) -> str:
    """A text in lower case without punctuation, as recognized words are compared."""
    return " ".join("".join(mark for mark in text.lower() if mark.isalnum() or mark.isspace() or mark == "'").split())


def texts_of(world: World, dataset: Entity) -> Json:
    """The texts and recordings that a dataset's import accepted."""
    kept = world.store.data(dataset.account, dataset.id, TEXTS)
    return dict(json.loads(kept)) if kept else {"texts": [], "audio": []}


def outcome(datasets: Sequence[Entity]) -> Json:
    """How a training will end: Failed when every recording of an audio dataset is too long."""
    if all(dataset.document.get("trains", True) for dataset in datasets):
        return {"status": "Succeeded"}
    message = "Every audio file of a dataset is longer than 40 seconds."
    return {"status": "Failed", "error": {"code": "InvalidDataset", "message": message}}


def learn(world: World, model: Entity, datasets: Sequence[Entity], text: str | None) -> None:
    """Keeps with a model what its data teach."""
    texts = [line for dataset in datasets for line in texts_of(world, dataset)["texts"]]
    heard = any(dataset.document["kind"] == "Acoustic" for dataset in datasets)
    keep(world, model, {"words": sorted(words_of([*texts, text or ""])), "heard": heard})


def keep(world: World, model: Entity, learnt: Json) -> None:
    """Keeps with a model what it has learnt."""
    world.store.put_data(model.account, model.id, _LEARNT, json.dumps(learnt).encode())


def learnt(world: World, account: str, model: str) -> Json:
    """What a custom model has learnt; nothing for any other."""
    kept = world.store.data(account, model, _LEARNT)
    return dict(json.loads(kept)) if kept else {"words": [], "heard": False}


def skill(world: World, model: Entity) -> Skill:
    """How well a base or custom model hears."""
    known = learnt(world, model.account, model.id)
    base = world.store.get("", "models/base", model.document.get("baseModel", model.id))
    year = moment(base.document["createdDateTime"]).year if base else 2023
    return Skill(frozenset(known["words"]), bool(known["heard"]), year)


def ended(world: World, model: Entity, at: datetime) -> None:
    """The training is over: its report lies with the model."""
    known = learnt(world, model.account, model.id)
    report = {"status": model.status, "words": len(known["words"]), "audio": known["heard"], "simulated": True}
    files.add(world, model, "report.json", "ModelReport", json.dumps(report, indent=1).encode(), at)
