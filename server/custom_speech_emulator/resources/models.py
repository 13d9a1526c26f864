"""Base models, custom models trained from them with datasets, and copies to other resources."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.links import HOST_PLACEHOLDER, region_placeholder
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import (
    COPY_AUTHORIZATION,
    COPY_DEFINITION,
    COPY_TO_KEY,
    NEW_MODEL,
    read,
    setting,
)
from custom_speech_emulator.http.responses import Answer, invalid
from custom_speech_emulator.resources import entities, files
from custom_speech_emulator.resources.dataset_imports import content_of
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.resources.locales import AUDIO
from custom_speech_emulator.resources.recognition import Skill, words_of
from custom_speech_emulator.state.emulator_state import EmulatorState, moment, of_key, quarter_close, retry_after, stamp
from custom_speech_emulator.state.entity_store import Entity

_LEARNT, _AUTHORIZATIONS = "learnt", "authorizations"


def base_shape(model: str, document: Json, version: Version) -> Json:
    """Return a BaseModel."""
    dates = {name: document[name] for name in ("adaptationDateTime", "transcriptionDateTime")}
    features = version.features(document, fast=True) | {"supportsAdaptationsWith": document["trainsWith"]}
    return {
        "links": {"manifest": version.link("models/base", model, "manifest")},
        "properties": {"deprecationDates": dates, "features": features, "chargeForAdaptation": document["charged"]},
    }


def shape(model: str, document: Json, version: Version) -> Json:
    """Return a CustomModel."""
    links = {name: version.link("models", model, name) for name in ("manifest", "files")}
    return {
        "baseModel": version.reference("models/base", document.get("baseModel")),
        "datasets": [version.reference("datasets", one) for one in document["datasets"]] or None,
        "links": {**links, "copy": version.link("models", f"{model}:copy")},
        "properties": {
            "deprecationDates": {"transcriptionDateTime": document["transcriptionDateTime"]},
            "customModelWeightPercent": document["weight"],
            "features": version.features(document, fast=False),
        },
    }


def ended(state: EmulatorState, model: Entity, at: datetime) -> None:
    """End the training: store its report with the model."""
    known = skill(state, model.account, model.kind, model.id)
    report = {"status": model.status, "words": len(known.words), "audio": known.audio, "simulated": True}
    files.add(state, model, "report.json", "ModelReport", json.dumps(report, indent=1).encode(), at)


def copy_shape(operation: str, document: Json, version: Version) -> Json:
    """Return an Operation; its result lies on the target's host."""
    result = None
    if "copy" in document:
        result = {"link": region_placeholder(document["region"]) + version.path("models", document["copy"])}
    return {"id": operation, "result": result, "error": document.get("error")}


def _arrived(state: EmulatorState, document: Json, target: str, at: datetime) -> Entity:
    model = Entity(target, MODELS.path, state.new_id(), document | {"createdDateTime": stamp(at)})
    state.start(model, at)
    state.store.put(model)
    state.record_event(model, "Creation")
    return model


def copy_ended(state: EmulatorState, operation: Entity, at: datetime) -> None:
    """End the operation: if it succeeded, the model is on the target."""
    if operation.status == "Succeeded":
        document = operation.document.pop("model")
        operation.document["copy"] = _arrived(state, document, operation.document["target"], at).id


BASE_MODELS = entities.Kind("models/base", "base model", "InvalidBaseModel", base_shape, shared=True)
_DEPLOYED = (("endpoints", "json_extract(document, '$.model') = ?"),)
MODELS = entities.Kind("models", "model", "InvalidModel", shape, used_by=_DEPLOYED, ended=ended)
COPIES = entities.Kind("operations/models/copy", "operation", "InvalidPayload", copy_shape, ended=copy_ended)


def create(call: Call) -> Answer:
    """Models_Create."""
    body = read(call, NEW_MODEL)
    model = entities.new(call, MODELS, body)
    locale = model.document["locale"]
    datasets = [entities.resolved(call, DATASETS, one, locale, "datasets") for one in body.get("datasets") or ()]
    kinds = {str(dataset.document["kind"]) for dataset in datasets} | ({"Language"} if body.get("text") else set())
    if body.get("baseModel") is None:
        base = _newest_base_model(call, locale, kinds)
    else:
        base = entities.resolved(call, BASE_MODELS, body["baseModel"], locale, "baseModel")
        require_unexpired(call, base, "adaptationDateTime", "baseModel.self")
    if len({dataset.id for dataset in datasets}) < len(datasets):
        raise invalid("InvalidDataset", "A dataset is named twice.", "datasets")
    _check(call, body, kinds, base)
    model.document |= trained_from(base, call.now) | {"datasets": [dataset.id for dataset in datasets]}
    model.document["weight"] = setting(body, "customModelWeightPercent") or 30  # article on the migration to v3.1
    if not all(dataset.document.get("trains", True) for dataset in datasets):
        error = {"code": "InvalidDataset", "message": "Every audio file of a dataset is longer than 40 seconds."}
        model.document["outcome"] = {"status": "Failed", "error": error}
    is_quick = _adapts_to_text_only(base)
    texts = [line for dataset in datasets for line in content_of(call.state, dataset)["texts"]]
    texts.append(body.get("text") or "")
    model.document["learnt"] = learnt(call.state, texts, locale, audio=not is_quick and "Acoustic" in kinds)
    call.state.start(model, call.now, is_quick=is_quick, status="Running")
    return entities.created(call, MODELS, model)


def _newest_base_model(call: Call, locale: str, kinds: set[str]) -> Entity:
    """Return the newest base model of a locale that can be trained with these kinds of data; 400 without any."""
    fitting = [
        model
        for model in call.store.all("", "models/base", "json_extract(document, '$.locale') IS ?", (locale,))
        if moment(model.document["adaptationDateTime"]) > call.now
        and (kinds <= set(model.document["trainsWith"]) or _adapts_to_text_only(model))
    ]
    if not fitting:
        raise invalid("InvalidBaseModel", f"No base model of {locale} can be trained with {', '.join(sorted(kinds))}.")
    return max(fitting, key=lambda model: (model.document["createdDateTime"], bool(model.document["trainsWith"])))


def _adapts_to_text_only(model: Entity) -> bool:
    """Return whether a base model learns from text alone; it then takes any kind of data (recorded live)."""
    kinds = set(model.document["trainsWith"])
    return "Language" in kinds and not kinds & set(AUDIO)


def _check(call: Call, body: Json, kinds: set[str], base: Entity) -> None:
    most = {"F0": 200_000, "S0": 500_000}[call.account.tier]  # bytes (quotas and limits page, January 2026)
    if len((body.get("text") or "").encode()) > most:
        raise invalid("QuotaViolation", f"The text of a model can have {most // 1000} KB.", "text")
    if body.get("text") and body.get("datasets"):
        raise invalid("InvalidPayload", "Either datasets or text can be given.", "text")
    if {"Pronunciation", "LanguageMarkdown"} <= kinds:
        message = "Pronunciation data cannot be used together with structured text."
        raise invalid("InvalidAdaptationMapping", message, "datasets")
    if not base.document["trainsWith"]:
        message = "The base model is an end-to-end model and isn't valid for adaptation."
        raise invalid("InvalidPayload", message, "baseModel")
    if _adapts_to_text_only(base):
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
    """Return the properties that a custom model takes over from its base model, and its own expiry."""
    kept = {name: base.document[name] for name in ("transcribes", "endpoints", "formats")}
    return {**kept, "baseModel": base.id, "transcriptionDateTime": stamp(quarter_close(now, years=2)), "weight": 30}


def usable(call: Call, reference: Json | None, locale: str, name: str) -> Entity:
    """Return the model that a body names, ready to recognize speech of a locale, or the newest base model."""
    if reference is None:
        return _newest_base_model(call, locale, set())
    uri = reference["self"].lower().partition("?")[0]
    if "/models/base/" not in uri and call.store.get("", BASE_MODELS.path, uri.rstrip("/").rpartition("/")[2]):
        uri = uri.replace("/models/", "/models/base/")  # a base model is accepted as `/models/{id}` (recorded live)
    model = entities.resolved(call, BASE_MODELS if "/models/base/" in uri else MODELS, {"self": uri}, locale, name)
    require_unexpired(call, model, "transcriptionDateTime", name)
    return model


def require_unexpired(call: Call, model: Entity, date: str, name: str) -> None:
    """400 `ModelDeprecated` if a date of a model has passed."""
    if moment(model.document[date]) <= call.now:
        message = "The specified model is deprecated and cannot be used for this operation."
        raise invalid("ModelDeprecated", message, name)


def manifest(call: Call, kind: entities.Kind) -> Answer:
    """Models_GetCustomModelManifest, Models_GetBaseModelManifest: files that stand for those of a container."""
    model = entities.found(call, kind)
    name, _ = call.version.lifetime
    if call.version.dated and name not in call.query:
        raise invalid("InvalidParameterValue", f"The query parameter {name} is missing.", name)
    if model.status != "Succeeded":
        raise invalid("InvalidModel", f"The model is {model.status}; it has no manifest yet.", "id")
    until = call.now + files.lifetime(call)
    model_files = []
    for file in ("model.fe", "base.lms", *(("custom.lms",) if kind is MODELS else ())):
        address = HOST_PLACEHOLDER + files.signed(call.state, model.account, model.id, file, until)
        model_files.append({"name": f"{model.id}/{file}", "contentUrl": address})
    reference, properties = call.version.reference(kind.path, model.id), {"simulated": True}
    return Answer(200, {"model": reference, "modelFiles": model_files, "properties": properties})


def learnt(state: EmulatorState, texts: Iterable[str], locale: str, *, audio: bool = False) -> str:
    """Store what a model learns from texts, and perhaps recordings; return its name, which copies share."""
    content = json.dumps({"words": sorted(words_of(texts, locale)), "audio": audio}).encode()
    name = hashlib.sha256(content).hexdigest()
    state.store.put_data("", _LEARNT, name, content)
    return name


def skill(state: EmulatorState, account: str, kind: str, model_id: str) -> Skill:
    """Return how well a base or custom model recognizes speech."""
    model = state.store.get("" if kind == "models/base" else account, kind, model_id)
    if model is None:
        return Skill()
    kept = state.store.data("", _LEARNT, model.document.get("learnt", ""))
    known: Json = json.loads(kept) if kept else {"words": [], "audio": False}
    base = state.store.get("", "models/base", model.document.get("baseModel", model.id))
    year = moment(base.document["createdDateTime"]).year if base else 2023
    return Skill(frozenset(known["words"]), known["audio"], year)


def authorize(call: Call) -> Answer:
    """Models_AuthorizeCopy, on the target."""
    source = call.state.account_of(read(call, COPY_DEFINITION)["sourceResourceId"])
    if source is None:
        raise invalid("InvalidSourceAzureResourceId", "No Speech resource has this id.", "sourceResourceId")
    document = {"targetResourceRegion": call.account.region, "targetResourceId": call.account.resource_id}
    until = stamp(call.now + timedelta(hours=24))  # guessed
    document |= {"sourceResourceId": source.resource_id, "expirationDateTime": until}
    authorization = Entity("", _AUTHORIZATIONS, call.state.new_id(), document)
    call.store.put(authorization)
    return Answer(200, {**document, "targetResourceEndpoint": f"{HOST_PLACEHOLDER}/", "id": authorization.id})


def copy(call: Call) -> Answer:
    """Models_Copy, on the source; in v3.2 also with the body that the training article shows."""
    model, body = entities.found(call, MODELS), call.json()
    if model.status != "Succeeded":
        raise invalid("InvalidModel", f"The model is {model.status}; only a Succeeded model can be copied.", "id")
    require_unexpired(call, model, "transcriptionDateTime", "id")
    left_behind = ("datasets", "project", "text")
    document = {name: value for name, value in model.document.items() if name not in left_behind} | {"datasets": []}
    if not call.version.dated and isinstance(body, dict) and "targetSubscriptionKey" in body:
        return _copy_with_key(call, document, read(call, COPY_TO_KEY, body)["targetSubscriptionKey"])
    following = {"createdDateTime": stamp(call.now), "model": document} | _target(call, body)
    operation = Entity(call.account.name, COPIES.path, call.state.new_id(), following)
    call.state.start(operation, call.now)
    call.store.put(operation)
    headers = {"Operation-Location": call.version.link(COPIES.path, operation.id)}
    return Answer(202, entities.shown(call, COPIES, operation), headers | retry_after(operation, call.now))


def _target(call: Call, body: Json) -> Json:
    """Return account and region of the target whose authorization is used up; 400 for any that is not right."""
    asked = read(call, COPY_AUTHORIZATION, body)
    given = call.store.get("", _AUTHORIZATIONS, asked["id"])
    target = call.state.account_of(asked["targetResourceId"])
    if given is None or target is None or given.document["targetResourceId"] != asked["targetResourceId"]:
        raise invalid("InvalidPayload", "The copy authorization is not known to the target resource.", "id")
    if not given.document["sourceResourceId"] == asked["sourceResourceId"] == call.account.resource_id:
        message = "The copy authorization was given to another source resource."
        raise invalid("InvalidSourceAzureResourceId", message, "sourceResourceId")
    if moment(given.document["expirationDateTime"]) <= call.now:
        raise invalid("ModelCopyAuthorizationExpired", "The copy authorization has expired.", "expirationDateTime")
    call.store.remove(given)
    return {"region": target.region, "target": target.name}


def _copy_with_key(call: Call, document: Json, key: str) -> Answer:
    target = of_key(call.state.settings.accounts, key)
    if target is None:
        raise invalid("InvalidSubscription", "The target subscription key is not valid.", "targetSubscriptionKey")
    copy = _arrived(call.state, document, target.name, call.now)
    there = region_placeholder(target.region)
    text = entities.shown(call, MODELS, copy).replace(HOST_PLACEHOLDER, there)
    return Answer(201, text, {"Location": there + call.version.path("models", copy.id)})
