"""Significance of the difference between two models: a paired bootstrap over utterances.

Method: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation" (ICASSP 2004).
Utterances are drawn with replacement, both word error rates are computed on the same draw, and the 2.5th and 97.5th
percentiles of their difference are the 95 % confidence interval.
"""

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

MIN_UTTERANCES = 20  # the result for fewer depends on the choice of recordings more than on the models

_MAX_REPLICATIONS = 2_000
_MAX_DRAWS = 500_000  # replications times utterances, so that the computation takes a fraction of a second
_SEED = 20_040_517  # constant, so that the result for an evaluation never changes


class Pair(NamedTuple):
    """The word count of an utterance and the errors of two models in it."""

    words: int
    errors1: int
    errors2: int


class DifferenceInterval(NamedTuple):
    """The 95 % confidence interval of the first model's word error rate minus the second's."""

    low: float
    high: float
    relative: tuple[float, float] | None = None  # to the second rate; None if that rate may be zero

    @property
    def is_significant(self) -> bool:
        """True if the interval does not contain zero."""
        return self.low > 0 or self.high < 0


def paired_bootstrap(pairs: Sequence[Pair]) -> DifferenceInterval | None:
    """Return the confidence interval of the difference in word error rate, or None if there are too few utterances."""
    counted = [pair for pair in pairs if any(pair)]
    difference = _interval([(pair.words, pair.errors1 - pair.errors2) for pair in counted])
    if difference is None:
        return None
    relative = _interval([(pair.errors2, pair.errors1 - pair.errors2) for pair in counted], without=math.inf)
    return DifferenceInterval(*difference, relative if relative and not math.isinf(relative[1]) else None)


def rate_interval(utterances: Sequence[tuple[int, int]]) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of a word error rate, given the words and errors of each utterance."""
    return _interval([counts for counts in utterances if any(counts)])


def _interval(counted: Sequence[tuple[int, int]], without: float = 0.0) -> tuple[float, float] | None:
    """Return the 2.5th and 97.5th percentiles of the rates of all draws, with `without` for a draw without words."""
    if len(counted) < MIN_UTTERANCES or not any(words for words, _ in counted):
        return None
    chance = random.Random(_SEED)  # noqa: S311  # statistics, not a secret
    rates = list[float]()
    for _ in range(max(200, min(_MAX_REPLICATIONS, _MAX_DRAWS // len(counted)))):
        drawn = chance.choices(counted, k=len(counted))
        words = sum(words for words, _ in drawn)
        rates.append(sum(errors for _, errors in drawn) / words if words else without)
    rates.sort()
    return rates[round(0.025 * (len(rates) - 1))], rates[round(0.975 * (len(rates) - 1))]
