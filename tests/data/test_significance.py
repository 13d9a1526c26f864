"""The paired bootstrap over utterances."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custom_speech_data.significance import MIN_UTTERANCES, Pair, paired_bootstrap, rate_interval


def utterances(number: int, rate1: float, rate2: float) -> list[Pair]:
    """Return utterances of ten words, in which each word is wrong with a probability per model."""
    chance = random.Random(1)  # noqa: S311  # repeatable on purpose
    return [
        Pair(10, sum(chance.random() < rate1 for _ in range(10)), sum(chance.random() < rate2 for _ in range(10)))
        for _ in range(number)
    ]


def test_much_better_model_is_significantly_better() -> None:
    found = paired_bootstrap(utterances(100, 0.1, 0.3))

    assert found is not None
    assert found.low < found.high < 0
    assert found.is_significant


def test_interval_of_a_rate_holds_the_rate_and_is_known_from_twenty_utterances_on() -> None:
    counts = [(pair.words, pair.errors1) for pair in utterances(100, 0.1, 0.3)]
    rate = sum(errors for _, errors in counts) / sum(words for words, _ in counts)

    found = rate_interval(counts)

    assert found is not None
    assert found[0] < rate < found[1]
    assert rate_interval(counts[: MIN_UTTERANCES - 1]) is None
    assert rate_interval([(10, 1)] * MIN_UTTERANCES) == (0.1, 0.1)


def test_equal_models_do_not_differ_significantly() -> None:
    found = paired_bootstrap(utterances(100, 0.2, 0.2))

    assert found is not None
    assert found.low <= 0 <= found.high
    assert not found.is_significant


def test_the_other_order_gives_the_opposite_sign() -> None:
    pairs = utterances(50, 0.1, 0.3)
    found, swapped = paired_bootstrap(pairs), paired_bootstrap([Pair(w, second, first) for w, first, second in pairs])

    assert found is not None
    assert swapped is not None
    assert (swapped.low, swapped.high) == pytest.approx((-found.high, -found.low), abs=0.01)


def test_too_few_utterances_are_not_judged() -> None:
    assert paired_bootstrap(utterances(MIN_UTTERANCES - 1, 0.1, 0.9)) is None
    assert paired_bootstrap(utterances(MIN_UTTERANCES, 0.1, 0.9)) is not None


def test_the_same_evaluation_gives_the_same_interval() -> None:
    pairs = utterances(60, 0.1, 0.15)

    assert paired_bootstrap(pairs) == paired_bootstrap(pairs)


@given(st.lists(st.builds(Pair, *[st.integers(0, 30)] * 3), max_size=60))
def test_any_utterances_give_an_ordered_interval_or_none(pairs: list[Pair]) -> None:
    found = paired_bootstrap(pairs)

    assert found is None or found.low <= found.high
