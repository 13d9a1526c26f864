"""Evaluations: two models on one dataset; the simulated recognizer, and the error rates that truly follow from it.

Whether a word is recognized wrongly is drawn from a hash of the word and its place, so that it is the same every time,
and from what the model learnt: words of its training data are missed four times less often, and training with
recordings helps everywhere. The rates are then counted, not invented.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from custom_speech_data.word_errors import alignment, word_errors
from custom_speech_emulator.http.api_versions import Json, Version
from custom_speech_emulator.http.request import Call
from custom_speech_emulator.http.request_bodies import NEW_EVALUATION, read
from custom_speech_emulator.http.responses import Answer
from custom_speech_emulator.resources import datasets, entities, files, model_training, models, projects
from custom_speech_emulator.resources.dataset_imports import content_of
from custom_speech_emulator.resources.locales import scores_tokens
from custom_speech_emulator.resources.model_training import Skill
from custom_speech_emulator.state.emulator_state import EmulatorState
from custom_speech_emulator.state.entity_store import Entity

_PHRASE_END = re.compile(r"(?<=[.!?…।])\s+|(?<=[。！？])")


@dataclass(frozen=True)
class Phrase:
    """A part of a recording that is recognized by itself: the words of its transcript, and those recognized."""

    said: Sequence[str]
    recognized: Sequence[str]


@dataclass(frozen=True)
class Score:
    """Counts over all phrases of a test."""

    sentences: int = 0
    wrong_sentences: int = 0
    words: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0


def recognize(transcript: str, place: int, skill: Skill, locale: str, normalization: str = "Default") -> list[Phrase]:
    """Return what a model of this skill recognizes in a recording; its phrases are the sentences of the transcript.

    The service counts phrases and normalized words (recorded live); where it divides a recording is a guess.
    """
    parts = [model_training.normalized(part, locale, normalization) for part in _PHRASE_END.split(transcript)]
    phrases, before = list[Phrase](), 0
    for said in filter(None, parts):
        recognized = [_recognized(word, f"{place}/{before + n}", skill) for n, word in enumerate(said)]
        phrases.append(Phrase(said, " ".join(recognized).split()))
        before += len(said)
    return phrases


def _recognized(word: str, place: str, skill: Skill) -> str:
    draw = int.from_bytes(hashlib.blake2b(f"{place}/{word}".encode(), digest_size=4).digest(), "big") / 2**32
    missed = max(0.04, 0.24 - 0.02 * max(0, skill.year - 2023))
    missed *= (0.25 if word in skill.words else 1) * (0.6 if skill.audio else 1)
    if draw >= missed:
        return word
    how = int(draw * 2**32) % 10
    return "" if how < 2 else f"{word} {word}" if how == 2 else f"{word[:-1]}x"


def score(phrases: Sequence[Phrase]) -> Score:
    """Return the counts of a model over the phrases of a test."""
    found = [word_errors(phrase.said, phrase.recognized) for phrase in phrases]
    counted = ("words", "substitutions", "deletions", "insertions")
    counts = {name: sum(getattr(errors, name) for errors in found) for name in counted}
    return Score(sentences=len(found), wrong_sentences=sum(any(errors[:3]) for errors in found), **counts)


def details(name: str, phrases: Sequence[Phrase]) -> dict[str, object]:
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
    """Return what was recognized, with the edits in tags; as many as `word_errors` counts.

    The tags hold recognized words only, never the transcript's; a deletion has none and holds `@` (recorded live).
    """
    edits = alignment(phrase.said, phrase.recognized)
    return " ".join(word if kind == "correct" else f"<{kind}>{word or '@'}</{kind}>" for kind, _, word in edits)


_CATEGORIES = ("punctuation", "capitalization", "inverseTextNormalization", "lexical", "others")
_RATES, _TOKEN_RATE = ("wordErrorRate", "sentenceErrorRate"), "tokenErrorRate"
_WORD_COUNTS = ("wordCount", "correctWordCount", "wordSubstitutionCount", "wordDeletionCount", "wordInsertionCount")
_TOKEN_COUNTS = tuple(name.replace("word", "token").replace("Word", "Token") for name in _WORD_COUNTS)
_COUNTS = ("sentenceCount", *_WORD_COUNTS)


def rates(score: Score, which: str, *, tokens: bool) -> dict[str, object]:
    """Return the properties of an evaluation for model 1 or 2.

    Rates are percentages of two or one decimals divided by a hundred, so doubles such as 0.16579999999999998 (recorded
    live). `tokens` says whether the locale has token scoring.
    """
    errors = score.substitutions + score.deletions + score.insertions
    rate = round(100 * errors / score.words, 2) / 100
    sentence_rate = round(100 * score.wrong_sentences / score.sentences, 1) / 100
    right = score.words - score.substitutions - score.deletions
    words = (score.words, right, score.substitutions, score.deletions, score.insertions)
    values = (rate, sentence_rate, score.sentences, *words)
    found = unknown(which, tokens=True)
    found |= {f"{name}{which}": value for name, value in zip((*_RATES, *_COUNTS), values, strict=True)}
    if tokens:
        counts = zip((_TOKEN_RATE, *_TOKEN_COUNTS), (rate, *words), strict=True)
        found |= {f"{name}{which}": value for name, value in counts}
        # All five categories, in percent of all edits (recorded live); the simulation makes lexical errors only.
        lexical = {"numberOfEdits": errors, "percentageOfAllEdits": 100.0 if errors else 0.0}
        none = {name: {"numberOfEdits": 0, "percentageOfAllEdits": 0.0} for name in _CATEGORIES}
        found[f"tokenErrors{which}"] = none | {"lexical": lexical}
    return found


def unknown(which: str, *, tokens: bool) -> dict[str, object]:
    """Return figures that are not known; those of tokens are left out if the evaluation has failed (recorded live)."""
    rates = (*_RATES, _TOKEN_RATE) if tokens else _RATES
    counts = (*_COUNTS, *_TOKEN_COUNTS) if tokens else _COUNTS
    return {**{f"{name}{which}": -1.0 for name in rates}, **{f"{name}{which}": -1 for name in counts}}


def shape(evaluation: str, document: Json, version: Version) -> Json:
    """Return an Evaluation."""
    tokens = document["status"] != "Failed"
    figures = unknown("1", tokens=tokens) | unknown("2", tokens=tokens)
    transcriptions = ("transcription1", "transcription2")
    return {
        **{name: version.reference(*document[name]) for name in ("model1", "model2")},
        **{name: version.reference("transcriptions", document[name]) for name in transcriptions},
        "dataset": version.reference("datasets", document["dataset"]),
        "links": {"files": version.link("evaluations", evaluation, "files")},
        "properties": document.get("rates", figures),
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
    locale, figures = evaluation.document["locale"], dict[str, object]()
    normalization = dataset.document.get("textNormalizationKind", "Default")
    for which in ("1", "2"):
        skill = model_training.skill(state, evaluation.account, *evaluation.document[f"model{which}"])
        every = [recognize(said, place, skill, locale, normalization) for place, (_, said) in enumerate(audio)]
        counts = score([phrase for phrases in every for phrase in phrases])
        figures |= rates(counts, which, tokens=scores_tokens(locale))
        for (name, _), phrases in zip(audio[:1000], every, strict=False):
            content = json.dumps(details(name, phrases), indent=1).encode()
            files.add(state, evaluation, f"{name}.model{which}_score.json", "EvaluationDetails", content, at)
    evaluation.document["rates"] = figures


EVALUATIONS = entities.Kind("evaluations", "evaluation", "InvalidTest", shape, change=projects.reconnect, ended=ended)


def create(call: Call) -> Answer:
    """Evaluations_Create."""
    body = read(call, NEW_EVALUATION)
    evaluation = projects.new(call, EVALUATIONS, body)
    locale = evaluation.document["locale"]
    model1 = models.usable(call, body["model1"], locale, "model1")
    model2 = models.usable(call, body["model2"], locale, "model2")
    evaluation.document |= {"model1": [model1.kind, model1.id], "model2": [model2.kind, model2.id]}
    evaluation.document["dataset"] = datasets.audio_dataset(call, body["dataset"], locale).id
    evaluation.document["transcription1"] = first = call.state.new_id()
    evaluation.document["transcription2"] = first if model1.id == model2.id else call.state.new_id()
    call.state.start(evaluation, call.now)
    return entities.created(call, EVALUATIONS, evaluation)
