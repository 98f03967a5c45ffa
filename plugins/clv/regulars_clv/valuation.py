"""Say what each customer is worth: a fit, a horizon and costs become value, range, tier and warnings; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regulars_clv.gamma_gamma import SpendFit, expected_spend, fit_spend, spend_warnings
from regulars_clv.history import Vector, compress
from regulars_clv.intervals import LEVEL, Interval, value_interval
from regulars_clv.purchase_fit import PurchaseFit, fit_purchases
from regulars_clv.purchase_model import PurchaseModel
from regulars_clv.purchases import Ledger
from regulars_clv.settings import ClvSettings
from regulars_clv.value import DAYS_PER_MONTH, discounted_purchases

__all__ = ["FittedModel", "Valuation", "fit_models", "value_customers"]

WEEK_DAYS = 7
DRAWS_IN_ALL = 20_000_000
FEWEST_DRAWS, MOST_DRAWS = 100, 1_000
OVERDUE_FACTOR = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """How often customers buy, and how much they spend each time; the second may not be known."""

    purchases: PurchaseFit
    spend: SpendFit | None

    @property
    def warnings(self) -> list[str]:
        """Return the codes of what a reader of the values must know."""
        return [*self.purchases.warnings, *spend_warnings(self.spend)]


@dataclass(frozen=True, slots=True, eq=False)
class Valuation:
    """One entry per customer of the ledger, each of shape (n,); NaN where something cannot be told.

    ``value`` is the expected profit of the horizon, discounted; ``low`` and ``high`` enclose nine of ten futures.
    """

    value: Vector
    low: Vector
    high: Vector
    past_profit: Vector
    net_value: Vector
    percentile: Vector
    tier: tuple[str | None, ...]
    alive: Vector
    orders: Vector
    order_value: Vector
    is_overdue: NDArray[np.bool_]
    warnings: tuple[str, ...]


def fit_models(model: PurchaseModel, ledger: Ledger) -> FittedModel:
    """Return the fits of purchases and of spending to everybody in the ledger.

    Raises ``NoRepeats`` when nobody bought on a second day.
    """
    return FittedModel(fit_purchases(model, compress(ledger.history)), fit_spend(ledger.history))


def value_customers(fitted: FittedModel, ledger: Ledger, settings: ClvSettings) -> Valuation:
    """Return what every customer of the ledger is worth under a fit.

    Refunds take off the share that they took off all revenue so far. Without a margin revenue stands in for profit.
    """
    history, estimate = ledger.history, fitted.purchases.estimate
    rows = compress(history)
    periods = settings.horizon_months * DAYS_PER_MONTH / WEEK_DAYS
    margin = 1.0 if settings.margin is None else settings.margin
    kept = 1.0 - _share(ledger.refunded.sum(), ledger.revenue.sum())
    orders, discounted = (
        each[rows.row_of_customer]
        for each in discounted_purchases(
            estimate,
            rows,
            periods=periods,
            period_days=WEEK_DAYS,
            discount_per_month=settings.discount_per_month,
        )
    )
    order_value = _order_value(fitted.spend, ledger)
    value = discounted * (order_value * margin * kept - settings.order_cost)
    interval = _interval(fitted, ledger, settings, periods=periods, margin=margin * kept)
    handling = discounted * settings.order_cost
    past = (ledger.revenue - ledger.refunded) * margin - ledger.orders * settings.order_cost - ledger.cost
    net = past + value - np.nan_to_num(ledger.acquisition)
    percentile = _percentile(value)
    alive = estimate.model.probability_alive
    return Valuation(
        value=value,
        low=interval.low - handling,
        high=interval.high - handling,
        past_profit=past,
        net_value=net,
        percentile=percentile,
        tier=_tiers(value, net, percentile, settings),
        alive=np.full(len(history), np.nan)
        if alive is None
        else alive(estimate.parameters, rows)[rows.row_of_customer],
        orders=orders,
        order_value=order_value,
        is_overdue=_overdue(ledger),
        warnings=(*fitted.warnings, *(["REVENUE_STANDS_IN"] if settings.margin is None else [])),
    )


def _share(part: float, whole: float) -> float:
    return float(np.clip(part / whole, 0.0, 1.0)) if whole > 0 else 0.0


def _order_value(spend: SpendFit | None, ledger: Ledger) -> Vector:
    if spend is None:
        return np.full(len(ledger.history), np.nan)
    expected = expected_spend(spend.fit.parameters, ledger.history.frequency, ledger.history.monetary_value)
    return np.where(np.isfinite(expected), expected, np.nan)


def _interval(fitted: FittedModel, ledger: Ledger, settings: ClvSettings, *, periods: float, margin: float) -> Interval:
    unknown = np.full(len(ledger.history), np.nan)
    if fitted.spend is None or fitted.spend.fit.log_covariance is None:
        return Interval(unknown, unknown, LEVEL)
    return value_interval(
        fitted.purchases.estimate,
        fitted.spend.fit,
        ledger.history,
        periods=periods,
        period_days=WEEK_DAYS,
        discount_per_month=settings.discount_per_month,
        margin=margin,
        draws=int(np.clip(DRAWS_IN_ALL // max(len(ledger.history), 1), FEWEST_DRAWS, MOST_DRAWS)),
    )


def _percentile(value: Vector) -> Vector:
    known = ~np.isnan(value)
    percentile = np.full(len(value), np.nan)
    ordered = np.sort(value[known])
    percentile[known] = 100.0 * np.searchsorted(ordered, value[known], side="right") / max(len(ordered), 1)
    return percentile


def _tiers(value: Vector, net: Vector, percentile: Vector, settings: ClvSettings) -> tuple[str | None, ...]:
    known = ~np.isnan(value)
    place = np.full(len(value), np.inf)
    order = np.argsort(-value[known], kind="stable")
    places = np.empty(len(order))
    places[order] = np.arange(1, len(order) + 1)
    place[known] = places
    reaches: Mapping[str, float] = {
        name: np.ceil(share / 100 * known.sum())
        for name, share in sorted(settings.tiers.items(), key=lambda each: each[1])
    }

    def tier(customer: int) -> str | None:
        if np.isnan(percentile[customer]):
            return None
        if net[customer] < 0:
            return settings.unprofitable_tier
        return next((name for name, reach in reaches.items() if place[customer] <= reach), settings.rest_tier)

    return tuple(tier(customer) for customer in range(len(value)))


def _overdue(ledger: Ledger) -> NDArray[np.bool_]:
    """Tell who has been silent for more than twice their usual time between purchases."""
    history = ledger.history
    usual = np.divide(
        history.recency, history.frequency, out=np.full(len(history), np.inf), where=history.frequency > 0
    )
    return np.asarray((history.frequency > 0) & (history.age - history.recency > OVERDUE_FACTOR * usual))
