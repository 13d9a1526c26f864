"""The initial entities: base models of several quarters, and projects, datasets and a model in each account.

Dates are relative to the clock, so that they do not become outdated. Ids are derived from names and never change.
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
from custom_speech_emulator.resources.locales import AUDIO_KINDS, FULL_LOCALES, TRAINS_WITH
from custom_speech_emulator.state.emulator_state import EmulatedAccount, EmulatorState, format_time, quarter_close
from custom_speech_emulator.state.entity_store import SETTINGS, StoredEntity

_LOCALES_WITH_DATA = ("en-US", "de-DE")  # locales with data of every kind

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
    """A release of base models."""

    quarters: int  # its age
    suffix: str = ""  # of the model names
    kinds: tuple[str, ...] = (*AUDIO_KINDS, "Language", "LanguageMarkdown", "OutputFormatting", "Pronunciation")
    formats: tuple[str, ...] = ("Lexical", "Display")


_WHISPER = _Release(2, " Whisper Large V2", ("Acoustic",), ("Display",))
_OLDEST = _Release(0)  # released before training was charged; its dates were extended later
_EARLIER = tuple(_Release(quarters) for quarters in (10, 7, 5, 4, 3, 2))
_RELEASES = (_OLDEST, *_EARLIER, _WHISPER, _Release(1), _Release(1, " Batch", ()), _Release(0))


@cache
def _seed_id(*names: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "custom-speech-emulator/stock/" + "/".join(names)))


def seed(state: EmulatorState) -> None:
    """Store the initial entities, unless this was done before or the settings exclude them."""
    if state.store.data(*SETTINGS, "seeded"):
        return
    state.store.put_data(*SETTINGS, "seeded", b"yes")
    if not state.settings.stock:
        return
    now = state.now().astimezone(UTC)
    state.store.put_all("", "models/base", _base_models(now.replace(hour=0, minute=0, second=0, microsecond=0)))
    base = state.store.get("", "models/base", _seed_id("base", "en-US", "8"))
    assert base is not None  # noqa: S101 - stored by the line above
    for account in state.settings.accounts:
        for entity in _account_entities(state, account, now, base):
            state.store.put(entity)
            if entity.kind == "datasets" and entity.status == "Succeeded":
                locale, kind = entity.document["locale"], entity.document["kind"]
                accepted = _accepted_content(locale, kind)
                state.store.put_data(entity.account, entity.id, dataset_imports.ACCEPTED_DATA, accepted)
                if kind == "Language":
                    lines = "\n".join(SENTENCES[locale]).encode("utf-8-sig")
                    state.store.put_data(entity.account, entity.id, dataset_imports.CONTENT_DATA, lines)
                counts = ("acceptedLineCount", "rejectedLineCount")
                entity.document["report"] = {name: entity.document[name] for name in counts}
                dataset_imports.complete_import(state, entity, now)
            if entity.kind == "models":
                models.complete_training(state, entity, now)


@lru_cache(maxsize=4)  # saves most of the start-up time
def _base_models(day: datetime) -> list[tuple[str, str]]:
    """Return the ids and JSON documents of the base models on a day, oldest first."""
    # Releases in the other locales, which result in more than 900 base models, as on Azure.
    common_releases = (0, 2, 4, 6, 8, len(_RELEASES) - 1)
    base_models = []
    for n, release in enumerate(_RELEASES):
        dates = _release_dates(release, n, day)
        for locale in FULL_LOCALES if n not in common_releases else TRAINS_WITH:
            document = {"description": f"{locale} base model", "locale": locale, "status": "Succeeded", **dates}
            kinds = [kind for kind in TRAINS_WITH[locale] if kind in release.kinds]
            document |= {"trainsWith": kinds, "formats": release.formats, "transcribes": True}
            document["endpoints"] = release is not _WHISPER
            base_models.append((_seed_id("base", locale, str(n)), document))
    base_models.sort(key=lambda model: (model[1]["createdDateTime"], model[1]["locale"]))
    return [(base_model, json.dumps(document)) for base_model, document in base_models]


@cache
def _accepted_content(locale: str, kind: str) -> bytes:
    """Return the texts and recordings of a dataset; 24 recordings are enough for a significant evaluation."""
    texts = SENTENCES[locale]
    longer = (f"{first} {second}" for first, second in permutations(texts, 2))
    transcripts = [text if kind == "Acoustic" else None for text in [*texts, *longer][:24]]
    audio = [[f"call-{n:02}.wav", 6_000, text] for n, text in enumerate(transcripts, 1)]
    return json.dumps({"texts": texts, "audio": audio if kind in AUDIO_KINDS else []}).encode()


def _release_dates(release: _Release, n: int, now: datetime) -> Json:
    """Return the name and dates of a release, and whether training from it is charged."""
    last_close = quarter_close(now - timedelta(days=92))
    created = quarter_close(last_close - timedelta(days=91 * release.quarters + 10)) - timedelta(days=31 - n)
    adapts_until, transcribes_until = quarter_close(created, years=1), quarter_close(created, years=2)
    if release is _OLDEST:
        created = min(datetime(2023, 6, 14, tzinfo=UTC), now - timedelta(days=1200))
        extended = now + timedelta(days=200)
        adapts_until, transcribes_until = quarter_close(extended), quarter_close(extended, years=1)
    return {
        "displayName": f"{created:%Y%m%d}{release.suffix}",
        **dict.fromkeys(("createdDateTime", "lastActionDateTime"), format_time(created)),
        "adaptationDateTime": format_time(adapts_until),
        "transcriptionDateTime": format_time(transcribes_until),
        "charged": created >= datetime(2023, 10, 1, tzinfo=UTC),
    }


def _account_entities(
    state: EmulatorState, account: EmulatedAccount, now: datetime, base: StoredEntity
) -> Iterator[StoredEntity]:
    """Yield the initial entities of an account."""
    made = now - timedelta(days=40)
    for locale in (*_LOCALES_WITH_DATA, "fr-FR"):
        yield _entity(account, "projects", "", locale, made, {})
    if account.tier == "F0":
        return  # the quota of two datasets is too small for the rest
    for locale in _LOCALES_WITH_DATA:
        project = _seed_id(account.name, "projects", f"Contoso {locale}")
        for kind, (name, accepted, rejected, milliseconds) in _DATASETS.items():
            counts = {"acceptedLineCount": accepted, "rejectedLineCount": rejected, "milliseconds": milliseconds}
            properties = {"kind": kind, "project": project, **counts}
            yield _entity(account, "datasets", f"{name} ", locale, made, properties)
    recently, running = now - timedelta(minutes=20), {"kind": "Language", "status": "Running"}
    yield _entity(account, "datasets", "import still running ", "en-US", recently, running)
    error = {"code": "DataImportFailed", "message": "The file is not encoded in UTF-8 with BOM."}
    failed = {"kind": "Language", "status": "Failed", "error": error}
    yield _entity(account, "datasets", "import failed ", "en-US", recently, failed)
    trained = models.inherited_properties(base, made) | {
        "trainingWords": models.store_training_words(state, SENTENCES["en-US"], "en-US"),
        "datasets": [_seed_id(account.name, "datasets", "Contoso plain text en-US")],
        "project": _seed_id(account.name, "projects", "Contoso en-US"),
    }
    yield _entity(account, "models", "finished model ", "en-US", made + timedelta(days=1), trained)


def _entity(account: EmulatedAccount, kind: str, name: str, locale: str, at: datetime, extra: Json) -> StoredEntity:
    """Return an entity with the display name `Contoso {name}{locale}`."""
    display_name = f"Contoso {name}{locale}"
    document: Json = {"displayName": display_name, "locale": locale, "createdDateTime": format_time(at)}
    if kind != "projects":
        document |= {"status": "Succeeded", "lastActionDateTime": format_time(at + timedelta(minutes=9))}
    return StoredEntity(account.name, kind, _seed_id(account.name, kind, display_name), document | extra)
