"""Base models: what custom models are trained from. Read only, the same in every region."""

from __future__ import annotations

from datetime import datetime

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.error_responses import invalid
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import Reference
from custom_speech_emulator.resources import entities
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.resources.locales import AUDIO
from custom_speech_emulator.state.clock import moment
from custom_speech_emulator.state.entity_store import Entity


def shape(model: str, document: Json, version: Version) -> Json:
    """Return a BaseModel."""
    features = version.features(document["transcribes"], document["endpoints"], document["formats"], fast=True)
    return {
        "links": {"manifest": version.link("models/base", model, "manifest")},
        "properties": {
            "deprecationDates": {
                "adaptationDateTime": document["adaptationDateTime"],
                "transcriptionDateTime": document["transcriptionDateTime"],
            },
            "features": features | {"supportsAdaptationsWith": document["trainsWith"]},
            "chargeForAdaptation": document["charged"],
        },
    }


BASE_MODELS = Kind("models/base", "base model", "InvalidBaseModel", shape, shared=True, moves=False)


def is_open(model: Entity, now: datetime) -> bool:
    """Return whether it can still be trained from."""
    return moment(model.document["adaptationDateTime"]) > now


def adapts_to_text_only(model: Entity) -> bool:
    """Return whether a base model learns from text alone; it then takes any kind of data (recorded live)."""
    kinds = set(model.document["trainsWith"])
    return "Language" in kinds and not kinds & set(AUDIO)


def chosen(call: Call, reference: Reference | None, locale: str, kinds: set[str]) -> Entity:
    """Return the base model that a body names, or the default one; 400 when it cannot be trained from."""
    if reference is None:
        return default(call, locale, kinds)
    model = entities.resolved(call, BASE_MODELS, reference.uri, "baseModel")
    entities.same_locale(model, locale, BASE_MODELS)
    if not is_open(model, call.now):
        message = "The specified model is deprecated and cannot be used for this operation."
        raise invalid("ModelDeprecated", message, "baseModel.self")
    return model


def default(call: Call, locale: str, kinds: set[str]) -> Entity:
    """Return the newest base model of a locale that can be trained with these kinds of data; 400 when there is none."""
    same = call.store.all("", "models/base", "json_extract(document, '$.locale') IS ?", (locale,))
    fitting = [
        model
        for model in same
        if is_open(model, call.now) and (kinds <= set(model.document["trainsWith"]) or adapts_to_text_only(model))
    ]
    if not fitting:
        raise invalid("InvalidBaseModel", f"No base model of {locale} can be trained with {', '.join(sorted(kinds))}.")
    return max(fitting, key=lambda model: (model.document["createdDateTime"], bool(model.document["trainsWith"])))
