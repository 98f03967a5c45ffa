"""The interval for the difference of two means, against figures that others have published, and by simulation."""

import json
from collections.abc import Mapping
from math import inf, isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from regulars.assignment.student_t import t_quantile, t_upper_tail
from regulars.assignment.two_means import ArmSums, NotEnoughData, Side, difference_of_means, sums_of_hits
from regulars.errors import OutOfRange

FIGURES: Mapping[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "two_means.json").read_text("utf-8"))
SIDES = {"two": Side.BOTH, "greater": Side.AT_LEAST, "lesser": Side.AT_MOST}
SEED = 20260302
ROUNDS = 4000

CASES = [
    pytest.param(case, section["tolerance"], id=f"{section['name']}-{number}")
    for section in FIGURES["sections"]
    for number, case in enumerate(section["cases"])
]


def sums(case: Mapping[str, Any], given: Mapping[str, float]) -> ArmSums:
    if case["kind"] == "proportion":
        return sums_of_hits(int(given["n"]), int(given["sum"]))
    return ArmSums(int(given["n"]), given["sum"], given["sum_squares"])


@pytest.mark.parametrize(("case", "tolerance"), CASES)
def test_an_interval_is_what_others_have_published(case: Mapping[str, Any], tolerance: float) -> None:
    expected = case["expected"]
    low, high = expected["ci"]

    found = difference_of_means(
        sums(case, case["a"]),
        sums(case, case["b"]),
        alpha=case["alpha"],
        side=SIDES[case["side"]],
        is_relative=case["difference"] == "relative",
    )

    got = {
        "estimate": found.estimate,
        "std_error": found.std_error,
        "p": found.p,
        "low": found.low,
        "high": found.high,
    }
    wanted = {
        **{name: expected[name] for name in ("estimate", "std_error", "p") if name in expected},
        "low": -inf if low is None else low,
        "high": inf if high is None else high,
    }
    assert {name: got[name] for name in wanted} == pytest.approx(wanted, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("df", [1, 1.5, 3, 10, 100, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("probability", [0.01, 0.6, 0.9, 0.975, 0.999, 1 - 1e-9])
def test_quantiles_are_those_of_scipy(df: float, probability: float) -> None:
    assert t_quantile(probability, df) == pytest.approx(stats.t.ppf(probability, df), rel=1e-8)


@pytest.mark.parametrize("df", [1, 1.5, 3, 10, 100, 1e4, 1e6, 1e8])
@pytest.mark.parametrize("t", [-2.0, 0.0, 0.1, 1.0, 5.0, 20.0])
def test_tails_are_those_of_scipy(df: float, t: float) -> None:
    assert t_upper_tail(t, df) == pytest.approx(stats.t.sf(t, df), rel=1e-6)


@pytest.mark.parametrize(
    ("control", "treated"),
    [
        (sums_of_hits(1, 1), sums_of_hits(100, 50)),
        (sums_of_hits(100, 50), sums_of_hits(0, 0)),
        (sums_of_hits(100, 0), sums_of_hits(100, 0)),
        (ArmSums(10, 50, 250), ArmSums(10, 60, 360)),
    ],
    ids=["one unit", "nobody", "nobody did it", "all alike"],
)
def test_what_cannot_be_told_is_not_told(control: ArmSums, treated: ArmSums) -> None:
    with pytest.raises(NotEnoughData):
        difference_of_means(control, treated)


def test_nothing_is_a_share_of_nothing() -> None:
    with pytest.raises(NotEnoughData, match="share"):
        difference_of_means(ArmSums(4, 0, 4), ArmSums(4, 2, 4), is_relative=True)


@pytest.mark.parametrize("alpha", [0, 1, -0.05, nan])
def test_an_alpha_that_is_no_probability_is_refused(alpha: float) -> None:
    with pytest.raises(OutOfRange):
        difference_of_means(sums_of_hits(100, 10), sums_of_hits(100, 20), alpha=alpha)


@pytest.mark.parametrize("total", [nan, inf])
def test_sums_that_are_no_numbers_are_refused(total: float) -> None:
    with pytest.raises(OutOfRange):
        difference_of_means(ArmSums(10, total, 10), ArmSums(10, 5, 10))


def test_a_clear_difference_leaves_out_0() -> None:
    clear = difference_of_means(sums_of_hits(1000, 100), sums_of_hits(1000, 200))
    unclear = difference_of_means(sums_of_hits(1000, 100), sums_of_hits(1000, 101))

    assert (clear.is_clear, unclear.is_clear) == (True, False)
    assert not isnan(unclear.p)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    covered = covered_share(pooled=False, rounds=ROUNDS)

    assert stats.binomtest(round(covered * ROUNDS), ROUNDS, 0.95).pvalue > 1e-4


def test_an_interval_that_takes_the_arms_for_alike_does_not() -> None:
    """The negative control: were the simulation blind, this one would pass too."""
    assert covered_share(pooled=True, rounds=ROUNDS) < 0.9


@pytest.mark.full
def test_the_interval_holds_the_truth_as_often_as_it_says_in_100000_rounds() -> None:
    assert covered_share(pooled=False, rounds=100_000) == pytest.approx(0.95, abs=0.004)


def covered_share(*, pooled: bool, rounds: int) -> float:
    """Return how often the interval holds the true difference, which is 2: 40 units that vary much, 360 that do not."""
    random = np.random.default_rng(SEED)
    treated, control = random.normal(12, 9, (rounds, 40)), random.normal(10, 3, (rounds, 360))
    if pooled:
        assumed = stats.ttest_ind(treated, control, axis=1).confidence_interval(0.95)
        return float(np.mean((assumed.low <= 2) & (assumed.high >= 2)))
    intervals = [difference_of_means(_sums(of), _sums(to)) for of, to in zip(control, treated, strict=True)]
    return float(np.mean([found.low <= 2 <= found.high for found in intervals]))


def _sums(values: NDArray[np.float64]) -> ArmSums:
    return ArmSums(len(values), float(values.sum()), float((values**2).sum()))
