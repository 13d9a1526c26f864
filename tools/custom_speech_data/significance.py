"""A paired bootstrap over utterances: is the difference between two models significant?

Method: Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance evaluation" (ICASSP 2004).
Utterances are drawn with replacement, both word error rates are computed on the same draw, and the 2.5 and 97.5
percentiles of their difference are the 95 % confidence interval.
"""

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

MIN_UTTERANCES = 20
"""With fewer utterances the interval says more about the choice of recordings than about the models."""

_MAX_REPLICATIONS = 2_000
_MAX_DRAWS = 500_000
"""Replications times utterances, so that the computation takes a fraction of a second."""

_SEED = 20_040_517


class Pair(NamedTuple):
    """One utterance, recognized by two models."""

    words: int
    errors1: int
    errors2: int


class Difference(NamedTuple):
    """The word error rate of the first model minus that of the second; negative where the first is better.

    Attributes:
        low, high: The 95 % confidence interval.
        relative: The same of the difference as a share of the second rate; None if that rate may be zero.
        probability_better: The share of draws in which the first model makes fewer errors.
    """

    low: float
    high: float
    probability_better: float
    relative: tuple[float, float] | None = None

    @property
    def is_significant(self) -> bool:
        """True if the interval does not contain zero."""
        return self.low > 0 or self.high < 0


def paired_bootstrap(pairs: Sequence[Pair]) -> Difference | None:
    """Return the confidence interval of the difference, None for fewer than 20 utterances or none with words.

    The generator is seeded, so that the same evaluation always gives the same answer.
    """
    counted = [pair for pair in pairs if pair.words or pair.errors1 or pair.errors2]
    differences = _draws([(pair.words, pair.errors1 - pair.errors2) for pair in counted])
    if differences is None:
        return None
    better = sum(difference < 0 for difference in differences) / len(differences)
    ratios = _draws([(pair.errors2, pair.errors1 - pair.errors2) for pair in counted], without=math.inf)
    relative = _interval(ratios) if ratios else None
    if relative and math.isinf(relative[1]):
        relative = None
    return Difference(*_interval(differences), better, relative)


def rate_interval(utterances: Sequence[tuple[int, int]]) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of one model's word error rate, None if it cannot be estimated.

    Args:
        utterances: Words and errors of each.
    """
    rates = _draws([one for one in utterances if any(one)])
    return None if rates is None else _interval(rates)


def _draws(counted: Sequence[tuple[int, int]], without: float = 0.0) -> list[float] | None:
    """Return the rates of all draws in order, None for too few utterances or none with words.

    Args:
        without: The rate of a draw that has no words.
    """
    if len(counted) < MIN_UTTERANCES or not any(words for words, _ in counted):
        return None
    chance = random.Random(_SEED)  # noqa: S311  # statistics, not a secret
    replications = max(200, min(_MAX_REPLICATIONS, _MAX_DRAWS // len(counted)))
    return sorted(_draw(chance, counted, without) for _ in range(replications))


def _draw(chance: random.Random, counted: Sequence[tuple[int, int]], without: float) -> float:
    drawn = chance.choices(counted, k=len(counted))
    words = sum(words for words, _ in drawn)
    return sum(more for _, more in drawn) / words if words else without


def _interval(ordered: Sequence[float]) -> tuple[float, float]:
    """Return the 2.5 and 97.5 percentiles."""
    return ordered[round(0.025 * (len(ordered) - 1))], ordered[round(0.975 * (len(ordered) - 1))]
