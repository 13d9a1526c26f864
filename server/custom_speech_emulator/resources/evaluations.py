"""Evaluations of two models on a dataset, with error rates computed from simulated recognition."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from custom_speech_data.word_errors import alignment, word_errors
from custom_speech_emulator.http.api_versions import ApiVersion, Json
from custom_speech_emulator.http.operation_call import OperationCall
from custom_speech_emulator.http.request_bodies import NEW_EVALUATION, read_body
from custom_speech_emulator.http.responses import ApiResponse
from custom_speech_emulator.resources import datasets, entities, files, models
from custom_speech_emulator.resources.dataset_imports import accepted_content
from custom_speech_emulator.resources.locales import has_token_scoring
from custom_speech_emulator.resources.projects import PROJECTS
from custom_speech_emulator.resources.recognition import Phrase, recognize
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import StoredEntity

_CATEGORIES = ("punctuation", "capitalization", "inverseTextNormalization", "lexical", "others")
_RATES, _TOKEN_RATE = ("wordErrorRate", "sentenceErrorRate"), "tokenErrorRate"
_WORD_COUNTS = ("wordCount", "correctWordCount", "wordSubstitutionCount", "wordDeletionCount", "wordInsertionCount")
_TOKEN_COUNTS = tuple(name.replace("word", "token").replace("Word", "Token") for name in _WORD_COUNTS)
_COUNTS = ("sentenceCount", *_WORD_COUNTS)


def recording_details(name: str, phrases: Sequence[Phrase]) -> Json:
    """Return the content of the file of one recording, in the format of a transcription result (recorded live)."""
    recognized = []
    for phrase in phrases:
        text = " ".join(phrase.recognized)
        best = {"confidence": 0.9, "lexical": text, "display": text, "scoringResult": tag_errors(phrase)}
        recognized.append({"recognitionStatus": "Success", "channel": 0, "nBest": [best]})
    text = " ".join(word for phrase in phrases for word in phrase.recognized)
    combined = [{"channel": 0, "lexical": text, "display": text}]
    return {"source": name, "combinedRecognizedPhrases": combined, "recognizedPhrases": recognized}


def tag_errors(phrase: Phrase) -> str:
    """Return the recognized words with a tag for each error; the tag of a deletion contains `@` (recorded live)."""
    edits = alignment(phrase.spoken, phrase.recognized)
    return " ".join(word if kind == "correct" else f"<{kind}>{word or '@'}</{kind}>" for kind, _, word in edits)


def count_error_rates(phrases: Sequence[Phrase], which: str, *, tokens: bool) -> Json:
    """Return the metrics of model 1 or 2; `tokens` is whether the locale has token scoring."""
    errors_by_phrase = [word_errors(phrase.spoken, phrase.recognized) for phrase in phrases]
    substitutions, deletions, insertions, words = map(sum, zip(*errors_by_phrase, strict=True))
    errors = substitutions + deletions + insertions
    # The service divides rounded percentages by 100: 0.16579999999999998 instead of 0.1658 (recorded live).
    rate = round(100 * errors / words, 2) / 100
    sentences = len(errors_by_phrase)
    sentence_rate = round(100 * sum(any(counts[:3]) for counts in errors_by_phrase) / sentences, 1) / 100
    counts = (words, words - substitutions - deletions, substitutions, deletions, insertions)
    metrics: Json = dict(zip((*_RATES, *_COUNTS), (rate, sentence_rate, sentences, *counts), strict=True))
    if tokens:
        metrics |= zip((_TOKEN_RATE, *_TOKEN_COUNTS), (rate, *counts), strict=True)
        # The service reports all five categories (recorded live); simulated errors are only lexical.
        lexical = {"numberOfEdits": errors, "percentageOfAllEdits": 100.0 if errors else 0.0}
        none = {name: {"numberOfEdits": 0, "percentageOfAllEdits": 0.0} for name in _CATEGORIES}
        metrics["tokenErrors"] = none | {"lexical": lexical}
    return unknown_rates(which, tokens=True) | {f"{name}{which}": value for name, value in metrics.items()}


def unknown_rates(which: str, *, tokens: bool) -> Json:
    """Return -1 for each metric of model 1 or 2; failed evaluations have no token metrics (recorded live)."""
    rates = (*_RATES, _TOKEN_RATE) if tokens else _RATES
    counts = (*_COUNTS, *_TOKEN_COUNTS) if tokens else _COUNTS
    return {f"{name}{which}": -1.0 for name in rates} | {f"{name}{which}": -1 for name in counts}


def evaluation_to_json(evaluation: str, document: Json, version: ApiVersion) -> Json:
    """Return the properties of an Evaluation."""
    tokens = document["status"] != "Failed"
    return {
        **{name: version.reference(*document[name]) for name in ("model1", "model2")},
        **{name: version.reference("transcriptions", document[name]) for name in ("transcription1", "transcription2")},
        "dataset": version.reference("datasets", document["dataset"]),
        "links": {"files": version.link("evaluations", evaluation, "files")},
        "properties": document.get("rates") or unknown_rates("1", tokens=tokens) | unknown_rates("2", tokens=tokens),
    }


def complete_evaluation(state: EmulatorState, evaluation: StoredEntity, at: datetime) -> None:
    """Compute the error rates of an evaluation and add the details of each recording to its files."""
    dataset = state.store.get(evaluation.account, "datasets", evaluation.document["dataset"])
    # Without transcripts there are no error rates, only transcriptions to compare.
    if evaluation.status != "Succeeded" or dataset is None or dataset.document["kind"] == "AudioFiles":
        return
    audio = [(str(name), str(text)) for name, _, text in accepted_content(state, dataset)["audio"] if text]
    locale, metrics = evaluation.document["locale"], dict[str, Any]()
    normalization = dataset.document.get("textNormalizationKind", "Default")
    for which in ("1", "2"):
        accuracy = models.get_accuracy(state, evaluation.account, *evaluation.document[f"model{which}"])
        recordings = [recognize(text, n, accuracy, locale, normalization) for n, (_, text) in enumerate(audio)]
        if not any(recordings):
            error = {"code": "InvalidData", "message": "The input data are invalid or empty."}
            evaluation.document |= {"status": "Failed", "error": error}
            return
        metrics |= count_error_rates([*chain.from_iterable(recordings)], which, tokens=has_token_scoring(locale))
        for (name, _), phrases in zip(audio[:1000], recordings, strict=False):
            content = json.dumps(recording_details(name, phrases), indent=1).encode()
            files.add(state, evaluation, f"{name}.model{which}_score.json", "EvaluationDetails", content, at)
    evaluation.document["rates"] = metrics


EVALUATIONS = entities.EntityKind(
    "evaluations", "evaluation", evaluation_to_json, parent=PROJECTS, on_completion=complete_evaluation
)


def create(call: OperationCall) -> ApiResponse:
    """Handle Evaluations_Create."""
    body = read_body(call, NEW_EVALUATION)
    evaluation = entities.new_entity(call, EVALUATIONS, body)
    locale, document = evaluation.document["locale"], evaluation.document
    for name in ("model1", "model2"):
        model = models.resolve_model(call, body[name], locale, name)
        document[name] = [model.kind, model.id]
    document["dataset"] = datasets.resolve_audio_dataset(call, body["dataset"], locale).id
    document["transcription1"] = first = call.state.new_id()
    document["transcription2"] = first if document["model1"] == document["model2"] else call.state.new_id()
    call.state.start(evaluation, call.now)
    return entities.store_created(call, EVALUATIONS, evaluation)
