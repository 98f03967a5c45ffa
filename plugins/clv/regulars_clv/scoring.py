"""Say of each customer what to expect: purchases, value, whether still there, and between which numbers."""

from dataclasses import dataclass

import numpy as np

from regulars_clv.gamma_gamma import expected_spend
from regulars_clv.history import History, Vector, compress
from regulars_clv.intervals import Interval, purchase_interval
from regulars_clv.purchase_fit import Estimate
from regulars_clv.value import future_value

__all__ = ["Horizon", "Scores", "score_customers"]


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far ahead, and what a later month is worth today."""

    periods: float
    period_days: int
    discount_per_month: float = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """One entry per customer, each of shape (n,), in the order of the history.

    ``probability_alive`` is ``None`` for a model in which nobody leaves; where ``alive_is_certain`` it is 1 by the
    model's construction and says nothing about the customer. ``value`` is ``None`` without a fit of spending, and
    infinite where that gives no finite mean. ``purchases`` is the predictive interval of their number.
    """

    probability_alive: Vector | None
    alive_is_certain: np.ndarray
    expected_purchases: Vector
    purchases: Interval
    value: Vector | None
    log_likelihood: Vector


def score_customers(
    estimate: Estimate, spend: Vector | None, history: History, *, horizon: Horizon, margin: float = 1.0
) -> Scores:
    """Return the scores of everybody in ``history`` over ``horizon``; ``spend`` holds p, q, v of Gamma-Gamma."""
    model, parameters, rows = estimate.model, estimate.parameters, compress(history)
    customers = rows.row_of_customer
    alive = None if model.probability_alive is None else model.probability_alive(parameters, rows)[customers]
    return Scores(
        probability_alive=alive,
        alive_is_certain=(history.frequency == 0) & model.alive_is_certain_without_repeat,
        expected_purchases=estimate.purchases(rows, periods=horizon.periods),
        purchases=purchase_interval(estimate, rows, periods=horizon.periods).of_customers(rows),
        value=None if spend is None else _value(estimate, spend, history, horizon=horizon, margin=margin),
        log_likelihood=model.log_likelihood(parameters, rows)[customers],
    )


def _value(estimate: Estimate, spend: Vector, history: History, *, horizon: Horizon, margin: float) -> Vector:
    return future_value(
        estimate,
        history,
        spend=expected_spend(spend, history.frequency, history.monetary_value),
        periods=horizon.periods,
        period_days=horizon.period_days,
        discount_per_month=horizon.discount_per_month,
        margin=margin,
    )
