"""Evaluations: two models on one dataset. The recognition is simulated, the error rates are counted."""

import json
from datetime import datetime

from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NewEvaluation, read
from custom_speech_emulator.http.response import Answer
from custom_speech_emulator.resources import (
    datasets,
    entities,
    evaluation_scoring,
    files,
    model_training,
    models,
    projects,
)
from custom_speech_emulator.resources.dataset_imports import content_of
from custom_speech_emulator.resources.entities import Kind
from custom_speech_emulator.resources.locales import scores_tokens
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import Entity

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
    audio = [(str(name), str(said)) for name, _, said in content_of(state, dataset)["audio"] if said]
    if not audio:
        error = {"code": "InvalidData", "message": "The input data are invalid or empty."}
        evaluation.document |= {"status": "Failed", "error": error}
        return
    locale, rates = evaluation.document["locale"], dict[str, object]()
    normalization = dataset.document.get("textNormalizationKind", "Default")
    for which in ("1", "2"):
        skill = model_training.skill(state, evaluation.account, *evaluation.document[f"model{which}"])
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


EVALUATIONS = Kind("evaluations", "evaluation", "InvalidTest", shape, change=projects.reconnect, ended=ended)


def create(call: Call) -> Answer:
    """Evaluations_Create."""
    body = read(call, NewEvaluation)
    evaluation = projects.new(call, EVALUATIONS, body)
    locale = evaluation.document["locale"]
    model1 = models.usable(call, body.model1, locale, "model1")
    model2 = models.usable(call, body.model2, locale, "model2")
    dataset = datasets.audio_dataset(call, body.dataset, locale)
    transcription = call.state.new_id()
    evaluation.document |= {
        "model1": [model1.kind, model1.id],
        "model2": [model2.kind, model2.id],
        "dataset": dataset.id,
        "transcription1": transcription,
        "transcription2": transcription if model1.id == model2.id else call.state.new_id(),
    }
    call.state.start(evaluation, call.now)
    return entities.created(call, EVALUATIONS, evaluation)
