"""The intervals hold as much of the future as they promise."""

from datetime import date
from typing import Any

import numpy as np
import pytest

from regulars_clv.bgnbd import BGNBD
from regulars_clv.catalogue import MODELS
from regulars_clv.fitting import Fit
from regulars_clv.gamma_gamma import expected_spend, fit_spend
from regulars_clv.geometric_dropout import purchase_distribution
from regulars_clv.history import DistinctRows, History, compress
from regulars_clv.intervals import purchase_interval, value_interval
from regulars_clv.mbgnbd import MBGNBD
from regulars_clv.preparation import Prepared, holdout_after
from regulars_clv.purchase_fit import Estimate, fit_purchases
from regulars_clv.purchase_model import PurchaseModel
from regulars_clv.transactions import Transactions
from regulars_clv.value import future_value

HOLDOUT_WEEKS = 39.0


@pytest.mark.parametrize("model", [BGNBD, MBGNBD], ids=["bgnbd", "mbgnbd"])
def test_purchases_of_repeat_buyers_are_covered_as_promised(
    cdnow: Transactions,
    cdnow_prepared: Prepared,
    cdnow_rows: DistinctRows,
    reference: dict[str, Any],
    model: PurchaseModel,
) -> None:
    gate = reference["holdout_39_weeks"]["coverage_90_percent_predictive"]
    actual = holdout_after(cdnow, cdnow_prepared, holdout_end=date(1998, 6, 30)).purchases
    repeated = cdnow_prepared.history.frequency > 0

    interval = purchase_interval(
        fit_purchases(model, cdnow_rows).estimate, cdnow_rows, periods=HOLDOUT_WEEKS
    ).of_customers(cdnow_rows)

    covered = ((actual >= interval.low) & (actual <= interval.high))[repeated].mean()
    assert gate["at_least"] <= covered <= gate["at_most"]


def test_amounts_of_repeat_buyers_are_covered_as_promised(
    cdnow: Transactions, cdnow_prepared: Prepared, cdnow_rows: DistinctRows
) -> None:
    history = cdnow_prepared.history
    actual = holdout_after(cdnow, cdnow_prepared, holdout_end=date(1998, 6, 30)).amount
    spend = fit_spend(history)
    assert spend is not None

    interval = value_interval(
        fit_purchases(MBGNBD, cdnow_rows).estimate,
        spend.fit,
        history,
        periods=HOLDOUT_WEEKS,
        period_days=7,
        discount_per_month=0.0,
    )

    covered = ((actual >= interval.low) & (actual <= interval.high))[history.frequency > 0].mean()
    assert 0.88 <= covered <= 0.97


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_drawn_purchases_have_the_expected_mean(cdnow_rows: DistinctRows, model: PurchaseModel) -> None:
    parameters = fit_purchases(model, cdnow_rows).fit.parameters
    history = History(np.array([0.0, 1.0, 6.0]), np.array([0.0, 5.0, 30.0]), np.array([30.0, 30.0, 35.0]), np.zeros(3))

    drawn = model.draw_purchases(np.tile(parameters, (200_000, 1)), history, HOLDOUT_WEEKS, np.random.default_rng(6))

    expected = model.expected_purchases(parameters, history, np.array([HOLDOUT_WEEKS]))[:, 0]
    assert drawn.mean(axis=1) == pytest.approx(expected, rel=0.03)


def test_the_ends_are_those_of_the_exact_distribution_for_a_new_customer() -> None:
    parameters = np.array([0.9, 6.0, 0.8, 2.4])
    newcomer = compress(History(np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1)))
    below = np.cumsum(purchase_distribution(0, parameters, np.arange(0.0, 60.0), periods=HOLDOUT_WEEKS))

    interval = purchase_interval(Estimate(BGNBD, parameters), newcomer, periods=HOLDOUT_WEEKS, draws=40_000)

    assert interval.low[0] == np.searchsorted(below, 0.05)
    assert interval.high[0] == np.searchsorted(below, 0.95)


def test_unsure_parameters_widen_the_interval() -> None:
    rows = compress(History(np.array([1.0]), np.array([1.0]), np.array([2.0]), np.zeros(1)))
    parameters = np.array([0.25, 4.4, 0.8, 2.4])

    sure = purchase_interval(Estimate(BGNBD, parameters), rows, periods=HOLDOUT_WEEKS)
    unsure = purchase_interval(Estimate(BGNBD, parameters, np.diag([0.5, 0.5, 1.0, 1.0])), rows, periods=HOLDOUT_WEEKS)

    assert unsure.high[0] > sure.high[0]


def test_unsure_parameters_widen_the_interval_of_the_value() -> None:
    history = History(np.array([1.0]), np.array([1.0]), np.array([2.0]), np.array([20.0]))
    parameters, spend = np.array([0.25, 4.4, 0.8, 2.4]), sure_spend()

    sure = value_interval(Estimate(BGNBD, parameters), spend, history, periods=HOLDOUT_WEEKS, period_days=7)
    unsure = value_interval(
        Estimate(BGNBD, parameters, np.diag([0.5, 0.5, 1.0, 1.0])),
        spend,
        history,
        periods=HOLDOUT_WEEKS,
        period_days=7,
    )

    assert unsure.high[0] > 1.1 * sure.high[0]


def sure_spend() -> Fit:
    return Fit(
        names=("p", "q", "v"),
        parameters=np.array([6.25, 3.74, 15.44]),
        log_likelihood=0.0,
        log_covariance=None,
        converged=True,
        at_edge=(),
        evaluations=0,
    )


def test_the_same_seed_gives_the_same_interval(cdnow_rows: DistinctRows) -> None:
    estimate = fit_purchases(BGNBD, cdnow_rows).estimate

    first = purchase_interval(estimate, cdnow_rows, periods=HOLDOUT_WEEKS, draws=50)
    again = purchase_interval(estimate, cdnow_rows, periods=HOLDOUT_WEEKS, draws=50)

    assert np.array_equal(first.low, again.low)
    assert np.array_equal(first.high, again.high)


def test_the_value_of_the_busiest_lies_inside_its_interval(cdnow_prepared: Prepared, cdnow_rows: DistinctRows) -> None:
    history, estimate = cdnow_prepared.history, fit_purchases(BGNBD, cdnow_rows).estimate
    spend = fit_spend(history)
    assert spend is not None

    value = future_value(
        estimate,
        history,
        spend=expected_spend(spend.fit.parameters, history.frequency, history.monetary_value),
        periods=52.0,
        period_days=7,
    )
    interval = value_interval(estimate, spend.fit, history, periods=52.0, period_days=7)

    busiest = (history.frequency >= 10) & (history.age - history.recency < 4)
    assert np.count_nonzero(busiest) > 10
    assert ((value > interval.low) & (value < interval.high))[busiest].all()
