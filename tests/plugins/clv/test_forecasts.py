"""Expected purchases, P(alive), amounts and value agree with published examples."""

from typing import Any

import numpy as np
import pytest

from regulars_clv.bgnbd import BGNBD
from regulars_clv.gamma_gamma import expected_spend, fit_spend
from regulars_clv.geometric_dropout import purchase_distribution
from regulars_clv.history import DistinctRows, History
from regulars_clv.mbgnbd import MBGNBD
from regulars_clv.nbd import NBD
from regulars_clv.paretonbd import PARETONBD
from regulars_clv.preparation import Prepared
from regulars_clv.purchase_fit import fit_purchases
from regulars_clv.purchase_model import PurchaseModel
from regulars_clv.value import future_value, month_ends

YEAR = 12 * 4.345


def parameters_of(case: dict[str, Any]) -> Any:
    return np.array(list(case["parameters"].values()))


def one_customer(case: dict[str, Any]) -> History:
    return History(
        np.array([float(case["frequency"])]),
        np.array([float(case["recency"])]),
        np.array([float(case["T"])]),
        np.zeros(1),
    )


def test_a_new_customer_is_expected_to_buy_as_published(reference: dict[str, Any]) -> None:
    case = reference["pointwise"]["bgnbd_expected_purchases_new_customer"]

    expected = BGNBD.newcomer_purchases(parameters_of(case), np.array(case["t"], dtype=float))

    assert expected == pytest.approx(np.array(case["expected"]), rel=case["tolerance"]["rel"])


@pytest.mark.parametrize("model", [BGNBD, PARETONBD], ids=["bgnbd", "paretonbd"])
def test_a_known_customer_is_expected_to_buy_as_published(reference: dict[str, Any], model: PurchaseModel) -> None:
    case = reference["pointwise"][f"{model.name}_conditional"]

    expected = model.expected_purchases(parameters_of(case), one_customer(case), np.array([case["horizon_periods"]]))

    assert expected[0, 0] == pytest.approx(case["expected_purchases"], rel=case["tolerance"]["rel"])


@pytest.mark.parametrize("model", [BGNBD, PARETONBD], ids=["bgnbd", "paretonbd"])
def test_a_known_customer_is_as_alive_as_published(reference: dict[str, Any], model: PurchaseModel) -> None:
    case = reference["pointwise"][f"{model.name}_conditional"]
    assert model.probability_alive is not None

    alive = model.probability_alive(parameters_of(case), one_customer(case))

    assert alive[0] == pytest.approx(case["p_alive"], rel=case["tolerance"]["rel"])


def test_the_number_of_purchases_is_distributed_as_published(reference: dict[str, Any]) -> None:
    case = reference["pointwise"]["bgnbd_distribution"]

    none = purchase_distribution(0, parameters_of(case), np.zeros(1), periods=39)
    many = purchase_distribution(0, parameters_of(case), np.arange(11.0, 21.0), periods=30)

    assert none[0] == pytest.approx(case["p_zero_at_39"], abs=case["tolerance"]["abs"])
    assert many == pytest.approx(np.array(case["p_11_to_20_at_30"]), abs=case["tolerance"]["abs"])


@pytest.mark.parametrize("chances", [0, 1])
def test_the_distribution_sums_to_one_and_has_the_expected_mean(chances: int) -> None:
    parameters = np.array([0.5, 6.0, 0.9, 1.6])
    counts = np.arange(0.0, 3000.0)

    probability = purchase_distribution(chances, parameters, counts, periods=52.0)

    expected = (BGNBD, MBGNBD)[chances].newcomer_purchases(parameters, np.array([52.0]))
    assert probability.sum() == pytest.approx(1.0, abs=1e-9)
    assert probability @ counts == pytest.approx(expected[0], rel=1e-9)


def test_the_mean_amount_is_shrunk_as_published(reference: dict[str, Any]) -> None:
    case = reference["pointwise"]["gamma_gamma_mean_value"]
    frequency = np.array([float(customer["frequency"]) for customer in case["customers"]])
    mean = np.array([customer["mean"] for customer in case["customers"]])

    expected = expected_spend(parameters_of(case), frequency, mean)

    assert expected == pytest.approx(
        np.array([customer["expected"] for customer in case["customers"]]), rel=case["tolerance"]["rel"]
    )
    assert expected == pytest.approx(np.array(case["published"]), abs=case["published_tolerance"]["abs"])


def test_an_amount_without_a_finite_mean_is_infinite_not_negative() -> None:
    expected = expected_spend(np.array([6.0, 0.9, 15.0]), np.zeros(1), np.zeros(1))

    assert expected[0] == np.inf


def test_twelve_months_of_cdnow_are_worth_the_reference(
    cdnow_prepared: Prepared, cdnow_rows: DistinctRows, reference: dict[str, Any]
) -> None:
    case, history = reference["value_12_months"], cdnow_prepared.history
    spend = fit_spend(history)
    assert spend is not None

    value = future_value(
        fit_purchases(BGNBD, cdnow_rows).estimate,
        history,
        spend=expected_spend(spend.fit.parameters, history.frequency, history.monetary_value),
        periods=YEAR,
        period_days=7,
    )

    assert value.sum() == pytest.approx(case["total"], rel=case["tolerance"]["rel"])
    assert value[:5] == pytest.approx(np.array(case["first_five_customers"]), rel=case["tolerance"]["rel"])


def test_margin_scales_the_value(cdnow_prepared: Prepared, cdnow_rows: DistinctRows) -> None:
    estimate, history = fit_purchases(BGNBD, cdnow_rows).estimate, cdnow_prepared.history
    spend = np.full(len(history), 35.0)

    whole = future_value(estimate, history, spend=spend, periods=YEAR, period_days=7)
    tenth = future_value(estimate, history, spend=spend, periods=YEAR, period_days=7, margin=0.1)

    assert tenth == pytest.approx(0.1 * whole, rel=1e-12)


def test_without_discount_the_value_is_purchases_times_amount(
    cdnow_prepared: Prepared, cdnow_rows: DistinctRows
) -> None:
    estimate, history = fit_purchases(NBD, cdnow_rows).estimate, cdnow_prepared.history

    value = future_value(
        estimate, history, spend=np.ones(len(history)), periods=20.0, period_days=7, discount_per_month=0.0
    )

    expected = NBD.expected_purchases(estimate.parameters, history, np.array([20.0]))[:, 0]
    assert value == pytest.approx(expected, rel=1e-12)


def test_the_last_month_of_a_horizon_may_be_cut_short() -> None:
    assert month_ends(10.0, period_days=7) == pytest.approx([4.345, 8.69, 10.0])


def test_a_horizon_of_whole_months_has_no_empty_month() -> None:
    assert len(month_ends(YEAR, period_days=7)) == 12
