"""Hold what is known of each customer's purchases, and press equal histories into one row each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DistinctRows",
    "Distinction",
    "History",
    "Rows",
    "Vector",
    "compress",
    "distinguish",
    "row_codes",
    "weight_by_value",
]

Vector = NDArray[np.float64]
Indices = NDArray[np.intp]

# Counting beats sorting while the table of counts stays about as small as the input.
COUNTING_FLOOR = 1 << 20
COUNTING_RATIO = 4
# Times that are whole days in weeks, whole periods, or two decimals: their codes need no sorting either.
STEPS_PER_PERIOD = (1.0, 7.0, 100.0)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The four numbers of each customer, as arrays of shape (n,) in the customers' order.

    ``frequency`` counts the purchase days after the first; ``recency`` runs from the first to the last purchase and
    ``age`` from the first purchase to the cut, both in periods; ``monetary_value`` is the mean amount of the repeat
    purchase days, 0 without any.
    """

    frequency: Vector
    recency: Vector
    age: Vector
    monetary_value: Vector

    def __len__(self) -> int:
        return len(self.frequency)


@dataclass(frozen=True, slots=True, eq=False)
class DistinctRows:
    """The different histories (frequency, recency, age), sorted, with how many customers share each.

    ``row_of_customer`` has the shape of the customers: ``result_by_row[rows.row_of_customer]`` brings what was
    computed once per row back into the customers' order.
    """

    frequency: Vector
    recency: Vector
    age: Vector
    count: Vector
    row_of_customer: Indices

    def __len__(self) -> int:
        return len(self.frequency)


@dataclass(frozen=True, slots=True, eq=False)
class Distinction:
    """Which rows of some columns are equal: one example and the size of every group, and the group of every row."""

    example: Indices
    count: Indices
    group_of_row: Indices


Rows = History | DistinctRows
"""What a purchase model reads: repeat purchases (count), recency and age (periods), each of shape (n,)."""


def compress(history: Rows) -> DistinctRows:
    """Return the distinct rows of ``history``; the order of the customers has no influence on them."""
    found = distinguish([history.frequency, history.age, history.recency])
    return DistinctRows(
        frequency=history.frequency[found.example],
        recency=history.recency[found.example],
        age=history.age[found.example],
        count=found.count.astype(np.float64),
        row_of_customer=found.group_of_row,
    )


def distinguish(columns: Sequence[Vector]) -> Distinction:
    """Return the distinct rows of ``columns`` (each of shape (n,), finite, n > 0), sorted by the columns in order."""
    key, span = _codes(columns[0])
    for column in columns[1:]:
        code, size = _codes(column)
        if span > np.iinfo(np.int64).max // size:
            key, span = _dense(key)
        key, span = key * size + code, span * size
    if span <= max(COUNTING_FLOOR, COUNTING_RATIO * len(key)):
        count_by_key = np.bincount(key)
        present = count_by_key > 0
        group_of_row = (np.cumsum(present) - 1)[key]
        count = count_by_key[present]
    else:
        _, group_of_row, count = np.unique(key, return_inverse=True, return_counts=True)
    example = np.empty(len(count), dtype=np.intp)
    example[group_of_row] = np.arange(len(key), dtype=np.intp)
    return Distinction(example=example, count=count, group_of_row=group_of_row)


def weight_by_value(values: Vector, weight: Vector) -> tuple[Vector, Vector]:
    """Return the different ``values``, ascending, and the total ``weight`` of each."""
    distinct, group = np.unique(values, return_inverse=True)
    return distinct, np.bincount(group, weights=weight).astype(np.float64)


def row_codes(*, frequency: Vector, recency: Vector, age: Vector, monetary_value: Vector) -> list[str | None]:
    """Return for each summary row why it cannot be a purchase history, or ``None``; the first reason found wins."""
    with np.errstate(invalid="ignore"):
        reasons = (
            ("BAD_AGE", ~np.isfinite(age) | (age < 0)),
            ("NEGATIVE_RECENCY", ~np.isfinite(recency) | (recency < 0)),
            ("RECENCY_EXCEEDS_AGE", recency > age),
            ("BAD_FREQUENCY", ~np.isfinite(frequency) | (frequency < 0) | (frequency != np.floor(frequency))),
            ("RECENCY_WITHOUT_REPEAT", (frequency == 0) & (recency > 0)),
            ("REPEAT_WITHOUT_RECENCY", (frequency > 0) & (recency == 0)),
            ("BAD_AMOUNT", ~np.isfinite(monetary_value) | (monetary_value < 0)),
        )
    codes: list[str | None] = [None] * len(frequency)
    for code, wrong in reversed(reasons):
        for row in np.flatnonzero(wrong):
            codes[row] = code
    return codes


def _codes(values: Vector) -> tuple[NDArray[np.int64], int]:
    """Return whole numbers that are ordered and equal exactly where ``values`` are, and one more than the largest."""
    low, high = float(values.min()), float(values.max())
    for steps in STEPS_PER_PERIOD:
        if low >= 0 and high * steps < 1 << 31:
            ticks = np.rint(values * steps)
            if np.array_equal(ticks / steps, values):
                return ticks.astype(np.int64), int(ticks.max()) + 1
    return _dense(values)


def _dense(values: NDArray[np.float64] | NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    distinct, code = np.unique(values, return_inverse=True)
    return code.astype(np.int64), len(distinct)
