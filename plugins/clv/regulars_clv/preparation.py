"""Turn transactions into what the models read: how often, how lately, for how long, how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from regulars_clv.errors import NoUsableRow
from regulars_clv.history import History, Vector
from regulars_clv.rejections import ExcludedCustomer
from regulars_clv.transactions import Transactions

__all__ = ["PERIOD_DAYS", "Holdout", "Prepared", "holdout_after", "prepare"]

PERIOD_DAYS = {"week": 7, "day": 1}
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The customers who had bought by the cut, sorted by id, with their numbers in that order.

    ``refund_amount`` is what went back to each by the cut, at least 0.
    """

    customer_ids: tuple[str, ...]
    history: History
    refund_amount: Vector
    excluded: tuple[ExcludedCustomer, ...]
    period_days: int
    calibration_end: date


@dataclass(frozen=True, slots=True, eq=False)
class Holdout:
    """What the prepared customers did after the cut: purchase days and their amount, shape (n,)."""

    purchases: Vector
    amount: Vector


@dataclass(frozen=True, slots=True, eq=False)
class _PurchaseDays:
    """One entry per customer and day with an order, sorted by both: same-day orders merge."""

    customer: Indices
    day: NDArray[np.int64]
    amount: Vector


def prepare(transactions: Transactions, *, period_days: int, calibration_end: date) -> Prepared:
    """Return the customers' numbers as of ``calibration_end``, that day included, in periods of ``period_days``.

    Raises ``NoUsableRow`` when nobody had bought by then.
    """
    cut = calibration_end.toordinal()
    known = transactions.day <= cut
    days = _purchase_days(transactions, known & ~transactions.is_return)
    if not len(days.customer):
        raise NoUsableRow(
            rejected=len(transactions.rejected), calibration_end=calibration_end if len(transactions.day) else None
        )
    buyer, first, count = np.unique(days.customer, return_index=True, return_counts=True)
    last = first + count - 1

    history = History(
        frequency=(count - 1).astype(np.float64),
        recency=(days.day[last] - days.day[first]) / period_days,
        age=(cut - days.day[first]) / period_days,
        monetary_value=_mean_of_repeats(days, first, count),
    )
    everybody = len(transactions.customer_ids)
    returned = known & transactions.is_return
    refunds = np.bincount(transactions.customer[returned], weights=-transactions.amount[returned], minlength=everybody)
    return Prepared(
        customer_ids=tuple(transactions.customer_ids[place] for place in buyer),
        history=history,
        refund_amount=refunds[buyer].astype(np.float64),
        excluded=_returns_only(transactions.customer_ids, np.setdiff1d(transactions.customer[returned], buyer)),
        period_days=period_days,
        calibration_end=calibration_end,
    )


def holdout_after(transactions: Transactions, prepared: Prepared, *, holdout_end: date) -> Holdout:
    """Return what the ``prepared`` customers bought after the cut and until ``holdout_end``, both days' ends."""
    later = (transactions.day > prepared.calibration_end.toordinal()) & (transactions.day <= holdout_end.toordinal())
    days = _purchase_days(transactions, later & ~transactions.is_return)
    place = {customer_id: index for index, customer_id in enumerate(transactions.customer_ids)}
    cohort = np.array([place[customer_id] for customer_id in prepared.customer_ids], dtype=np.intp)
    everybody = len(transactions.customer_ids)
    return Holdout(
        purchases=np.bincount(days.customer, minlength=everybody)[cohort].astype(np.float64),
        amount=np.bincount(days.customer, weights=days.amount, minlength=everybody)[cohort].astype(np.float64),
    )


def _purchase_days(transactions: Transactions, chosen: NDArray[np.bool_]) -> _PurchaseDays:
    customer, day, amount = transactions.customer[chosen], transactions.day[chosen], transactions.amount[chosen]
    if not len(customer):
        return _PurchaseDays(customer, day, amount)
    fresh = np.flatnonzero(np.append(True, (np.diff(customer) != 0) | (np.diff(day) != 0)))
    return _PurchaseDays(customer[fresh], day[fresh], np.add.reduceat(amount, fresh))


def _mean_of_repeats(days: _PurchaseDays, first: Indices, count: Indices) -> Vector:
    repeats = days.amount.copy()
    repeats[first] = 0.0
    return np.asarray(np.add.reduceat(repeats, first) / np.maximum(count - 1, 1))


def _returns_only(customer_ids: Sequence[str], places: Indices) -> tuple[ExcludedCustomer, ...]:
    return tuple(ExcludedCustomer(customer_ids[int(place)], "RETURNS_ONLY") for place in places)
