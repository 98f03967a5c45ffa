"""Fit on the past before a cut and check against what happened after it, beside the naive rule."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from regulars_clv.accuracy import Accuracy, measure
from regulars_clv.errors import NoHoldout
from regulars_clv.gamma_gamma import SpendFit, expected_spend, fit_spend
from regulars_clv.history import History, Vector, compress
from regulars_clv.intervals import purchase_interval, value_interval
from regulars_clv.preparation import Holdout, Prepared, holdout_after, prepare
from regulars_clv.purchase_fit import PurchaseFit, fit_purchases
from regulars_clv.purchase_model import PurchaseModel
from regulars_clv.transactions import Transactions

__all__ = ["NonRepeaters", "Validation", "past_rate", "validate"]


@dataclass(frozen=True, slots=True, eq=False)
class NonRepeaters:
    """The customers without a repeat purchase at the cut: their share, and their mean purchases after it."""

    share: float
    actual: float | None
    predicted: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """How one model and the naive rule did on one holdout, in purchases and in money.

    ``value`` is ``None`` where spending could not be fitted. The holdout is in periods; amounts are not discounted.
    """

    fit: PurchaseFit
    spend: SpendFit | None
    prepared: Prepared
    periods: float
    actual_purchases: float
    actual_amount: float
    counts: Accuracy
    naive_counts: Accuracy
    value: Accuracy | None
    naive_value: Accuracy
    non_repeaters: NonRepeaters

    @property
    def worse_than_naive(self) -> bool:
        """Say whether the past rate comes at least as close per customer as the model."""
        return self.counts.mae >= self.naive_counts.mae


def validate(
    model: PurchaseModel,
    transactions: Transactions,
    *,
    period_days: int,
    calibration_end: date,
    holdout_end: date,
) -> Validation:
    """Fit ``model`` on what was known at ``calibration_end`` and compare with what came until ``holdout_end``.

    Raises ``NoHoldout``, ``NoUsableRow`` and ``NoRepeats``.
    """
    prepared = prepare(transactions, period_days=period_days, calibration_end=calibration_end)
    if holdout_end <= calibration_end:
        raise NoHoldout(calibration_end=calibration_end, holdout_end=holdout_end)
    holdout = holdout_after(transactions, prepared, holdout_end=holdout_end)
    periods = (holdout_end - calibration_end).days / period_days
    rows = compress(prepared.history)
    fit, spend = fit_purchases(model, rows), fit_spend(prepared.history)
    estimate = fit.estimate
    predicted, naive = estimate.purchases(rows, periods=periods), past_rate(prepared.history) * periods
    ids, repeated = prepared.customer_ids, (prepared.history.frequency > 0).astype(np.float64)
    interval = purchase_interval(estimate, rows, periods=periods).of_customers(rows)
    naive_value = naive * prepared.history.monetary_value
    return Validation(
        fit=fit,
        spend=spend,
        prepared=prepared,
        periods=periods,
        actual_purchases=float(holdout.purchases.sum()),
        actual_amount=float(holdout.amount.sum()),
        counts=measure(predicted, holdout.purchases, customer_ids=ids, interval=interval, repeat_buyers=repeated),
        naive_counts=measure(naive, holdout.purchases, customer_ids=ids),
        value=_value(fit, spend, prepared, holdout, predicted=predicted, periods=periods),
        naive_value=measure(naive_value, holdout.amount, customer_ids=ids),
        non_repeaters=_non_repeaters(prepared.history, predicted=predicted, actual=holdout.purchases),
    )


def past_rate(history: History) -> Vector:
    """Return the repeat purchases per period so far, shape (n,): the naive rule that every model must beat."""
    return np.divide(history.frequency, history.age, out=np.zeros(len(history)), where=history.age > 0)


def _value(
    fit: PurchaseFit, spend: SpendFit | None, prepared: Prepared, holdout: Holdout, *, predicted: Vector, periods: float
) -> Accuracy | None:
    if spend is None:
        return None
    history = prepared.history
    amounts = predicted * expected_spend(spend.fit.parameters, history.frequency, history.monetary_value)
    if not np.all(np.isfinite(amounts)):
        return None
    interval = value_interval(
        fit.estimate,
        spend.fit,
        history,
        periods=periods,
        period_days=prepared.period_days,
        discount_per_month=0.0,
    )
    repeated = (history.frequency > 0).astype(np.float64)
    return measure(
        amounts, holdout.amount, customer_ids=prepared.customer_ids, interval=interval, repeat_buyers=repeated
    )


def _non_repeaters(history: History, *, predicted: Vector, actual: Vector) -> NonRepeaters:
    without = history.frequency == 0
    if not without.any():
        return NonRepeaters(share=0.0, actual=None, predicted=None)
    return NonRepeaters(
        share=float(without.mean()),
        actual=float(actual[without].mean()),
        predicted=float(predicted[without].mean()),
    )
