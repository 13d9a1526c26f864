"""Details of evaluations."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data.scoring_result import (
    Recognition,
    parse_scoring_result,
    read_scoring_result,
    recording_of,
    service_edits,
)
from custom_speech_data.word_errors import normalized_words, word_errors
from custom_speech_emulator.resources.evaluations import tag_errors
from custom_speech_emulator.resources.recognition import Phrase

WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), max_size=12).map(" ".join)


def test_scoring_result_holds_the_recognized_words_with_the_edits_of_the_service() -> None:
    text = "the <substitution>hat</substitution> <insertion>it</insertion> sat <deletion>@</deletion>"

    recognition = parse_scoring_result(text)

    edits = [("correct", "the"), ("substitution", "hat"), ("insertion", "it"), ("correct", "sat"), ("deletion", "")]
    assert recognition == Recognition(edits, "the hat it sat", words=4, errors=3)


@given(WORDS, WORDS)
def test_scoring_result_is_aligned_with_the_transcript_as_the_service_counted(said: str, heard: str) -> None:
    recognition = parse_scoring_result(tag_errors(Phrase(said.split(), heard.split())))
    edits = service_edits(said.split(), recognition, "en-US")

    assert edits is not None
    assert recognition.hypothesis == heard
    assert " ".join(edit.reference for edit in edits if edit.reference) == said
    assert [(edit.kind, edit.recognized) for edit in edits] == list(recognition.edits)
    assert recognition.errors == sum(word_errors(said, heard)[:3])


def test_scoring_result_that_does_not_fit_the_transcript_is_not_used() -> None:
    """The service counts words of the normalized text: "25" is two words there, and a walk word by word goes astray."""
    assert service_edits(["take", "25", "daily"], parse_scoring_result("take twenty five daily"), "en-US") is None
    assert service_edits(["a", "b"], parse_scoring_result("a c"), "en-US") is None


@given(st.text(alphabet="<>/@|adeinostubrl ", max_size=400))
def test_scoring_result_of_any_text_raises_nothing(text: str) -> None:
    assert parse_scoring_result(text).errors >= 0


def test_scoring_result_joins_the_phrases_of_a_recording() -> None:
    phrases = [{"nBest": [{"scoringResult": text}]} for text in ("one <deletion>@</deletion>", "three")]
    recognition = read_scoring_result(json.dumps({"recognizedPhrases": phrases}).encode())

    assert recognition is not None
    assert (recognition.hypothesis, recognition.words, recognition.errors) == ("one three", 3, 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"\xff", b"{}", b'{"recognizedPhrases": [{}]}', b'{"recognizedPhrases": 1}', b"[" * 100_000],
    ids=["empty", "list", "not UTF-8", "no phrases", "phrase without result", "number", "deep"],
)
def test_scoring_result_in_another_shape_is_left_out(content: bytes) -> None:
    assert read_scoring_result(content) is None


@pytest.mark.parametrize("tag", ["<insertion>", "<deletion>@", "</insertion>", "<substitution>a</insertion>"])
def test_scoring_result_is_read_in_time_linear_in_its_length(tag: str) -> None:
    """Two hundred thousand tags that nothing closes: a quadratic reader would not come back."""
    assert parse_scoring_result(tag * 200_000).errors >= 0


@pytest.mark.parametrize(
    ("name", "recording"),
    [("a.wav.model1_score.json", ("a.wav", 1)), ("a.model2_score.json", ("a", 2)), ("report.json", None)],
)
def test_recording_of_a_file(name: str, recording: tuple[str, int] | None) -> None:
    assert recording_of(name) == recording


@pytest.mark.parametrize(
    ("text", "locale", "words"),
    [
        ("Don\u2019t take 5 mg, please!", "en-US", ["don't", "take", "5", "mg", "please"]),
        ("'quoted' x-ray", "en-GB", ["quoted", "x", "ray"]),
        ("मौसम अच्छा है", "hi-IN", ["मौसम", "अच्छा", "है"]),
        ("scho\u0308n", "de-DE", ["sch\u00f6n"]),
        ("今日は。", "ja-JP", ["今", "日", "は"]),
        ("...", "en-US", []),
    ],
)
def test_normalized_words_keep_letters_marks_and_digits(text: str, locale: str, words: list[str]) -> None:
    assert normalized_words(text, locale) == words
