"""Details of evaluations."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data.scoring_result import Utterance, parse_scoring_result, read_scoring_result, recording_of
from custom_speech_emulator.resources.evaluation_scoring import tagged


def test_scoring_result_gives_both_texts_and_the_number_of_edits() -> None:
    text = "the <substitution>cat|hat</substitution> <insertion>it</insertion> sat <deletion>down</deletion>"

    assert parse_scoring_result(text) == Utterance("the cat sat down", "the hat it sat", 4, 3)


WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), max_size=12).map(" ".join)


@given(WORDS, WORDS)
def test_scoring_result_of_the_emulator_gives_back_what_was_heard(said: str, heard: str) -> None:
    utterance = parse_scoring_result(tagged(said, heard))

    assert utterance.hypothesis == heard
    assert utterance.words == len(said.split())


@given(st.text())
def test_scoring_result_of_any_text_raises_nothing(text: str) -> None:
    assert parse_scoring_result(text).errors >= 0


def test_scoring_result_joins_the_phrases_of_a_recording() -> None:
    phrases = [{"nBest": [{"scoringResult": text}]} for text in ("one <deletion>two</deletion>", "three")]

    assert read_scoring_result(json.dumps({"recognizedPhrases": phrases}).encode()) == Utterance(
        "one two three", "one three", 3, 1
    )


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b"{}", b'{"recognizedPhrases": [{}]}', b'{"recognizedPhrases": 1}', b"[" * 100_000]
)
def test_scoring_result_in_another_shape_is_left_out(content: bytes) -> None:
    assert read_scoring_result(content) is None


@pytest.mark.parametrize(
    ("name", "recording"),
    [("a.wav.model1_score.json", ("a.wav", 1)), ("a.model2_score.json", ("a", 2)), ("report.json", None)],
)
def test_recording_of_a_file(name: str, recording: tuple[str, int] | None) -> None:
    assert recording_of(name) == recording
