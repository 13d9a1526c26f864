"""Base models, and custom models trained from them with datasets."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime

from custom_speech_emulator.http.api_versions import ApiVersion, Json
from custom_speech_emulator.http.host_address import HOST_PLACEHOLDER
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request_bodies import NEW_MODEL, get_property, read_body
from custom_speech_emulator.http.responses import ApiResponse, invalid
from custom_speech_emulator.resources import entities, files
from custom_speech_emulator.resources.dataset_imports import accepted_content
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.resources.locales import AUDIO_KINDS
from custom_speech_emulator.resources.projects import PROJECTS
from custom_speech_emulator.resources.recognition import SimulatedAccuracy, distinct_words
from custom_speech_emulator.state.emulator_state import EmulatorState, format_time, parse_time, quarter_close
from custom_speech_emulator.state.entity_store import StoredEntity

_TRAINING_WORDS = "trainingWords"
_MAX_TEXT_BYTES = {"F0": 200_000, "S0": 500_000}  # of a v3.2 model (quotas and limits page, January 2026)


def base_model_to_json(model: str, document: Json, version: ApiVersion) -> Json:
    """Return the properties of a BaseModel."""
    dates = {name: document[name] for name in ("adaptationDateTime", "transcriptionDateTime")}
    features = version.features(document, fast=True) | {"supportsAdaptationsWith": document["trainsWith"]}
    return {
        "links": {"manifest": version.link("models/base", model, "manifest")},
        "properties": {"deprecationDates": dates, "features": features, "chargeForAdaptation": document["charged"]},
    }


def model_to_json(model: str, document: Json, version: ApiVersion) -> Json:
    """Return the properties of a CustomModel."""
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


def complete_training(state: EmulatorState, model: StoredEntity, at: datetime) -> None:
    """Add a training report to the files of a model."""
    accuracy = get_accuracy(state, model.account, model.kind, model.id)
    report = {"status": model.status, "words": len(accuracy.words), "audio": accuracy.audio, "simulated": True}
    files.add(state, model, "report.json", "ModelReport", json.dumps(report, indent=1).encode(), at)


BASE_MODELS = entities.EntityKind("models/base", "base model", base_model_to_json, "InvalidBaseModel", shared=True)
_USES = (("endpoints", "json_extract(document, '$.model') = ?"),)
MODELS = entities.EntityKind(
    "models", "model", model_to_json, "InvalidModel", parent=PROJECTS, used_by=_USES, on_completion=complete_training
)


def create(call: OperationCall) -> ApiResponse:
    """Handle Models_Create."""
    body = read_body(call, NEW_MODEL)
    model = entities.new_entity(call, MODELS, body)
    locale = model.document["locale"]
    references = body.get("datasets") or ()
    datasets = [entities.resolve_reference(call, DATASETS, one, locale, "datasets") for one in references]
    kinds = {str(dataset.document["kind"]) for dataset in datasets} | ({"Language"} if body.get("text") else set())
    if body.get("baseModel") is None:
        base = _newest_base_model(call, locale, kinds)
    else:
        base = entities.resolve_reference(call, BASE_MODELS, body["baseModel"], locale, "baseModel")
        require_unexpired(call, base, "adaptationDateTime", "baseModel.self")
    if len({dataset.id for dataset in datasets}) < len(datasets):
        raise invalid("InvalidDataset", "A dataset is named twice.", "datasets")
    _check_training_data(call, body, kinds, base)
    model.document |= inherited_properties(base, call.now) | {"datasets": [dataset.id for dataset in datasets]}
    # The default of 30 is from the article on the migration to v3.1.
    model.document["weight"] = get_property(body, "customModelWeightPercent") or 30
    if not all(dataset.document.get("isTrainable", True) for dataset in datasets):
        error = {"code": "InvalidDataset", "message": "Every audio file of a dataset is longer than 40 seconds."}
        model.document["outcome"] = {"status": "Failed", "error": error}
    uses_audio = not _adapts_to_text_only(base)
    texts = [line for dataset in datasets for line in accepted_content(call.state, dataset)["texts"]]
    texts.append(body.get("text") or "")
    audio = uses_audio and "Acoustic" in kinds
    model.document["trainingWords"] = store_training_words(call.state, texts, locale, audio=audio)
    call.state.start(model, call.now, takes_full_time=uses_audio, status="Running")
    return entities.store_created(call, MODELS, model)


def _newest_base_model(call: OperationCall, locale: str, kinds: set[str]) -> StoredEntity:
    """Return the newest base model of a locale that accepts all kinds of data, or raise a 400 error."""
    candidates = [
        model
        for model in call.store.all("", "models/base", "json_extract(document, '$.locale') IS ?", (locale,))
        if parse_time(model.document["adaptationDateTime"]) > call.now
        and (kinds <= set(model.document["trainsWith"]) or _adapts_to_text_only(model))
    ]
    if not candidates:
        raise invalid("InvalidBaseModel", f"No base model of {locale} can be trained with {', '.join(sorted(kinds))}.")
    return max(candidates, key=lambda model: (model.document["createdDateTime"], bool(model.document["trainsWith"])))


def _adapts_to_text_only(model: StoredEntity) -> bool:
    """Return whether a base model adapts to text only; such a base model accepts all kinds of data (recorded live)."""
    kinds = set(model.document["trainsWith"])
    return "Language" in kinds and not kinds & set(AUDIO_KINDS)


def _check_training_data(call: OperationCall, body: Json, kinds: set[str], base: StoredEntity) -> None:
    """Raise a 400 error if a base model cannot be trained with the data of a body."""
    limit = _MAX_TEXT_BYTES[call.account.tier]
    if len((body.get("text") or "").encode()) > limit:
        raise invalid("QuotaViolation", f"The text of a model can have {limit // 1000} KB.", "text")
    if body.get("text") and body.get("datasets"):
        raise invalid("InvalidPayload", "Either datasets or text can be given.", "text")
    if {"Pronunciation", "LanguageMarkdown"} <= kinds:
        message = "Pronunciation data cannot be used together with structured text."
        raise invalid("InvalidAdaptationMapping", message, "datasets")
    if not base.document["trainsWith"]:
        message = "The base model is an end-to-end model and isn't valid for adaptation."
        raise invalid("InvalidPayload", message, "baseModel")
    if _adapts_to_text_only(base):
        return  # all kinds are accepted in all regions, and only transcripts are used (recorded live)
    unsupported = kinds - set(base.document["trainsWith"])
    if unsupported:
        message = f"The base model cannot be adapted with {', '.join(sorted(unsupported))}."
        raise invalid("InvalidAdaptationMapping", message, "baseModel")
    is_outside = not call.account.trains_audio and not call.state.settings.audio_training_elsewhere
    if is_outside and kinds & set(AUDIO_KINDS):
        message = f"Training with audio data is not available in the region {call.account.region}."
        raise invalid("InvalidAdaptationMapping", message, "datasets")


def inherited_properties(base: StoredEntity, now: datetime) -> Json:
    """Return the properties that a custom model inherits from its base model, and its own expiration date."""
    inherited = {name: base.document[name] for name in ("transcribes", "endpoints", "formats")}
    expires = format_time(quarter_close(now, years=2))
    return {**inherited, "baseModel": base.id, "transcriptionDateTime": expires, "weight": 30}


def resolve_model(call: OperationCall, reference: Json | None, locale: str, name: str) -> StoredEntity:
    """Return the referenced model, or the newest base model for None. Raises 400 for an unusable model."""
    if reference is None:
        return _newest_base_model(call, locale, set())
    uri = reference["self"].lower().partition("?")[0]
    if "/models/base/" not in uri and call.store.get("", BASE_MODELS.path, uri.rstrip("/").rpartition("/")[2]):
        uri = uri.replace("/models/", "/models/base/")  # a base model is accepted as `/models/{id}` (recorded live)
    kind = BASE_MODELS if "/models/base/" in uri else MODELS
    model = entities.resolve_reference(call, kind, {"self": uri}, locale, name)
    require_unexpired(call, model, "transcriptionDateTime", name)
    return model


def require_unexpired(call: OperationCall, model: StoredEntity, date: str, name: str) -> None:
    """Raise a 400 `ModelDeprecated` error if the given date of a model has passed."""
    if parse_time(model.document[date]) <= call.now:
        message = "The specified model is deprecated and cannot be used for this operation."
        raise invalid("ModelDeprecated", message, name)


def get_manifest(call: OperationCall, kind: entities.EntityKind) -> ApiResponse:
    """Handle Models_GetCustomModelManifest and Models_GetBaseModelManifest. The model files are placeholders."""
    model = entities.get_or_404(call, kind)
    name, _ = call.version.lifetime
    if call.version.dated and name not in call.query:
        raise invalid("InvalidParameterValue", f"The query parameter {name} is missing.", name)
    if model.status != "Succeeded":
        raise invalid("InvalidModel", f"The model is {model.status}; it has no manifest yet.", "id")
    until = call.now + files.url_lifetime(call)
    model_files = []
    for file in ("model.fe", "base.lms", *(("custom.lms",) if kind is MODELS else ())):
        url = HOST_PLACEHOLDER + files.sign_path(call.state, model.account, model.id, file, until)
        model_files.append({"name": f"{model.id}/{file}", "contentUrl": url})
    reference, properties = call.version.reference(kind.path, model.id), {"simulated": True}
    return ApiResponse(200, {"model": reference, "modelFiles": model_files, "properties": properties})


def store_training_words(state: EmulatorState, texts: Iterable[str], locale: str, *, audio: bool = False) -> str:
    """Store the words of training texts, and whether audio was used; return their digest, which copies share."""
    content = json.dumps({"words": sorted(distinct_words(texts, locale)), "audio": audio}).encode()
    digest = hashlib.sha256(content).hexdigest()
    state.store.put_data("", _TRAINING_WORDS, digest, content)
    return digest


def get_accuracy(state: EmulatorState, account: str, kind: str, model_id: str) -> SimulatedAccuracy:
    """Return the simulated accuracy of a base or custom model."""
    model = state.store.get("" if kind == "models/base" else account, kind, model_id)
    if model is None:
        return SimulatedAccuracy()
    content = state.store.data("", _TRAINING_WORDS, model.document.get("trainingWords", ""))
    training: Json = json.loads(content) if content else {"words": [], "audio": False}
    base = state.store.get("", "models/base", model.document.get("baseModel", model.id))
    year = parse_time(base.document["createdDateTime"]).year if base else 2023
    return SimulatedAccuracy(frozenset(training["words"]), training["audio"], year)
