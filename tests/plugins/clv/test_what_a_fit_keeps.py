"""Fits find what is in the data, whatever its order, size or unit, and say when there is nothing to find."""

from collections.abc import Callable

import numpy as np
import pytest

from regulars_clv.bgnbd import BGNBD
from regulars_clv.catalogue import MODELS
from regulars_clv.errors import NoRepeats
from regulars_clv.gamma_gamma import fit_spend, spend_warnings
from regulars_clv.history import History, compress
from regulars_clv.mbgnbd import MBGNBD
from regulars_clv.nbd import NBD
from regulars_clv.paretonbd import PARETONBD
from regulars_clv.preparation import Prepared
from regulars_clv.purchase_fit import fit_purchases
from regulars_clv.purchase_model import PurchaseModel

Simulated = Callable[..., History]
DROPOUT = {"r": 0.55, "alpha": 6.0, "a": 0.9, "b": 1.8}


def reordered(history: History, order: list[int]) -> History:
    return History(history.frequency[order], history.recency[order], history.age[order], history.monetary_value[order])


@pytest.mark.parametrize(("model", "chances"), [(BGNBD, 0), (MBGNBD, 1)], ids=["bgnbd", "mbgnbd"])
def test_parameters_are_recovered_from_simulated_customers(
    simulated: Simulated, model: PurchaseModel, chances: int
) -> None:
    history = simulated(chances=chances, customers=8000, seed=11, **DROPOUT)

    fit = fit_purchases(model, compress(history))

    assert fit.standard_errors is not None
    assert np.abs(fit.fit.parameters - list(DROPOUT.values())) / fit.standard_errors == pytest.approx(0, abs=3)


def test_paretonbd_is_recovered_from_customers_who_leave_at_any_moment() -> None:
    generator, customers = np.random.default_rng(14), 6000
    age = generator.uniform(20.0, 80.0, customers)
    stay = np.minimum(age, generator.exponential(1 / generator.gamma(0.7, 1 / 11.0, customers)))
    bought = generator.poisson(generator.gamma(0.6, 1 / 10.0, customers) * stay)
    last = np.where(bought > 0, stay * generator.beta(np.maximum(bought, 1), 1.0), 0.0)
    history = History(bought.astype(float), last, age, np.zeros(customers))

    fit = fit_purchases(PARETONBD, compress(history))

    assert fit.standard_errors is not None
    assert np.abs(fit.fit.parameters - [0.6, 10.0, 0.7, 11.0]) / fit.standard_errors == pytest.approx(0, abs=3)


def test_the_nbd_is_recovered_from_customers_who_never_leave(simulated: Simulated) -> None:
    history = simulated(chances=0, r=0.8, alpha=12.0, a=1e-9, b=1e3, customers=8000, seed=12)

    fit = fit_purchases(NBD, compress(history))

    assert fit.standard_errors is not None
    assert np.abs(fit.fit.parameters - [0.8, 12.0]) / fit.standard_errors == pytest.approx(0, abs=3)


def test_amounts_are_recovered_from_simulated_customers() -> None:
    generator, customers = np.random.default_rng(13), 6000
    frequency = generator.integers(1, 12, customers).astype(float)
    rate = generator.gamma(3.7, 1 / 15.4, customers)
    mean = generator.gamma(6.2 * frequency, 1 / (rate * frequency))

    spend = fit_spend(History(frequency, frequency, frequency + 1, mean))

    assert spend is not None
    assert spend.fit.standard_errors is not None
    assert np.abs(spend.fit.parameters - [6.2, 3.7, 15.4]) / spend.fit.standard_errors == pytest.approx(0, abs=3)
    assert spend_warnings(spend) == []


@pytest.mark.parametrize("model", [BGNBD, MBGNBD], ids=["bgnbd", "mbgnbd"])
def test_customers_who_never_leave_are_called_degenerate_and_get_the_nbd(
    simulated: Simulated, model: PurchaseModel
) -> None:
    history = simulated(chances=0, r=0.8, alpha=12.0, a=1e-9, b=1e3, customers=2000, seed=1)

    fit = fit_purchases(model, compress(history))

    assert fit.degenerate
    assert fit.standard_errors is None
    assert fit.estimate.model is NBD
    assert "DEGENERATE" in fit.warnings


@pytest.mark.parametrize("model", [BGNBD, MBGNBD], ids=["bgnbd", "mbgnbd"])
def test_customers_who_do_leave_are_not_called_degenerate(simulated: Simulated, model: PurchaseModel) -> None:
    history = simulated(chances=0, customers=2000, seed=2, **DROPOUT)

    fit = fit_purchases(model, compress(history))

    assert not fit.degenerate
    assert fit.estimate.model is model


@pytest.mark.parametrize("model", [BGNBD, MBGNBD], ids=["bgnbd", "mbgnbd"])
def test_dropout_that_runs_to_the_edge_is_degenerate(simulated: Simulated, model: PurchaseModel) -> None:
    everybody_as_likely_to_leave = simulated(chances=0, r=0.8, alpha=12.0, a=1e6, b=4e6, customers=3000, seed=3)

    fit = fit_purchases(model, compress(everybody_as_likely_to_leave))

    assert set(fit.fit.at_edge) == {"a", "b"}
    assert fit.degenerate
    assert fit.standard_errors is None


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_nobody_buying_twice_cannot_be_fitted(model: PurchaseModel) -> None:
    history = History(np.zeros(20), np.zeros(20), np.arange(1.0, 21.0), np.zeros(20))

    with pytest.raises(NoRepeats, match="None of the 20 customers"):
        fit_purchases(model, compress(history))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_order_of_the_customers_changes_no_bit(cdnow_prepared: Prepared, model: PurchaseModel) -> None:
    history = cdnow_prepared.history
    order = np.random.default_rng(3).permutation(len(history)).tolist()

    fit = fit_purchases(model, compress(history)).fit
    shuffled = fit_purchases(model, compress(reordered(history, order))).fit

    assert shuffled.parameters.tolist() == fit.parameters.tolist()
    assert shuffled.log_likelihood == fit.log_likelihood


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_customer_twice_doubles_the_log_likelihood(cdnow_prepared: Prepared, model: PurchaseModel) -> None:
    history = cdnow_prepared.history
    twice = reordered(history, [*range(len(history)), *range(len(history))])

    fit = fit_purchases(model, compress(history)).fit
    doubled = fit_purchases(model, compress(twice)).fit

    assert doubled.log_likelihood == pytest.approx(2 * fit.log_likelihood, abs=0.002)
    assert doubled.parameters == pytest.approx(fit.parameters, rel=2e-5)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_days_instead_of_weeks_multiply_the_times_by_seven(cdnow_prepared: Prepared, model: PurchaseModel) -> None:
    weeks = cdnow_prepared.history
    days = History(weeks.frequency, weeks.recency * 7, weeks.age * 7, weeks.monetary_value)
    in_days = np.where(np.isin(model.parameter_names, ["alpha", "beta"]), 7.0, 1.0)

    fit = fit_purchases(model, compress(weeks)).fit
    daily = fit_purchases(model, compress(days)).fit

    assert daily.parameters == pytest.approx(fit.parameters * in_days, rel=1e-6)


def test_amounts_that_rise_with_the_number_of_purchases_are_warned_about() -> None:
    generator = np.random.default_rng(5)
    frequency = generator.integers(1, 9, 200).astype(float)
    mean = frequency * 10 + generator.gamma(2.0, 2.0, 200)

    spend = fit_spend(History(frequency, frequency, frequency + 1, mean))

    assert "SPEND_CORRELATED_WITH_FREQUENCY" in spend_warnings(spend)


def test_fewer_than_ten_repeaters_have_no_amounts() -> None:
    frequency = np.append(np.ones(9), np.zeros(50))

    spend = fit_spend(History(frequency, frequency, frequency + 1, frequency * 20))

    assert spend is None
    assert spend_warnings(spend) == ["TOO_FEW_REPEATERS"]


def test_amounts_that_never_vary_have_no_standard_errors() -> None:
    alike = np.full(40, 3.0)

    spend = fit_spend(History(alike, alike, alike + 1, np.full(40, 20.0)))

    assert "SPEND_NOT_IDENTIFIED" in spend_warnings(spend)
