"""The words that a model misses most."""

from custom_speech_data.scoring_result import missed_words, parse_scoring_result


def test_missed_words_count_substitutions_deletions_and_insertions_by_word() -> None:
    utterances = [
        ("Take ibuprofen twice.", parse_scoring_result("take <substitution>profane</substitution> twice")),
        ("Ibuprofen helps.", parse_scoring_result("<substitution>profane</substitution> helps")),
        ("No ibuprofen!", parse_scoring_result("no <deletion>@</deletion> <insertion>please</insertion>")),
        ("ibuprofen", parse_scoring_result("ibuprofen")),
        ("ibuprofen", parse_scoring_result("<substitution>eye</substitution>")),
    ]

    found, too_long = missed_words(utterances, "en-US", 10)

    assert too_long == 0
    assert [(one.word, one.missed, one.of, one.inserted, one.alternatives) for one in found] == [
        ("ibuprofen", 4, 5, 0, ["profane", "eye"]),
        ("please", 0, 0, 1, []),
    ]


def test_missed_words_are_as_many_as_were_asked_for() -> None:
    utterances = [("a b c", parse_scoring_result("<deletion>@ @ @</deletion>"))]

    assert [one.word for one in missed_words(utterances, "en-US", 2)[0]] == ["a", "b"]


def test_missed_words_align_a_transcript_that_the_services_edits_do_not_fit() -> None:
    """The service counts words of the normalized text: "25" is two words there, and a walk word by word goes astray."""
    found, _ = missed_words([("Take 25 daily", parse_scoring_result("take twenty five daily"))], "en-US", 10)

    assert [(one.word, one.missed, one.inserted) for one in found] == [("25", 1, 0), ("twenty", 0, 1)]


def test_missed_words_leave_out_and_count_texts_that_would_take_too_long() -> None:
    """Two texts of 20,000 words would be compared for a minute and take gigabytes."""
    long = "a " * 20_000

    found, too_long = missed_words([(long, parse_scoring_result(long + "b")), ("x", parse_scoring_result("y"))], "", 5)

    assert ([one.word for one in found], too_long) == (["x"], 1)
