"""The initial content: base models by quarter, and in each account projects, datasets and one model.

Release dates follow the clock, so that the stock never goes stale; ids follow from names, so that they never change.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations

from custom_speech_emulator.http.api_versions import Json
from custom_speech_emulator.resources import dataset_imports, files, model_training
from custom_speech_emulator.resources.dataset_imports import TEXTS
from custom_speech_emulator.resources.locales import AUDIO, FULL_LOCALES, TRAINS_WITH
from custom_speech_emulator.state.accounts import Account
from custom_speech_emulator.state.clock import quarter_close, stamp, years_later
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import Entity

_EVERGREEN = datetime(2023, 6, 14, tzinfo=UTC)
_CHARGED_SINCE = datetime(2024, 1, 1, tzinfo=UTC)
_FULL = ("en-US", "de-DE")
_PROJECTS = (*_FULL, "fr-FR")
_HOUR = 3_600_000

# kind: (name, accepted lines, rejected lines, milliseconds)
_DATASETS = {
    "Language": ("plain text", 4812, 7, 0),
    "Acoustic": ("audio with transcripts", 1460, 3, int(2.4 * _HOUR)),
    "AudioFiles": ("audio", 220, 0, int(0.7 * _HOUR)),
    "LanguageMarkdown": ("structured text", 356, 0, 0),
    "Pronunciation": ("pronunciation", 64, 0, 0),
    "OutputFormatting": ("output format", 38, 0, 0),
}

SENTENCES = {
    "en-US": [
        "The Contoso router blinks amber when the uplink is lost.",
        "Please hold the reset pin for eleven seconds.",
        "Our warranty covers the modem but not the antenna.",
        "I would like to cancel the installation on Thursday.",
        "The technician will bring a spare fiber splitter.",
        "Could you repeat the serial number of the gateway?",
    ],
    "de-DE": [
        "Der Contoso Router blinkt gelb, wenn die Leitung gestört ist.",
        "Bitte halten Sie den Stift elf Sekunden lang gedrückt.",
        "Die Garantie gilt für das Modem, nicht für die Antenne.",
        "Ich möchte den Termin am Donnerstag absagen.",
        "Der Techniker bringt einen zweiten Glasfaserverteiler mit.",
        "Nennen Sie mir bitte noch einmal die Seriennummer.",
    ],
}


UTTERANCES = 24
"""Recordings of a dataset with transcripts: enough for a test to be judged."""


@dataclass(frozen=True)
class Release:
    """A base model: how many quarters old, a suffix of its name, and what is special about it."""

    quarters: int
    suffix: str = ""
    kinds: tuple[str, ...] | None = None
    display_only: bool = False
    evergreen: bool = False


_RELEASES = (
    Release(0, evergreen=True),
    Release(10),
    Release(7),
    Release(5),
    Release(4),
    Release(3),
    Release(2),
    Release(2, " Whisper Large V2", ("Acoustic",), display_only=True),
    Release(1),
    Release(1, " Batch", ()),
    Release(0),
)

_FEW_RELEASES = (0, 2, 4, 6, 8, len(_RELEASES) - 1)
"""The base models of locales that are not full: with them there are more than 900, as on Azure."""


def stock_id(*names: str) -> str:
    """Return the id of a thing of the stock, from its account, kind and name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "custom-speech-emulator/stock/" + "/".join(names)))


def fill(state: EmulatorState) -> None:
    """Put the stock into an empty store."""
    now = state.now()
    entities = [*_base_models(now)]
    for account in state.settings.accounts:
        entities += _of_account(account, now, entities)
    for entity in entities:
        state.store.put(entity)
        _fill_out(state, entity, now)


def _fill_out(state: EmulatorState, entity: Entity, now: datetime) -> None:
    """Return datasets something to be tested with, and what has ended its report."""
    if entity.kind == "datasets" and entity.status == "Succeeded":
        texts = SENTENCES[entity.document["locale"]]
        longer = (f"{first} {second}" for first, second in permutations(texts, 2))
        utterances = [*texts, *longer][:UTTERANCES]
        kind = entity.document["kind"]
        said = [text if kind == "Acoustic" else None for text in utterances]
        audio = [[f"call-{n:02}.wav", 6_000, text] for n, text in enumerate(said, 1)]
        content = {"texts": texts, "audio": audio if kind in AUDIO else []}
        state.store.put_data(entity.account, entity.id, TEXTS, json.dumps(content).encode())
        counts = {name: entity.document[name] for name in ("acceptedLineCount", "rejectedLineCount")}
        files.add(state, entity, "report.json", "DatasetReport", json.dumps(counts).encode(), now)
        dataset_imports.add_transcription(state, entity, now)
        if entity.document["kind"] == "Language":
            files.add(state, entity, "language_data.txt", "LanguageData", "\n".join(texts).encode("utf-8-sig"), now)
    if entity.kind == "models":
        model_training.keep(
            state, entity, {"words": sorted(model_training.words_of(SENTENCES["en-US"], "en-US")), "audio": False}
        )
        model_training.ended(state, entity, now)


def _base_models(now: datetime) -> list[Entity]:
    models = [
        _base_model(locale, n, release, now)
        for locale in TRAINS_WITH
        for n, release in enumerate(_RELEASES)
        if locale in FULL_LOCALES or n in _FEW_RELEASES
    ]
    return sorted(models, key=lambda model: (model.document["createdDateTime"], model.document["locale"]))


def _base_model(locale: str, n: int, release: Release, now: datetime) -> Entity:
    last = quarter_close(now - timedelta(days=92))
    created = quarter_close(last - timedelta(days=91 * release.quarters + 10)) - timedelta(days=31 - n)
    created = min(_EVERGREEN, now - timedelta(days=1200)) if release.evergreen else created
    close = quarter_close(created)
    # Released before training was charged, and kept open by later extensions of its dates.
    extended = quarter_close(now + timedelta(days=200)) if release.evergreen else None
    kinds = (
        TRAINS_WITH[locale] if release.kinds is None else tuple(k for k in release.kinds if k in TRAINS_WITH[locale])
    )
    document = {
        "displayName": f"{created:%Y%m%d}{release.suffix}",
        "description": f"{locale} base model",
        "locale": locale,
        "status": "Succeeded",
        "createdDateTime": stamp(created),
        "lastActionDateTime": stamp(created),
        "adaptationDateTime": stamp(extended or years_later(close, 1)),
        "transcriptionDateTime": stamp(years_later(extended, 1) if extended else years_later(close, 2)),
        "trainsWith": list(kinds),
        "charged": created >= _CHARGED_SINCE,
        "transcribes": True,
        "endpoints": not release.display_only,
        "formats": ["Display"] if release.display_only else ["Lexical", "Display"],
    }
    return Entity("", "models/base", stock_id("base", locale, str(n)), document)


def _of_account(account: Account, now: datetime, base_models: list[Entity]) -> Iterator[Entity]:
    made = now - timedelta(days=40)
    for locale in _PROJECTS:
        yield _named(account, "projects", f"Contoso {locale}", locale, made)
    if account.tier == "F0":
        return  # its quota of two datasets has no room for the rest
    for locale in _FULL:
        for kind in _DATASETS:
            yield _dataset(account, kind, locale, made)
    yield _unfinished(account, "import still running", now, {"status": "Running"})
    error = {"code": "DataImportFailed", "message": "The file is not encoded in UTF-8 with BOM."}
    yield _unfinished(account, "import failed", now, {"status": "Failed", "error": error})
    yield _model(account, made, base_models)


def _named(account: Account, kind: str, name: str, locale: str, at: datetime) -> Entity:
    document: Json = {"displayName": name, "locale": locale, "createdDateTime": stamp(at)}
    document |= (
        {} if kind == "projects" else {"status": "Succeeded", "lastActionDateTime": stamp(at + timedelta(minutes=9))}
    )
    return Entity(account.name, kind, stock_id(account.name, kind, name), document)


def _dataset(account: Account, kind: str, locale: str, at: datetime) -> Entity:
    name, accepted, rejected, milliseconds = _DATASETS[kind]
    dataset = _named(account, "datasets", f"Contoso {name} {locale}", locale, at)
    dataset.document |= {
        "kind": kind,
        "project": stock_id(account.name, "projects", f"Contoso {locale}"),
        "acceptedLineCount": accepted,
        "rejectedLineCount": rejected,
        "milliseconds": milliseconds,
    }
    return dataset


def _unfinished(account: Account, name: str, now: datetime, state: Json) -> Entity:
    dataset = _named(account, "datasets", f"Contoso {name} en-US", "en-US", now - timedelta(minutes=20))
    dataset.document |= {"kind": "Language", **state}
    return dataset


def _model(account: Account, at: datetime, base_models: list[Entity]) -> Entity:
    base = next(b for b in base_models if b.id == stock_id("base", "en-US", "8"))
    model = _named(account, "models", "Contoso finished model en-US", "en-US", at + timedelta(days=1))
    model.document |= {name: base.document[name] for name in ("transcribes", "endpoints", "formats")} | {
        "baseModel": base.id,
        "datasets": [stock_id(account.name, "datasets", "Contoso plain text en-US")],
        "project": stock_id(account.name, "projects", "Contoso en-US"),
        "weight": 30,
        "transcriptionDateTime": stamp(years_later(quarter_close(at), 2)),
    }
    return model
