"""What customers are expected to bring in over a horizon, discounted to today, month by month."""

import numpy as np

from regulars_clv.history import History, Rows, Vector, compress
from regulars_clv.purchase_fit import Estimate

__all__ = ["DAYS_PER_MONTH", "discounted_purchases", "future_value", "month_ends"]

DAYS_PER_MONTH = 4.345 * 7


def month_ends(periods: float, *, period_days: int) -> Vector:
    """Return the ends (in periods) of the months that a horizon of ``periods`` has begun; the last may be cut short."""
    month = DAYS_PER_MONTH / period_days
    whole = int(np.floor(periods / month + 1e-9))
    ends = month * np.arange(1, whole + 1)
    if whole and periods - ends[-1] < 1e-9 * periods:
        return np.asarray(ends, dtype=np.float64)
    return np.append(ends, periods)


def discounted_purchases(
    estimate: Estimate, rows: Rows, *, periods: float, period_days: int, discount_per_month: float
) -> tuple[Vector, Vector]:
    """Return each row's expected purchases over ``periods``: plain, and each month's discounted from the month's end.

    Both have the shape of ``rows``.
    """
    ends = month_ends(periods, period_days=period_days)
    reached = estimate.model.expected_purchases(estimate.parameters, rows, ends)
    by_month = np.diff(reached, axis=1, prepend=0.0)
    weight = (1 + discount_per_month) ** -np.arange(1.0, len(ends) + 1)
    return reached[:, -1], np.asarray((by_month * weight).sum(axis=1))


def future_value(
    estimate: Estimate,
    history: History,
    *,
    spend: Vector,
    periods: float,
    period_days: int,
    discount_per_month: float = 0.01,
    margin: float | Vector = 1.0,
) -> Vector:
    """Return what each customer is expected to bring in over the coming ``periods``, shape (n,), in their currency.

    ``spend`` is the amount expected per purchase, ``margin`` the share of it that is profit, both per customer or one
    for all. Past purchases are not part of it. Infinite where ``spend`` is.
    """
    rows = compress(history)
    _, discounted = discounted_purchases(
        estimate, rows, periods=periods, period_days=period_days, discount_per_month=discount_per_month
    )
    return np.asarray(discounted[rows.row_of_customer] * spend * margin)
