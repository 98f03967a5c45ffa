"""Read purchases and returns from a file, row by row, setting aside the rows that cannot be true."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regulars_clv.csv_rows import read_rows
from regulars_clv.errors import CurrencyMix
from regulars_clv.history import Vector
from regulars_clv.rejections import RejectedRow

__all__ = ["Transactions", "read_transactions", "transactions_of"]

REQUIRED = ("customer_id", "date", "amount")
OPTIONAL = ("type", "currency", "external_id")
NO_CURRENCY = "(none)"


@dataclass(frozen=True, slots=True, eq=False)
class Transactions:
    """Accepted rows, sorted by customer, day and amount, so that the order of the file has no influence.

    ``customer`` indexes the sorted ``customer_ids``; ``day`` is the proleptic ordinal of the date; returns have
    amounts of at most 0. ``rows`` counts what the file held, rejected ones included.
    """

    customer_ids: tuple[str, ...]
    customer: NDArray[np.intp]
    day: NDArray[np.int64]
    amount: Vector
    is_return: NDArray[np.bool_]
    rejected: tuple[RejectedRow, ...]
    rows: int
    currency: str | None

    @property
    def last_day(self) -> date:
        """Return the date of the newest row."""
        return date.fromordinal(int(self.day.max()))


@dataclass(slots=True)
class _Accepted:
    customer_id: str
    day: int
    amount: float
    is_return: bool
    currency: str
    external_id: str


def read_transactions(path: Path, *, today: date, currency: str | None = None) -> Transactions:
    """Return the usable rows of a file with the columns ``customer_id,date,amount``, and the rejected ones.

    Optional columns: ``type`` (``sale`` or ``return``; else the sign decides), ``currency``, ``external_id`` (a
    repeated one is counted once). ``currency`` keeps the rows in that currency only. Dates after ``today`` are
    rejected. Raises ``ColumnMissing``, ``CurrencyMix`` and ``FileUnreadable``.
    """
    present, rows = read_rows(path, required=REQUIRED, optional=OPTIONAL)
    read, count = _Reading(today=today), 0
    for line, cells in rows:
        read.take(line, cells)
        count += 1
    kept, kept_currency = _one_currency(read.accepted, currency) if "currency" in present else (read.accepted, None)
    return _sorted(kept, rejected=read.rejected, rows=count, currency=kept_currency)


def transactions_of(customer_ids: Sequence[str], days: Sequence[date], amounts: Sequence[float]) -> Transactions:
    """Return purchases that are already known to be sound, such as those of a data set."""
    rows = zip(customer_ids, days, amounts, strict=True)
    accepted = [
        _Accepted(customer_id, day.toordinal(), amount, amount < 0, "", "") for customer_id, day, amount in rows
    ]
    return _sorted(accepted, rejected=[], rows=len(accepted), currency=None)


class _Reading:
    def __init__(self, *, today: date) -> None:
        self.today = today.toordinal()
        self.accepted: list[_Accepted] = []
        self.rejected: list[RejectedRow] = []
        self.days: dict[str, int | None] = {}

    def take(self, line: int, cells: list[str]) -> None:
        customer_id, day_text, amount_text, kind, currency, external_id = cells
        amount = _amount(amount_text)
        if day_text not in self.days:
            self.days[day_text] = _ordinal(day_text)
        day = self.days[day_text]
        code = self._problem(customer_id, day, amount, kind.casefold())
        if code or day is None or amount is None:
            self.rejected.append(RejectedRow(line, code or "BAD_ROW"))
            return
        is_return = amount < 0 or kind.casefold() == "return"
        self.accepted.append(_Accepted(customer_id, day, amount, is_return, currency.upper(), external_id))

    def _problem(self, customer_id: str, day: int | None, amount: float | None, kind: str) -> str | None:
        if not customer_id:
            return "BLANK_CUSTOMER"
        if day is None:
            return "BAD_DATE"
        if day > self.today:
            return "FUTURE_DATE"
        if amount is None:
            return "BAD_AMOUNT"
        if kind not in ("", "sale", "return"):
            return "BAD_TYPE"
        if (kind == "sale" and amount < 0) or (kind == "return" and amount > 0):
            return "SIGN_MISMATCH"
        return None


def _amount(text: str) -> float | None:
    if "_" in text:
        return None
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if np.isfinite(amount) else None


def _ordinal(text: str) -> int | None:
    """Return the day that is written, whatever the time of day or offset behind it: it is the shop's own day."""
    try:
        return datetime.fromisoformat(text).toordinal()
    except ValueError:
        return None


def _one_currency(accepted: list[_Accepted], currency: str | None) -> tuple[list[_Accepted], str | None]:
    if currency is not None:
        return [row for row in accepted if row.currency == currency.upper()], currency.upper()
    counted = Counter(row.currency or NO_CURRENCY for row in accepted)
    if len(counted) > 1:
        raise CurrencyMix(currencies=dict(sorted(counted.items())))
    found = next(iter(counted), NO_CURRENCY)
    return accepted, None if found == NO_CURRENCY else found


def _sorted(accepted: list[_Accepted], *, rejected: list[RejectedRow], rows: int, currency: str | None) -> Transactions:
    accepted.sort(key=lambda row: (row.customer_id, row.day, row.amount, row.external_id))
    once = _without_repeats(accepted)
    customer_ids = tuple(dict.fromkeys(row.customer_id for row in once))
    index = {customer_id: place for place, customer_id in enumerate(customer_ids)}
    return Transactions(
        customer_ids=customer_ids,
        customer=np.array([index[row.customer_id] for row in once], dtype=np.intp),
        day=np.array([row.day for row in once], dtype=np.int64),
        amount=np.array([row.amount for row in once], dtype=np.float64),
        is_return=np.array([row.is_return for row in once], dtype=np.bool_),
        rejected=tuple(rejected),
        rows=rows,
        currency=currency,
    )


def _without_repeats(accepted: list[_Accepted]) -> list[_Accepted]:
    """Drop what a customer has twice under one external id; a sale and its return may share theirs."""
    seen: set[tuple[str, bool, str]] = set()
    once = []
    for row in accepted:
        key = (row.customer_id, row.is_return, row.external_id)
        if row.external_id and key in seen:
            continue
        seen.add(key)
        once.append(row)
    return once
