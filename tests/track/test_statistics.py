"""Means of repeated runs: against published tables, against integration, and at the edges."""

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph.errors import InvalidError
from mendel.track.statistics import estimate, incomplete_beta, student_t, summarised


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [  # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, three digits
        (0.90, 1, 3.078),
        (0.95, 1, 6.314),
        (0.975, 1, 12.706),
        (0.995, 1, 63.657),
        (0.975, 2, 4.303),
        (0.995, 2, 9.925),
        (0.975, 3, 3.182),
        (0.975, 4, 2.776),
        (0.99, 5, 3.365),
        (0.975, 9, 2.262),
        (0.95, 15, 1.753),
        (0.975, 30, 2.042),
        (0.999, 60, 3.232),
        (0.975, 100, 1.984),
    ],
)
def test_quantiles_of_t_are_those_of_the_tables(
    probability: float, freedom: float, expected: float
) -> None:
    assert round(student_t(probability, freedom), 3) == expected


def integrated_t(t: float, freedom: float) -> float:
    """P(T <= t) by Simpson's rule over the density: another way to the same number."""
    constant = math.exp(
        math.lgamma((freedom + 1) / 2)
        - math.lgamma(freedom / 2)
        - 0.5 * math.log(freedom * math.pi)
    )
    n = 4000
    width = t / n
    total = 0.0
    for i in range(n + 1):
        x = i * width
        weight = 1 if i in {0, n} else 4 if i % 2 else 2
        total += weight * constant * (1 + x * x / freedom) ** (-(freedom + 1) / 2)
    return 0.5 + total * width / 3


@given(st.floats(0.501, 0.999), st.floats(2.5, 400))
def test_the_quantile_undoes_the_distribution(probability: float, freedom: float) -> None:
    t = student_t(probability, freedom)

    assert math.isclose(integrated_t(t, freedom), probability, rel_tol=1e-9)
    assert student_t(1 - probability, freedom) == pytest.approx(-t, rel=1e-9)


def test_closed_forms_and_the_fraction_agree() -> None:
    for freedom in (1, 2):
        for probability in (0.6, 0.9, 0.975, 0.9995):
            near = student_t(probability, freedom + 1e-9)
            assert math.isclose(student_t(probability, freedom), near, rel_tol=1e-6)


def test_many_degrees_of_freedom_give_the_normal_quantile() -> None:
    normal = statistics.NormalDist().inv_cdf(0.975)

    assert math.isclose(student_t(0.975, 1e7), normal, rel_tol=1e-6)


def test_the_middle_is_zero_and_far_tails_are_finite() -> None:
    assert student_t(0.5, 7) == 0
    assert math.isfinite(student_t(1 - 1e-12, 3))
    assert student_t(1e-12, 3) < -1000


@pytest.mark.parametrize(("probability", "freedom"), [(0, 3), (1, 3), (0.5, 0), (0.5, -1)])
def test_impossible_quantiles_are_refused(probability: float, freedom: float) -> None:
    with pytest.raises(InvalidError, match="inside"):
        student_t(probability, freedom)


def test_the_incomplete_beta_ends_at_zero_and_one() -> None:
    assert incomplete_beta(2, 3, 0) == 0
    assert incomplete_beta(2, 3, 1) == 1
    assert math.isclose(incomplete_beta(2, 3, 0.5), 0.6875, rel_tol=1e-13)
    assert math.isclose(incomplete_beta(1, 1, 0.3), 0.3, rel_tol=1e-13)


def test_an_estimate_tells_n_mean_deviation_and_interval() -> None:
    found = estimate([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])

    assert (found.n, found.mean, found.minimum, found.maximum) == (8, 5.0, 2.0, 9.0)
    assert math.isclose(found.deviation, statistics.stdev([2, 4, 4, 4, 5, 5, 7, 9]))
    margin = 2.3646242515927853 * found.deviation / math.sqrt(8)
    assert math.isclose(found.margin, margin, rel_tol=1e-9)
    assert math.isclose(found.low, 5 - margin)
    assert math.isclose(found.high, 5 + margin)
    assert str(found) == "5.0 ± 1.8 (n=8, 95 %)"


def test_a_wider_confidence_gives_a_wider_interval() -> None:
    values = [0.1, 0.4, 0.2]

    assert estimate(values, confidence=0.99).margin > estimate(values).margin


def test_one_run_has_no_interval_and_says_so() -> None:
    found = estimate([0.5])

    assert found.n == 1
    assert found.mean == 0.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert math.isnan(found.deviation)
    assert str(found) == "0.5 (n=1: no interval)"


def test_no_run_has_no_mean() -> None:
    found = estimate([])

    assert found.n == 0
    assert math.isnan(found.mean)
    assert str(found) == "no numbers"


def test_nan_takes_no_part_and_n_tells_it() -> None:
    assert estimate([1.0, float("nan"), 3.0]) == estimate([1.0, 3.0])
    assert estimate([1.0, float("nan"), 3.0]).n == 2


def test_an_infinite_value_is_not_hidden() -> None:
    found = estimate([1.0, float("inf")])

    assert found.mean == float("inf")
    assert found.maximum == float("inf")
    assert math.isnan(found.deviation)


@pytest.mark.parametrize("confidence", [0, 1, 1.5, -0.1, float("nan")])
def test_a_confidence_that_is_no_share_is_refused(confidence: float) -> None:
    with pytest.raises(InvalidError, match="confidence"):
        summarised(3, 0.0, 1.0, confidence=confidence)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_the_mean_lies_inside_its_interval(values: list[float]) -> None:
    found = estimate(values)

    assert found.low <= found.mean <= found.high
    assert math.isclose(found.mean, statistics.fmean(values), rel_tol=1e-9, abs_tol=1e-9)
    assert math.isclose(found.deviation, statistics.stdev(values), rel_tol=1e-6, abs_tol=1e-6)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1234.0, 1300.0], "1267 ± 419 (n=2, 95 %)"),
        ([0.5, 0.5, 0.5], "0.5 ± 0 (n=3, 95 %)"),
        ([1e-9, 3e-9], "2e-09 ± 1.3e-08 (n=2, 95 %)"),
        ([1e-30, 3e-30], "2e-30 ± 1.3e-29 (n=2, 95 %)"),
    ],
)
def test_a_mean_is_told_with_the_digits_that_mean_something(values: list[float], text: str) -> None:
    assert str(estimate(values)) == text
