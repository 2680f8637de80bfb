"""What repeated runs say together: mean, deviation, and how far the mean may be trusted.

Seeds repeat an experiment a handful of times, so the interval is Student's t and not the normal
one: with five seeds the difference is 42 %. SciPy would be a heavy dependency for one quantile; the
quantile is computed here from the regularised incomplete beta function.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from mendel.graph.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable

_TINY = 1e-300
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Estimate:
    """The mean of a metric over runs, with its interval.

    Attributes:
        n: how many numbers the mean is over; NaN and missing values are not among them.
        mean: their arithmetic mean; NaN where n is 0.
        deviation: their sample standard deviation (n - 1 in the denominator); NaN where n < 2.
        low: lower end of the confidence interval of the mean; NaN where n < 2.
        high: upper end.
        confidence: coverage of the interval, 0.95 unless told.
        minimum: the smallest of the numbers; NaN where n is 0.
        maximum: the largest.
    """

    n: int
    mean: float
    deviation: float
    low: float
    high: float
    confidence: float = 0.95
    minimum: float = _NAN
    maximum: float = _NAN

    @property
    def margin(self) -> float:
        """Half the width of the interval: the number behind the ±."""
        return (self.high - self.low) / 2

    def __str__(self) -> str:
        if self.n == 0:
            return "no numbers"
        if self.n == 1:
            return f"{self.mean:.6g} (n=1: no interval)"
        return f"{_rounded(self.mean, self.margin)} (n={self.n}, {self.confidence * 100:.4g} %)"


def _rounded(mean: float, margin: float) -> str:
    """Return both with the digits that the margin leaves meaningful: two of its own."""
    if not (math.isfinite(mean) and margin > 0 and math.isfinite(margin)):
        return f"{mean:.6g} ± {margin:.2g}"
    decimals = max(0, 1 - math.floor(math.log10(margin)))
    if decimals > 8:
        return f"{mean:.6g} ± {margin:.2g}"
    return f"{mean:.{decimals}f} ± {margin:.{decimals}f}"


def estimate(values: Iterable[float], *, confidence: float = 0.95) -> Estimate:
    """Return the mean of numbers, with its Student t interval. NaN are left out.

    >>> print(estimate([0.91, 0.93, 0.92]))
    0.920 ± 0.025 (n=3, 95 %)

    Raises:
        InvalidError: the confidence is not between 0 and 1.
    """
    numbers = [float(v) for v in values if v == v]  # noqa: PLR0124 - NaN is not itself
    n = len(numbers)
    if n == 0:
        return summarised(0, _NAN, _NAN, confidence=confidence)
    mean = math.fsum(numbers) / n if all(map(math.isfinite, numbers)) else sum(numbers) / n
    deviation = _NAN
    if n > 1:
        deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in numbers) / (n - 1))
    return summarised(
        n,
        mean,
        deviation,
        minimum=min(numbers),
        maximum=max(numbers),
        confidence=confidence,
    )


def summarised(
    n: int,
    mean: float,
    deviation: float,
    *,
    minimum: float = _NAN,
    maximum: float = _NAN,
    confidence: float = 0.95,
) -> Estimate:
    """Return the estimate that belongs to a mean and a sample deviation known already.

    The interval is mean ± t(1 - (1 - confidence) / 2; n - 1) · deviation / √n.

    Raises:
        InvalidError: the confidence is not between 0 and 1.
    """
    _check_confidence(confidence)
    low = high = _NAN
    if n > 1:
        margin = student_t((1 + confidence) / 2, n - 1) * deviation / math.sqrt(n)
        low, high = mean - margin, mean + margin
    return Estimate(n, mean, deviation, low, high, confidence, minimum, maximum)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InvalidError(f"confidence is {confidence!r}; give a share between 0 and 1: 0.95.")


@lru_cache(maxsize=4096)
def student_t(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t distribution, to about 12 digits.

    Closed forms for 1 and 2 degrees of freedom; else the distribution function, written with the
    regularised incomplete beta function (DLMF 8.17.22, by Lentz's continued fraction), is inverted
    by bisection. Source: Abramowitz & Stegun 26.7.1; https://dlmf.nist.gov/8.17.

    Raises:
        InvalidError: the probability is not inside (0, 1), or the degrees of freedom not above 0.
    """
    if not 0 < probability < 1 or not freedom > 0:
        raise InvalidError(
            f"student_t({probability!r}, {freedom!r}): the probability must lie inside (0, 1) and "
            "the degrees of freedom above 0."
        )
    if probability == 0.5:
        return 0.0
    if probability < 0.5:
        return -student_t(1 - probability, freedom)
    if freedom == 1:
        return math.tan(math.pi * (probability - 0.5))
    if freedom == 2:
        centred = 2 * probability - 1
        return centred * math.sqrt(2 / (1 - centred * centred))
    return _invert(2 * (1 - probability), freedom)


def _invert(tail: float, freedom: float) -> float:
    """Return the t above 0 with P(|T| > t) = tail, to the last bit that bisection can tell."""
    low, high = 0.0, 1.0
    while _two_tails(high, freedom) > tail:
        low, high = high, high * 2
    while True:
        middle = (low + high) / 2
        if middle in {low, high}:
            return middle
        if _two_tails(middle, freedom) > tail:
            low = middle
        else:
            high = middle


def _two_tails(t: float, freedom: float) -> float:
    """Return P(|T| > t)."""
    return incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b), for a, b > 0 and x in [0, 1]."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    # The fraction converges fast on this side; the other side is its mirror image.
    if x < (a + 1) / (a + b + 2):
        return front * _beta_fraction(a, b, x) / a
    return 1 - front * _beta_fraction(b, a, 1 - x) / b


def _beta_fraction(a: float, b: float, x: float) -> float:
    c = 1.0
    d = 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / _away_from_zero(1 + even * d)
        c = _away_from_zero(1 + even / c)
        fraction *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 / _away_from_zero(1 + odd * d)
        c = _away_from_zero(1 + odd / c)
        step = d * c
        fraction *= step
        if abs(step - 1) < 1e-15:
            break
    return fraction


def _away_from_zero(number: float) -> float:
    return number if abs(number) > _TINY else _TINY
