"""A cohort under contract is projected as Fader and Hardie (2007) published it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars_clv.sbg import Cohort, fit_cohort, survival

Clv = Callable[..., Any]
CsvFile = Callable[[str], Path]

# How to project customer retention, Journal of Interactive Marketing 21(1): of 1,000 customers, seven renewals.
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]


def cohort_of(survivors: list[int]) -> Cohort:
    return Cohort(np.arange(len(survivors), dtype=float), np.array(survivors, dtype=float))


@pytest.mark.parametrize(
    ("survivors", "published", "log_likelihood"),
    [(HIGH_END, [0.668, 3.806], -1611.2), (REGULAR, [0.704, 1.182], -1680.3)],
    ids=["high end", "regular"],
)
def test_the_published_parameters_come_out(survivors: list[int], published: list[float], log_likelihood: float) -> None:
    fit = fit_cohort(cohort_of(survivors))

    assert fit.parameters == pytest.approx(published, abs=5e-4)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=0.05)


def test_a_cohort_simulated_from_the_model_gives_its_parameters_back() -> None:
    generator = np.random.default_rng(15)
    renewals = generator.geometric(np.maximum(generator.beta(0.9, 3.0, 20_000), 1e-9))
    survivors = [int(np.count_nonzero(renewals > period)) for period in range(9)]

    fit = fit_cohort(cohort_of(survivors))

    assert fit.standard_errors is not None
    assert np.abs(fit.parameters - [0.9, 3.0]) / fit.standard_errors == pytest.approx(0, abs=3)


def test_nobody_has_left_before_the_first_renewal() -> None:
    assert survival(np.array([0.668, 3.806]), np.zeros(1)) == pytest.approx([1.0])


def test_fit_prints_the_cohort_beside_what_was_expected(clv: Clv, csv_file: CsvFile) -> None:
    rows = "".join(f"{period},{left}\n" for period, left in enumerate(HIGH_END))

    report = clv("fit", "--model", "sbg", "--cohort", csv_file(f"period,survivors\n{rows}"), "--json").report

    assert report["parameters"] == pytest.approx({"alpha": 0.668, "beta": 3.806}, abs=5e-4)
    assert report["survivors"][1] == pytest.approx({"period": 1, "actual": 869.0, "expected": 850.68}, abs=0.01)


@pytest.mark.parametrize(
    ("rows", "exit_code", "error_code"),
    [
        ("0,100\n1,90\n2,91\n", 3, "CLV_NOT_MONOTONE"),
        ("0,100\n", 3, "CLV_EMPTY"),
        ("0,0\n1,0\n", 3, "CLV_EMPTY"),
        ("0,100\n1,many\n2,80\n", 3, "CLV_TOO_MANY_REJECTED"),
        ("0,100\n1,0\n", 4, "CLV_NO_RENEWALS"),
    ],
)
def test_a_cohort_that_cannot_be_is_refused(
    clv: Clv, csv_file: CsvFile, rows: str, exit_code: int, error_code: str
) -> None:
    outcome = clv("fit", "--model", "sbg", "--cohort", csv_file(f"period,survivors\n{rows}"), "--json")

    assert (outcome.exit_code, outcome.report["error_code"]) == (exit_code, error_code)


def test_a_cohort_that_nobody_leaves_has_no_standard_errors(clv: Clv, csv_file: CsvFile) -> None:
    file = csv_file("period,survivors\n0,100\n1,100\n2,100\n")

    report = clv("fit", "--model", "sbg", "--cohort", file, "--json").report

    assert (report["degenerate"], report["standard_errors"]) == (True, None)
