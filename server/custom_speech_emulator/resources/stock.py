"""The initial content: base models by quarter, and in each account projects, datasets and one model.

Release dates follow the clock, so that the stock never goes stale; ids follow from names, so that they never change.
"""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from itertools import permutations
from typing import NamedTuple

from custom_speech_emulator.http.api_versions import Json
from custom_speech_emulator.resources import dataset_imports, models
from custom_speech_emulator.resources.locales import AUDIO, FULL_LOCALES, TRAINS_WITH
from custom_speech_emulator.state.emulator_state import Account, EmulatorState, quarter_close, stamp
from custom_speech_emulator.state.entity_store import SETTINGS, Entity

_FULL = ("en-US", "de-DE")  # locales with data of every kind

# kind: (name, accepted lines, rejected lines, milliseconds)
_DATASETS = {
    "Language": ("plain text", 4812, 7, 0),
    "Acoustic": ("audio with transcripts", 1460, 3, 8_640_000),
    "AudioFiles": ("audio", 220, 0, 2_520_000),
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


class _Release(NamedTuple):
    """A base model: how many quarters old, a suffix of its name, its kinds of data if not all, and its formats."""

    quarters: int
    suffix: str = ""
    kinds: tuple[str, ...] = (*AUDIO, "Language", "LanguageMarkdown", "OutputFormatting", "Pronunciation")
    formats: tuple[str, ...] = ("Lexical", "Display")


_WHISPER = _Release(2, " Whisper Large V2", ("Acoustic",), ("Display",))
_OLDEST = _Release(0)  # released before training was charged, and kept open by later extensions of its dates
_EARLIER = tuple(_Release(quarters) for quarters in (10, 7, 5, 4, 3, 2))
_RELEASES = (_OLDEST, *_EARLIER, _WHISPER, _Release(1), _Release(1, " Batch", ()), _Release(0))


@cache
def _stock_id(*names: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "custom-speech-emulator/stock/" + "/".join(names)))


def fill(state: EmulatorState) -> None:
    """Put the stock into an empty store, once, unless the settings leave it out."""
    if state.store.data(*SETTINGS, "stocked"):
        return
    state.store.put_data(*SETTINGS, "stocked", b"yes")
    if not state.settings.stock:
        return
    now = state.now().astimezone(UTC)
    state.store.put_all("", "models/base", _base_models(now.replace(hour=0, minute=0, second=0, microsecond=0)))
    base = state.store.get("", "models/base", _stock_id("base", "en-US", "8"))
    assert base is not None  # noqa: S101 - it was put there
    for account in state.settings.accounts:
        for entity in _of_account(state, account, now, base):
            state.store.put(entity)
            if entity.kind == "datasets" and entity.status == "Succeeded":
                _fill_dataset(state, entity, now)
            if entity.kind == "models":
                models.ended(state, entity, now)


@lru_cache(maxsize=4)  # most of the time that a fresh emulator needs
def _base_models(day: datetime) -> list[tuple[str, str]]:
    """Return ids and documents of the base models of a day, oldest first; the documents are JSON text."""
    few = (0, 2, 4, 6, 8, len(_RELEASES) - 1)  # of the other locales, for more than 900 in all, as on Azure
    base_models = []
    for n, release in enumerate(_RELEASES):
        dates = _dates(release, n, day)
        for locale in FULL_LOCALES if n not in few else TRAINS_WITH:
            document = {"description": f"{locale} base model", "locale": locale, "status": "Succeeded", **dates}
            kinds = [kind for kind in TRAINS_WITH[locale] if kind in release.kinds]
            document |= {"trainsWith": kinds, "formats": release.formats, "transcribes": True}
            document["endpoints"] = release is not _WHISPER
            base_models.append((_stock_id("base", locale, str(n)), document))
    base_models.sort(key=lambda model: (model[1]["createdDateTime"], model[1]["locale"]))
    return [(base_model, json.dumps(document)) for base_model, document in base_models]


def _fill_dataset(state: EmulatorState, dataset: Entity, now: datetime) -> None:
    """Give a dataset something to be tested with, and the files that an import leaves."""
    locale, kind = dataset.document["locale"], dataset.document["kind"]
    state.store.put_data(dataset.account, dataset.id, dataset_imports.TEXTS, _content(locale, kind))
    if kind == "Language":
        lines = "\n".join(SENTENCES[locale]).encode("utf-8-sig")
        state.store.put_data(dataset.account, dataset.id, dataset_imports.CONTENT, lines)
    dataset.document["report"] = {name: dataset.document[name] for name in ("acceptedLineCount", "rejectedLineCount")}
    dataset_imports.ended(state, dataset, now)


@cache
def _content(locale: str, kind: str) -> bytes:
    """Return the texts and recordings of a dataset; 24 recordings are enough for a test to be judged."""
    texts = SENTENCES[locale]
    longer = (f"{first} {second}" for first, second in permutations(texts, 2))
    said = [text if kind == "Acoustic" else None for text in [*texts, *longer][:24]]
    audio = [[f"call-{n:02}.wav", 6_000, text] for n, text in enumerate(said, 1)]
    return json.dumps({"texts": texts, "audio": audio if kind in AUDIO else []}).encode()


def _dates(release: _Release, n: int, now: datetime) -> Json:
    """Return the name and the dates of a release, and whether training with it is charged."""
    last = quarter_close(now - timedelta(days=92))
    created = quarter_close(last - timedelta(days=91 * release.quarters + 10)) - timedelta(days=31 - n)
    adapts_until, transcribes_until = quarter_close(created, years=1), quarter_close(created, years=2)
    if release is _OLDEST:
        created = min(datetime(2023, 6, 14, tzinfo=UTC), now - timedelta(days=1200))
        extended = now + timedelta(days=200)
        adapts_until, transcribes_until = quarter_close(extended), quarter_close(extended, years=1)
    return {
        "displayName": f"{created:%Y%m%d}{release.suffix}",
        **dict.fromkeys(("createdDateTime", "lastActionDateTime"), stamp(created)),
        "adaptationDateTime": stamp(adapts_until),
        "transcriptionDateTime": stamp(transcribes_until),
        "charged": created >= datetime(2023, 10, 1, tzinfo=UTC),
    }


def _of_account(state: EmulatorState, account: Account, now: datetime, base: Entity) -> Iterator[Entity]:
    made = now - timedelta(days=40)
    for locale in (*_FULL, "fr-FR"):
        yield _named(account, "projects", "", locale, made, {})
    if account.tier == "F0":
        return  # its quota of two datasets has no room for the rest
    for locale in _FULL:
        project = _stock_id(account.name, "projects", f"Contoso {locale}")
        for kind, (name, accepted, rejected, milliseconds) in _DATASETS.items():
            counts = {"acceptedLineCount": accepted, "rejectedLineCount": rejected, "milliseconds": milliseconds}
            yield _named(account, "datasets", f"{name} ", locale, made, {"kind": kind, "project": project, **counts})
    recently, running = now - timedelta(minutes=20), {"kind": "Language", "status": "Running"}
    yield _named(account, "datasets", "import still running ", "en-US", recently, running)
    error = {"code": "DataImportFailed", "message": "The file is not encoded in UTF-8 with BOM."}
    failed = {"kind": "Language", "status": "Failed", "error": error}
    yield _named(account, "datasets", "import failed ", "en-US", recently, failed)
    trained = models.trained_from(base, made) | {
        "learnt": models.learnt(state, SENTENCES["en-US"], "en-US"),
        "datasets": [_stock_id(account.name, "datasets", "Contoso plain text en-US")],
        "project": _stock_id(account.name, "projects", "Contoso en-US"),
    }
    yield _named(account, "models", "finished model ", "en-US", made + timedelta(days=1), trained)


def _named(account: Account, kind: str, name: str, locale: str, at: datetime, properties: Json) -> Entity:
    display_name = f"Contoso {name}{locale}"
    document: Json = {"displayName": display_name, "locale": locale, "createdDateTime": stamp(at)}
    if kind != "projects":
        document |= {"status": "Succeeded", "lastActionDateTime": stamp(at + timedelta(minutes=9))}
    return Entity(account.name, kind, _stock_id(account.name, kind, display_name), document | properties)
