"""Evaluations of two models on one dataset: recognition is simulated, the error rates are counted."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from custom_speech_data.word_errors import alignment, word_errors
from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NEW_EVALUATION, read
from custom_speech_emulator.http.responses import Answer
from custom_speech_emulator.resources import datasets, entities, files, models
from custom_speech_emulator.resources.dataset_imports import content_of
from custom_speech_emulator.resources.locales import scores_tokens
from custom_speech_emulator.resources.recognition import Phrase, recognize
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import Entity

_CATEGORIES = ("punctuation", "capitalization", "inverseTextNormalization", "lexical", "others")
_RATES, _TOKEN_RATE = ("wordErrorRate", "sentenceErrorRate"), "tokenErrorRate"
_WORD_COUNTS = ("wordCount", "correctWordCount", "wordSubstitutionCount", "wordDeletionCount", "wordInsertionCount")
_TOKEN_COUNTS = tuple(name.replace("word", "token").replace("Word", "Token") for name in _WORD_COUNTS)
_COUNTS = ("sentenceCount", *_WORD_COUNTS)


def details(name: str, phrases: Sequence[Phrase]) -> Json:
    """Return the file of one recording, in the shape of a transcription result (recorded live)."""
    recognized = []
    for phrase in phrases:
        text = " ".join(phrase.recognized)
        best = {"confidence": 0.9, "lexical": text, "display": text, "scoringResult": tagged(phrase)}
        recognized.append({"recognitionStatus": "Success", "channel": 0, "nBest": [best]})
    text = " ".join(word for phrase in phrases for word in phrase.recognized)
    combined = [{"channel": 0, "lexical": text, "display": text}]
    return {"source": name, "combinedRecognizedPhrases": combined, "recognizedPhrases": recognized}


def tagged(phrase: Phrase) -> str:
    """Return the recognized words, with as many edits in tags as `word_errors` counts.

    The tags hold recognized words only, never the transcript's; a deletion holds `@` (recorded live).
    """
    edits = alignment(phrase.said, phrase.recognized)
    return " ".join(word if kind == "correct" else f"<{kind}>{word or '@'}</{kind}>" for kind, _, word in edits)


def rates(phrases: Sequence[Phrase], which: str, *, tokens: bool) -> Json:
    """Return the figures of model 1 or 2; `tokens` says whether the locale has token scoring."""
    found = [word_errors(phrase.said, phrase.recognized) for phrase in phrases]
    substitutions, deletions, insertions, words = map(sum, zip(*found, strict=True))
    errors = substitutions + deletions + insertions
    # Percentages of two and one decimals divided by a hundred, so 0.16579999999999998 and not 0.1658 (recorded live).
    rate = round(100 * errors / words, 2) / 100
    sentence_rate = round(100 * sum(any(counts[:3]) for counts in found) / len(found), 1) / 100
    counts = (words, words - substitutions - deletions, substitutions, deletions, insertions)
    figures: Json = dict(zip((*_RATES, *_COUNTS), (rate, sentence_rate, len(found), *counts), strict=True))
    if tokens:
        figures |= zip((_TOKEN_RATE, *_TOKEN_COUNTS), (rate, *counts), strict=True)
        # All five categories, in percent of all edits (recorded live); the simulation makes lexical errors only.
        lexical = {"numberOfEdits": errors, "percentageOfAllEdits": 100.0 if errors else 0.0}
        none = {name: {"numberOfEdits": 0, "percentageOfAllEdits": 0.0} for name in _CATEGORIES}
        figures["tokenErrors"] = none | {"lexical": lexical}
    return unknown(which, tokens=True) | {f"{name}{which}": value for name, value in figures.items()}


def unknown(which: str, *, tokens: bool) -> Json:
    """Return unknown figures; an evaluation that has failed has no figures of tokens (recorded live)."""
    rates = (*_RATES, _TOKEN_RATE) if tokens else _RATES
    counts = (*_COUNTS, *_TOKEN_COUNTS) if tokens else _COUNTS
    return {f"{name}{which}": -1.0 for name in rates} | {f"{name}{which}": -1 for name in counts}


def shape(evaluation: str, document: Json, version: Version) -> Json:
    """Return an Evaluation."""
    tokens = document["status"] != "Failed"
    transcriptions = ("transcription1", "transcription2")
    return {
        **{name: version.reference(*document[name]) for name in ("model1", "model2")},
        **{name: version.reference("transcriptions", document[name]) for name in transcriptions},
        "dataset": version.reference("datasets", document["dataset"]),
        "links": {"files": version.link("evaluations", evaluation, "files")},
        "properties": document.get("rates") or unknown("1", tokens=tokens) | unknown("2", tokens=tokens),
    }


def ended(state: EmulatorState, evaluation: Entity, at: datetime) -> None:
    """End the evaluation: count the rates and store the details of each recording as files."""
    dataset = state.store.get(evaluation.account, "datasets", evaluation.document["dataset"])
    # Without transcripts it is an inspection, which has no rates.
    if evaluation.status != "Succeeded" or dataset is None or dataset.document["kind"] == "AudioFiles":
        return
    audio = [(str(name), str(said)) for name, _, said in content_of(state, dataset)["audio"] if said]
    locale, figures = evaluation.document["locale"], dict[str, Any]()
    normalization = dataset.document.get("textNormalizationKind", "Default")
    for which in ("1", "2"):
        skill = models.skill(state, evaluation.account, *evaluation.document[f"model{which}"])
        recordings = [recognize(said, place, skill, locale, normalization) for place, (_, said) in enumerate(audio)]
        if not any(recordings):
            error = {"code": "InvalidData", "message": "The input data are invalid or empty."}
            evaluation.document |= {"status": "Failed", "error": error}
            return
        figures |= rates([*chain.from_iterable(recordings)], which, tokens=scores_tokens(locale))
        for (name, _), phrases in zip(audio[:1000], recordings, strict=False):
            content = json.dumps(details(name, phrases), indent=1).encode()
            files.add(state, evaluation, f"{name}.model{which}_score.json", "EvaluationDetails", content, at)
    evaluation.document["rates"] = figures


EVALUATIONS = entities.Kind("evaluations", "evaluation", "InvalidTest", shape, ended=ended)


def create(call: Call) -> Answer:
    """Evaluations_Create."""
    body = read(call, NEW_EVALUATION)
    evaluation = entities.new(call, EVALUATIONS, body)
    locale, document = evaluation.document["locale"], evaluation.document
    for name in ("model1", "model2"):
        model = models.usable(call, body[name], locale, name)
        document[name] = [model.kind, model.id]
    document["dataset"] = datasets.audio_dataset(call, body["dataset"], locale).id
    document["transcription1"] = first = call.state.new_id()
    document["transcription2"] = first if document["model1"] == document["model2"] else call.state.new_id()
    call.state.start(evaluation, call.now)
    return entities.created(call, EVALUATIONS, evaluation)
