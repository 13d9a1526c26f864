"""Custom models: created, that is trained, from a base model and datasets."""

from __future__ import annotations

from datetime import datetime

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.error_responses import invalid
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NewModel, Reference, read
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import base_models, entities, model_training, projects, quotas
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.resources.entities import Kind, offered
from custom_speech_emulator.resources.locales import AUDIO
from custom_speech_emulator.state.clock import quarter_close, stamp, years_later
from custom_speech_emulator.state.entity_store import Entity
from custom_speech_emulator.state.progress import QUICK

WEIGHT = 30


def shape(model: str, document: Json, version: Version) -> Json:
    """Return a CustomModel."""
    base = document.get("baseModel")
    return {
        "baseModel": version.reference("models/base", base) if base else None,
        "datasets": [version.reference("datasets", one) for one in document["datasets"]] or None,
        "text": document.get("text") if version.old else None,
        "links": {
            "manifest": version.link("models", model, "manifest"),
            "copy": version.link("models", f"{model}:copy"),
            "files": version.link("models", model, "files"),
        },
        "properties": {
            "deprecationDates": {"transcriptionDateTime": document["transcriptionDateTime"]},
            "customModelWeightPercent": document["weight"],
            "features": version.features(
                document["transcribes"], document["endpoints"], document["formats"], fast=False
            ),
        },
    }


def _in_use(call: Call, model: Entity) -> str | None:
    endpoints = call.store.count(call.account.name, "endpoints", "json_extract(document, '$.model') = ?", (model.id,))
    return "an endpoint" if endpoints else None


MODELS = Kind(
    "models",
    "model",
    "InvalidModel",
    shape,
    change=projects.reconnect,
    in_use=_in_use,
    ended=model_training.ended,
)


def create(call: Call) -> Answer:
    """Models_Create."""
    body = read(call, NewModel)
    body.locale = offered(body.locale)
    project = projects.connected(call, body.project, body.locale)
    datasets = [_dataset(call, reference, body.locale) for reference in body.datasets or []]
    kinds = {str(dataset.document["kind"]) for dataset in datasets} | ({"Language"} if body.text else set())
    base = base_models.chosen(call, body.baseModel, body.locale, kinds)
    _check(call, body, datasets, kinds, base)
    model = entities.new(call, MODELS, body)
    model.document |= trained_from(base, call.now) | {
        "datasets": [dataset.id for dataset in datasets],
        "weight": (body.properties and body.properties.customModelWeightPercent) or WEIGHT,
    }
    model.document |= {name: value for name, value in (("project", project), ("text", body.text)) if value}
    model.document["outcome"] = model_training.outcome(datasets)
    is_quick = base_models.adapts_to_text_only(base)
    model_training.learn(call.state, model, datasets, body.text, takes_audio=not is_quick)
    call.state.progress.start(model, call.now, QUICK if is_quick else 1.0, status="Running")
    return entities.created(call, MODELS, model)


def _dataset(call: Call, reference: Reference, locale: str) -> Entity:
    dataset = entities.resolved(call, DATASETS, reference.uri, "datasets")
    entities.same_locale(dataset, locale, DATASETS)
    if dataset.status != "Succeeded":
        raise invalid("FailedDataset", f"The dataset {dataset.id} is {dataset.status}, not Succeeded.", "datasets")
    return dataset


def _check(call: Call, body: NewModel, datasets: list[Entity], kinds: set[str], base: Entity) -> None:
    if len({dataset.id for dataset in datasets}) < len(datasets):
        raise invalid("InvalidDataset", "A dataset is named twice.", "datasets")
    quotas.check_text(call, body.text or "")
    if body.text and datasets:
        raise invalid("InvalidPayload", "Either datasets or text can be given.", "text")
    if {"Pronunciation", "LanguageMarkdown"} <= kinds:
        message = "Pronunciation data cannot be used together with structured text."
        raise invalid("InvalidAdaptationMapping", message, "datasets")
    if not base.document["trainsWith"]:
        raise invalid(
            "InvalidPayload", "The base model is an end-to-end model and isn't valid for adaptation.", "baseModel"
        )
    if base_models.adapts_to_text_only(base):
        return  # any kind is accepted anywhere, and only the transcripts are used (recorded live)
    refused = kinds - set(base.document["trainsWith"])
    if refused:
        message = f"The base model cannot be adapted with {', '.join(sorted(refused))}."
        raise invalid("InvalidAdaptationMapping", message, "baseModel")
    elsewhere = not call.account.trains_audio and not call.state.settings.audio_training_elsewhere
    if elsewhere and kinds & set(AUDIO):
        message = f"Training with audio data is not available in the region {call.account.region}."
        raise invalid("InvalidAdaptationMapping", message, "datasets")


def trained_from(base: Entity, now: datetime) -> Json:
    """Return what a custom model takes over from its base model, and how long it can be used."""
    kept = {name: base.document[name] for name in ("transcribes", "endpoints", "formats")}
    until = years_later(quarter_close(now), 2)
    return {**kept, "baseModel": base.id, "transcriptionDateTime": stamp(until), "weight": WEIGHT}
