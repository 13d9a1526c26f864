"""A paired bootstrap over utterances: is the difference between two models significant?

Method: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation" (ICASSP 2004).
Utterances are drawn with replacement, both word error rates are computed on the same draw, and the 2.5 and 97.5
percentiles of their difference are the 95 % confidence interval.
"""

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

MIN_UTTERANCES = 20  # fewer say more about the choice of recordings than about the models

_MAX_REPLICATIONS = 2_000
_MAX_DRAWS = 500_000  # replications times utterances, so that the computation takes a fraction of a second
_SEED = 20_040_517  # the same evaluation always gives the same answer


class Pair(NamedTuple):
    """One utterance, recognized by two models."""

    words: int
    errors1: int
    errors2: int


class DifferenceInterval(NamedTuple):
    """The 95 % interval of the first model's word error rate minus the second's; negative if the first is better."""

    low: float
    high: float
    relative: tuple[float, float] | None = None  # to the second rate, None if that may be zero

    @property
    def is_significant(self) -> bool:
        """True if the interval does not contain zero."""
        return self.low > 0 or self.high < 0


def paired_bootstrap(pairs: Sequence[Pair]) -> DifferenceInterval | None:
    """Return the confidence interval of the difference, None for fewer than 20 utterances or none with words."""
    counted = [pair for pair in pairs if any(pair)]
    difference = _interval([(pair.words, pair.errors1 - pair.errors2) for pair in counted])
    if difference is None:
        return None
    relative = _interval([(pair.errors2, pair.errors1 - pair.errors2) for pair in counted], without=math.inf)
    return DifferenceInterval(*difference, relative if relative and not math.isinf(relative[1]) else None)


def rate_interval(utterances: Sequence[tuple[int, int]]) -> tuple[float, float] | None:
    """Return the 95 % interval of a word error rate from words and errors of each utterance, None if unknown."""
    return _interval([one for one in utterances if any(one)])


def _interval(counted: Sequence[tuple[int, int]], without: float = 0.0) -> tuple[float, float] | None:
    """Return the 2.5 and 97.5 percentiles of the rates of all draws; `without` is that of a draw that has no words."""
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
