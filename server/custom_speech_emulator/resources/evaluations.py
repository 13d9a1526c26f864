"""Evaluations: two models on one dataset. The recognition is simulated, the error rates are counted (`scoring`)."""

from __future__ import annotations

import json
from datetime import datetime

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.error_responses import invalid
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NewEvaluation, Reference, read
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import entities, evaluation_scoring, files, model_training, projects
from custom_speech_emulator.resources.base_models import BASE_MODELS
from custom_speech_emulator.resources.datasets import DATASETS
from custom_speech_emulator.resources.entities import Kind, offered
from custom_speech_emulator.resources.locales import AUDIO, scores_tokens
from custom_speech_emulator.resources.models import MODELS
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import Entity
from custom_speech_emulator.state.progress import QUICK

_DETAILED = 1000


def shape(evaluation: str, document: Json, version: Version) -> Json:
    """Return an Evaluation."""
    tokens = document["status"] != "Failed"
    unknown = evaluation_scoring.unknown("1", tokens=tokens) | evaluation_scoring.unknown("2", tokens=tokens)
    return {
        "model1": version.reference(*document["model1"]),
        "model2": version.reference(*document["model2"]),
        "dataset": version.reference("datasets", document["dataset"]),
        "transcription1": version.reference("transcriptions", document["transcription1"]),
        "transcription2": version.reference("transcriptions", document["transcription2"]),
        "links": {"files": version.link("evaluations", evaluation, "files")},
        "properties": document.get("rates", unknown),
    }


def ended(state: EmulatorState, evaluation: Entity, at: datetime) -> None:
    """End the evaluation: count the rates and store the details of each recording as files."""
    dataset = state.store.get(evaluation.account, "datasets", evaluation.document["dataset"])
    # Without transcripts it is an inspection, which has no rates.
    if evaluation.status != "Succeeded" or dataset is None or dataset.document["kind"] == "AudioFiles":
        return
    audio = [(str(name), str(said)) for name, _, said in model_training.content_of(state, dataset)["audio"] if said]
    if not audio:
        error = {"code": "InvalidData", "message": "The input data are invalid or empty."}
        evaluation.document |= {"status": "Failed", "error": error}
        return
    locale, rates = evaluation.document["locale"], dict[str, object]()
    normalization = dataset.document.get("textNormalizationKind", "Default")
    for which in ("1", "2"):
        model = _model(state, evaluation, which)
        skill = model_training.skill(state, model) if model else model_training.Skill()
        every = [
            evaluation_scoring.recognize(said, place, skill, locale, normalization)
            for place, (_, said) in enumerate(audio)
        ]
        score = evaluation_scoring.score([phrase for phrases in every for phrase in phrases])
        rates |= evaluation_scoring.rates(score, which, tokens=scores_tokens(locale))
        for (name, _), phrases in zip(audio[:_DETAILED], every, strict=False):
            details = json.dumps(evaluation_scoring.details(name, phrases), indent=1).encode()
            files.add(state, evaluation, f"{name}.model{which}_score.json", "EvaluationDetails", details, at)
    evaluation.document["rates"] = rates


def _model(state: EmulatorState, evaluation: Entity, which: str) -> Entity | None:
    kind, model = evaluation.document[f"model{which}"]
    return state.store.get("" if kind == BASE_MODELS.path else evaluation.account, kind, model)


EVALUATIONS = Kind("evaluations", "evaluation", "InvalidTest", shape, change=projects.reconnect, ended=ended)


def create(call: Call) -> Answer:
    """Evaluations_Create."""
    body = read(call, NewEvaluation)
    body.locale = offered(body.locale)
    project = projects.connected(call, body.project, body.locale)
    models = [usable(call, body.model1, body.locale, "model1"), usable(call, body.model2, body.locale, "model2")]
    dataset = audio_dataset(call, body.dataset, body.locale)
    evaluation = entities.new(call, EVALUATIONS, body)
    first = call.state.new_id()
    evaluation.document |= {
        "model1": [models[0].kind, models[0].id],
        "model2": [models[1].kind, models[1].id],
        "dataset": dataset.id,
        "transcription1": first,
        "transcription2": first if models[0].id == models[1].id else call.state.new_id(),
    }
    if project:
        evaluation.document["project"] = project
    call.state.progress.start(evaluation, call.now, QUICK)
    return entities.created(call, EVALUATIONS, evaluation)


def usable(call: Call, reference: Reference, locale: str, name: str) -> Entity:
    """Return the base or custom model that a body names, ready to recognize speech of a locale; 400 when it is not."""
    kind, uri = _kind_and_uri(call, reference.uri)
    model = entities.resolved(call, kind, uri, name)
    entities.same_locale(model, locale, kind)
    if model.status != "Succeeded":
        raise invalid("InvalidModel", f"The model is {model.status}, not Succeeded.", name)
    if model.document["transcriptionDateTime"] <= call.now.strftime("%Y-%m-%dT%H:%M:%SZ"):
        message = "The specified model is deprecated and cannot be used for this operation."
        raise invalid("ModelDeprecated", message, name)
    return model


def _kind_and_uri(call: Call, uri: str) -> tuple[Kind, str]:
    """Return what a URI references; a base model is accepted as `/models/{id}` as well (recorded live)."""
    uri, _, _ = uri.lower().partition("?")
    model = uri.rstrip("/").rpartition("/")[2]
    if "/models/base/" not in uri and call.store.get("", BASE_MODELS.path, model):
        uri = uri.replace("/models/", "/models/base/")
    return (BASE_MODELS if "/models/base/" in uri else MODELS), uri


def audio_dataset(call: Call, reference: Reference, locale: str) -> Entity:
    """Return the dataset of recordings that a body names; 400 if it cannot be recognized."""
    dataset = entities.resolved(call, DATASETS, reference.uri, "dataset")
    entities.same_locale(dataset, locale, DATASETS)
    if dataset.status != "Succeeded":
        raise invalid("FailedDataset", f"The dataset is {dataset.status}, not Succeeded.", "dataset")
    if dataset.document["kind"] not in AUDIO:
        raise invalid("InvalidTest", f"A dataset of the kind {dataset.document['kind']} holds no audio.", "dataset")
    return dataset
