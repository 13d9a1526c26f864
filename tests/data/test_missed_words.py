"""The words that a model misses most."""

from custom_speech_data.missed_words import missed_words
from custom_speech_data.scoring_result import parse_scoring_result


def test_missed_words_count_substitutions_deletions_and_insertions_by_word() -> None:
    utterances = [
        ("Take ibuprofen twice.", parse_scoring_result("take <substitution>profane</substitution> twice")),
        ("Ibuprofen helps.", parse_scoring_result("<substitution>profane</substitution> helps")),
        ("No ibuprofen!", parse_scoring_result("no <deletion>@</deletion> <insertion>please</insertion>")),
        ("ibuprofen", parse_scoring_result("ibuprofen")),
        ("ibuprofen", parse_scoring_result("<substitution>eye</substitution>")),
    ]

    found = missed_words(utterances, "en-US", 10)

    assert [(one.word, one.missed, one.of, one.inserted, one.alternatives) for one in found] == [
        ("ibuprofen", 4, 5, 0, ["profane", "eye"]),
        ("please", 0, 0, 1, []),
    ]


def test_missed_words_are_as_many_as_were_asked_for() -> None:
    utterances = [("a b c", parse_scoring_result("<deletion>@ @ @</deletion>"))]

    assert [one.word for one in missed_words(utterances, "en-US", 2)] == ["a", "b"]
