"""Read from the touchpoints what each customer bought, cost and got back: one statement, whatever their number."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import CTE, ColumnElement, Date, FromClause, case, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from regulars import Amount, Customer, Touchpoint, suppressed_customers
from regulars_clv.history import History, Vector

__all__ = ["Ledger", "read_ledger", "read_purchase_days"]

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """The customers who ever bought in a currency, in the order of their ids, with what they did until a day.

    ``history`` is in weeks. Each vector has the shape (n,): ``orders`` counts orders, ``revenue`` and ``refunded`` (at
    least 0) are sums of amounts, ``cost`` what it cost to serve, ``acquisition`` what it cost to win them (NaN where
    that is not known).
    """

    customer_ids: tuple[UUID, ...]
    history: History
    orders: Vector
    revenue: Vector
    refunded: Vector
    cost: Vector
    acquisition: Vector
    until: date


async def read_ledger(session: AsyncSession, *, currency: str, time_zone: str, until: date) -> Ledger:
    """Return what every customer did until the day ``until``, that day included, in the company's time zone.

    Same-day orders are one purchase. Deleted and merged customers have no rows of their own, whoever opted out of
    scores is left out, and orders in other currencies are not looked at.
    """
    zero = literal(Decimal(0), Amount())
    days = _daily(session, currency=currency, time_zone=time_zone, until=until)
    bought = case((days.c.orders > 0, days.c.day))
    first_day = func.min(bought).over(partition_by=days.c.customer_id)
    marked = select(days, bought.label("bought"), first_day.label("first_day")).cte("marked")
    on_first = marked.c.bought == marked.c.first_day
    statement = (
        select(
            marked.c.customer_id,
            func.count(marked.c.bought) - 1,
            func.min(marked.c.first_day),
            func.max(marked.c.bought),
            func.sum(case((on_first, zero), else_=marked.c.revenue)),
            func.sum(marked.c.orders),
            func.sum(marked.c.revenue),
            func.sum(marked.c.refunded),
            func.sum(marked.c.cost),
            func.sum(marked.c.acquisition),
        )
        .group_by(marked.c.customer_id)
        .having(func.count(marked.c.bought) > 0)
        .order_by(marked.c.customer_id)
    )
    rows = (await session.execute(statement)).all()
    return _ledger([tuple(row) for row in rows], until)


async def read_purchase_days(
    session: AsyncSession, *, currency: str, time_zone: str, until: date
) -> list[tuple[str, date, float]]:
    """Return a line per customer and day with orders, and one with a negative amount per day with refunds."""
    days = _daily(session, currency=currency, time_zone=time_zone, until=until)
    found = await session.execute(
        select(days.c.customer_id, days.c.day, days.c.orders, days.c.revenue, days.c.refunded).order_by(
            days.c.customer_id, days.c.day
        )
    )
    lines: list[tuple[str, date, float]] = []
    for customer_id, day, orders, revenue, refunded in found.all():
        on = date.fromordinal(_ordinal(day))
        if orders:
            lines.append((customer_id.hex, on, float(revenue)))
        if refunded:
            lines.append((customer_id.hex, on, float(refunded)))
    return lines


def _daily(session: AsyncSession, *, currency: str, time_zone: str, until: date) -> CTE:
    """Return what each customer did on each of their days until ``until``, that day included."""
    zone = ZoneInfo(time_zone)
    end = end_of_day(until, time_zone)
    touchpoint, customer = _table(Touchpoint), _table(Customer)
    kind, zero = touchpoint.c.type, literal(Decimal(0), Amount())
    amount = func.coalesce(touchpoint.c.amount, zero)  # an order may come without one
    is_order = kind == "order"
    day = _local_day(touchpoint.c.occurred_at, zone, session.get_bind().dialect.name)
    return (
        select(
            touchpoint.c.customer_id,
            day.label("day"),
            func.sum(case((is_order, 1), else_=0)).label("orders"),
            func.sum(case((is_order, amount), else_=zero)).label("revenue"),
            func.sum(case((kind == "refund", amount), else_=zero)).label("refunded"),
            func.sum(case((kind == "acquisition", zero), else_=touchpoint.c.cost)).label("cost"),
            func.sum(case((kind == "acquisition", touchpoint.c.cost))).label("acquisition"),
        )
        .join(customer, customer.c.id == touchpoint.c.customer_id)
        .where(
            touchpoint.c.occurred_at < end,
            (touchpoint.c.currency == currency) | touchpoint.c.currency.is_(None),
            customer.c.deleted_at.is_(None),
            customer.c.status == "active",
            customer.c.id.not_in(suppressed_customers(["no_scoring"])),
        )
        .group_by(touchpoint.c.customer_id, day)
        .cte("days")
    )


def end_of_day(day: date, time_zone: str) -> datetime:
    """Return the moment at which a day of a zone is over."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), ZoneInfo(time_zone)).astimezone(UTC)


def _table(model: Any) -> FromClause:
    table: FromClause = model.__table__
    return table


def _ledger(rows: list[tuple[object, ...]], until: date) -> Ledger:
    columns = list(zip(*rows, strict=True)) if rows else [()] * 10
    frequency = np.array(columns[1], dtype=np.float64)
    first, last = (np.array([_ordinal(day) for day in column], dtype=np.float64) for column in (columns[2], columns[3]))
    repeat_revenue = _numbers(columns[4])
    mean = np.divide(repeat_revenue, frequency, out=np.zeros_like(frequency), where=frequency > 0)
    history = History(
        frequency=frequency,
        recency=(last - first) / WEEK.days,
        age=(until.toordinal() - first) / WEEK.days,
        monetary_value=np.maximum(mean, 0.0),
    )
    ids: tuple[UUID, ...] = tuple(columns[0])
    return Ledger(
        customer_ids=ids,
        history=history,
        orders=_numbers(columns[5]),
        revenue=_numbers(columns[6]),
        refunded=np.abs(_numbers(columns[7])),
        cost=np.nan_to_num(_numbers(columns[8])),
        acquisition=_numbers(columns[9]),
        until=until,
    )


def _numbers(column: tuple[object, ...]) -> Vector:
    return np.array([np.nan if value is None else float(str(value)) for value in column], dtype=np.float64)


def _ordinal(day: object) -> int:
    return (day if isinstance(day, date) else date.fromisoformat(str(day))).toordinal()


def _local_day(moment: ColumnElement[datetime], zone: ZoneInfo, dialect: str) -> ColumnElement[date]:
    """Return the day of a moment in a zone; SQLite knows no zones, so it is told where the offset changes."""
    if dialect == "postgresql":
        return cast(func.timezone(zone.key, moment), Date)
    changes = _offset_changes(zone)
    if not changes:
        return func.date(moment, _shift(_offset(zone, datetime(2000, 1, 1, tzinfo=UTC))))
    offset = case(*((moment < change, _shift(before)) for change, before, _ in changes), else_=_shift(changes[-1][2]))
    return func.date(moment, offset)


def _shift(offset: timedelta) -> str:
    return f"{int(offset.total_seconds())} seconds"


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta(0)


def _offset_changes(zone: ZoneInfo) -> list[tuple[datetime, timedelta, timedelta]]:
    """Return when the zone's offset changed since 1990, to the minute, with the offsets before and after."""
    changes = []
    moment, end = datetime(1990, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
    while moment < end:
        later = moment + timedelta(days=7)
        before, after = _offset(zone, moment), _offset(zone, later)
        if before != after:
            low, high = moment, later
            while high - low > timedelta(minutes=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
            changes.append((high.replace(second=0, microsecond=0), before, after))
        moment = later
    return changes
