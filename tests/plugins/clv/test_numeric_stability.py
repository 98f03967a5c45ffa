"""Gradients are right, and extreme customers give numbers."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, special

from regulars_clv.bgnbd import BGNBD
from regulars_clv.catalogue import MODELS
from regulars_clv.gamma_gamma import fit_spend, log_likelihood
from regulars_clv.history import DistinctRows, History, compress
from regulars_clv.paretonbd import PARETONBD
from regulars_clv.preparation import Prepared
from regulars_clv.purchase_model import PurchaseModel
from regulars_clv.silence import weigh_silence
from regulars_clv.while_alive import purchases_while_alive

Simulated = Callable[..., History]
PARAMETERS = np.array([0.25, 4.4, 0.8, 2.4])


def every_frequency() -> History:
    """Customers with 0 to 5,000 repeat purchases, the last one 2 weeks before the end of 40."""
    frequency = np.arange(0.0, 5001.0)
    return History(
        frequency, np.where(frequency > 0, 38.0, 0.0), np.full(len(frequency), 40.0), np.full(len(frequency), 20.0)
    )


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("scale", [0.2, 1.0, 4.0])
def test_the_gradient_is_the_slope_of_the_log_likelihood(
    cdnow_rows: DistinctRows, model: PurchaseModel, scale: float
) -> None:
    objective = model.objective(cdnow_rows)
    at = np.log(model.start(cdnow_rows) * scale)
    steps = 1e-6 * np.eye(len(at))

    _, gradient = objective(at)

    slope = [(objective(at + step)[0] - objective(at - step)[0]) / 2e-6 for step in steps]
    assert gradient == pytest.approx(slope, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_fitted_sum_is_the_sum_over_customers(cdnow_prepared: Prepared, model: PurchaseModel) -> None:
    rows = compress(cdnow_prepared.history)
    parameters = model.start(rows) * 0.7

    total, _ = model.objective(rows)(np.log(parameters))

    assert total == pytest.approx(model.log_likelihood(parameters, cdnow_prepared.history).sum(), rel=1e-12)


def test_the_fitted_amounts_are_the_sum_over_customers(cdnow_prepared: Prepared) -> None:
    history = cdnow_prepared.history
    paying = history.monetary_value > 0

    spend = fit_spend(history)

    assert spend is not None
    by_customer = log_likelihood(spend.fit.parameters, history.frequency[paying], history.monetary_value[paying])
    assert spend.fit.log_likelihood == pytest.approx(by_customer.sum(), rel=1e-12)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_busiest_customers_give_finite_numbers(model: PurchaseModel) -> None:
    parameters, history = PARAMETERS[: len(model.parameter_names)], every_frequency()

    expected = model.expected_purchases(parameters, history, np.array([0.1, 39.0, 520.0]))
    likelihood = model.log_likelihood(parameters, history)
    value, gradient = model.objective(compress(history))(np.log(parameters))

    assert np.isfinite(expected).all()
    assert (expected >= 0).all()
    assert np.isfinite([*likelihood, value, *gradient]).all()


def test_the_log_likelihood_of_a_busy_customer_is_stable() -> None:
    parameters = np.array([0.25, 4.0, 0.8, 2.5])
    history = History(np.array([0.0, 200.0]), np.array([0.0, 38.0]), np.array([40.0, 40.0]), np.zeros(2))

    assert BGNBD.log_likelihood(parameters, history) == pytest.approx([-0.5994738182, 100.7956931], abs=1e-5)


def test_the_hole_at_a_equal_one_is_filled_with_the_limit() -> None:
    frequency = np.array([0.0, 1.0, 10.0, 500.0])

    at_one = purchases_while_alive(0.25 + frequency, 44.4, 1.0, 2.4 + frequency, 39.0)
    beside = purchases_while_alive(0.25 + frequency, 44.4, 1.0 + 1e-9, 2.4 + frequency, 39.0)

    assert at_one == pytest.approx(beside, rel=1e-8)


def test_an_infinitesimal_horizon_brings_the_rate() -> None:
    expected = purchases_while_alive(0.25, 4.4, 0.8, 2.4, 1e-6)

    assert expected == pytest.approx(0.25 / 4.4 * 1e-6, rel=1e-6)


@pytest.mark.parametrize(
    ("r", "alpha", "a", "b", "periods"),
    [
        (0.24, 4.4, 0.8, 2.4, 39.0),
        (0.24, 4.4, 0.8, 2.4, 1e5),
        (5000.24, 44.4, 0.8, 5002.4, 39.0),
        (800.0, 40.0, 0.9, 1.5, 39.0),
        (0.3, 0.2, 0.4, 0.3, 100.0),
        (2.0, 10.0, 60.0, 200.0, 400.0),
        (1.5, 10.0, 1.0, 0.8, 52.0),
    ],
)
def test_expected_purchases_are_the_integral_over_the_chance_to_leave(
    r: float, alpha: float, a: float, b: float, periods: float
) -> None:
    def density_of_log_odds(y: float) -> float:
        log_p, log_rest = -np.logaddexp(0.0, -y), -np.logaddexp(0.0, y)
        weight = np.exp(a * log_p + b * log_rest - special.betaln(a, b))
        return float(weight * -np.expm1(-r * np.log1p(np.exp(log_p) * periods / alpha)) / np.exp(log_p))

    middle = np.log(a / b)
    exact = (
        integrate.quad(density_of_log_odds, middle - 60, middle, limit=500, epsabs=0, epsrel=1e-11)[0]
        + integrate.quad(density_of_log_odds, middle, middle + 60, limit=500, epsabs=0, epsrel=1e-11)[0]
    )

    expected = purchases_while_alive(r, alpha, a, b, periods)

    assert expected == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("s", [1.0, 1.0 + 1e-9])
def test_the_hole_at_s_equal_one_is_filled_with_the_limit(s: float) -> None:
    expected = PARETONBD.newcomer_purchases(np.array([0.6, 10.0, s, 12.0]), np.array([39.0]))

    assert expected[0] == pytest.approx(0.6 / 10.0 * 12.0 * np.log(1 + 39.0 / 12.0), rel=1e-8)


@pytest.mark.parametrize(
    ("r", "alpha", "s", "beta", "frequency", "recency", "age"),
    [
        (0.55, 10.58, 0.61, 11.67, 0.0, 0.0, 38.9),
        (0.55, 10.58, 0.61, 11.67, 7.0, 20.0, 38.9),
        (0.55, 10.58, 0.61, 11.67, 5000.0, 150.0, 200.0),
        (0.55, 10.58, 40.0, 900.0, 3.0, 1.0, 500.0),
        (2.0, 100.0, 0.5, 0.01, 0.0, 0.0, 200.0),
        (0.02, 0.01, 0.5, 300.0, 1.0, 0.1, 900.0),
    ],
)
def test_the_odds_of_having_left_are_the_integral_over_the_moment_of_leaving(
    r: float, alpha: float, s: float, beta: float, frequency: float, recency: float, age: float
) -> None:
    rows = History(*(np.array([number]) for number in (frequency, recency, age, 0.0)))

    def log_relative_to_alive(moment: float) -> float:
        by_rate = (r + frequency) * np.log((alpha + age) / (alpha + moment))
        return float(np.log(s / (beta + moment)) + by_rate + s * np.log((beta + age) / (beta + moment)))

    highest = log_relative_to_alive(recency)
    moments = recency + (age - recency) * np.concatenate([[0.0], np.logspace(-9, 0, 60)])
    exact = sum(
        integrate.quad(
            lambda moment: np.exp(log_relative_to_alive(moment) - highest), start, end, epsabs=1e-16, epsrel=1e-12
        )[0]
        for start, end in itertools.pairwise(moments)
    )

    found = weigh_silence(np.array([r, alpha, s, beta]), rows)

    assert found.log_odds_left[0] == pytest.approx(highest + np.log(exact), abs=1e-9)
