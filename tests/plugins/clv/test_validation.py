"""A holdout of CDNOW is foretold as well as the reference says, and the naive rule stands beside it."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from regulars_clv.accuracy import Accuracy, gini, measure
from regulars_clv.bgnbd import BGNBD
from regulars_clv.errors import NoHoldout
from regulars_clv.paretonbd import PARETONBD
from regulars_clv.transactions import Transactions
from regulars_clv.validation import Validation, validate

FIGURES = ("total_ratio", "mae", "rmse", "normalised_gini")


@pytest.fixture(scope="module")
def checked(cdnow: Transactions) -> Validation:
    return validate(BGNBD, cdnow, period_days=7, calibration_end=date(1997, 9, 30), holdout_end=date(1998, 6, 30))


def assert_agrees(accuracy: Accuracy | None, expected: dict[str, float], tolerance: dict[str, float]) -> None:
    assert accuracy is not None
    figures = {name: getattr(accuracy, name) for name in FIGURES}
    assert figures == pytest.approx({name: expected[name] for name in FIGURES}, abs=tolerance["abs"])
    assert accuracy.decile_mape == pytest.approx(expected["decile_mape"], abs=tolerance["decile_mape_abs"])


def test_purchases_are_foretold_as_the_reference_says(checked: Validation, reference: dict[str, Any]) -> None:
    case = reference["holdout_39_weeks"]

    assert_agrees(checked.counts, case["counts"]["bgnbd"], case["tolerance"])
    assert checked.actual_purchases == case["actual_purchases"]


def test_paretonbd_foretells_as_the_reference_says(cdnow: Transactions, reference: dict[str, Any]) -> None:
    case = reference["holdout_39_weeks"]

    checked = validate(
        PARETONBD, cdnow, period_days=7, calibration_end=date(1997, 9, 30), holdout_end=date(1998, 6, 30)
    )

    assert_agrees(checked.counts, case["counts"]["paretonbd"], case["tolerance"])
    assert checked.counts.coverage == pytest.approx(0.925, abs=0.045)
    assert checked.non_repeaters.predicted == pytest.approx(case["zero_repeaters"]["paretonbd"], abs=0.001)


def test_the_past_rate_does_as_the_reference_says(checked: Validation, reference: dict[str, Any]) -> None:
    case = reference["holdout_39_weeks"]

    assert_agrees(checked.naive_counts, case["counts"]["naive_past_rate"], case["tolerance"])
    assert not checked.worse_than_naive


def test_amounts_are_foretold_as_the_reference_says(checked: Validation, reference: dict[str, Any]) -> None:
    case = reference["holdout_39_weeks"]

    assert_agrees(checked.value, case["value"]["bgnbd_x_gamma_gamma"], case["tolerance"])
    assert_agrees(checked.naive_value, case["value"]["naive_past_rate_x_past_mean"], case["tolerance"])


def test_deciles_are_the_reference(checked: Validation, reference: dict[str, Any]) -> None:
    expected = reference["holdout_39_weeks"]["bgnbd_deciles_low_to_high"]

    assert list(checked.counts.actual_by_decile) == pytest.approx(expected["actual"], abs=0.001)
    assert list(checked.counts.predicted_by_decile) == pytest.approx(expected["predicted"], abs=0.001)


def test_customers_without_repeats_are_shown_apart(checked: Validation, reference: dict[str, Any]) -> None:
    expected, others = reference["holdout_39_weeks"]["zero_repeaters"], checked.non_repeaters

    shown = {"share": others.share, "actual": others.actual, "bgnbd": others.predicted}

    assert shown == pytest.approx({name: expected[name] for name in shown}, abs=0.001)


def test_the_gini_of_all_customers_is_the_reference(cdnow: Transactions, reference: dict[str, Any]) -> None:
    case = reference["concentration_whole_log"]

    spread = gini(np.bincount(cdnow.customer, weights=cdnow.amount).astype(np.float64))

    assert spread == pytest.approx(case["gini"], rel=case["tolerance"]["rel"])


def test_a_total_of_nothing_has_no_gini() -> None:
    assert gini(np.array([1.0, -1.0])) is None


def test_a_holdout_in_which_nothing_happened_has_no_ratios() -> None:
    accuracy = measure(np.ones(20), np.zeros(20), customer_ids=[str(name) for name in range(20)])

    assert (accuracy.total_ratio, accuracy.normalised_gini, accuracy.decile_mape) == (None, None, None)
    assert accuracy.mae == 1.0


def test_a_holdout_before_the_cut_is_refused(cdnow: Transactions) -> None:
    with pytest.raises(NoHoldout, match="1997-09-30"):
        validate(BGNBD, cdnow, period_days=7, calibration_end=date(1997, 9, 30), holdout_end=date(1997, 9, 30))
