"""Take a slot under caps in one statement, so that exactly the allowed number of contacts gets one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, insert, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.contact.frequency import COUNTED_STATES
from regulars.contact.models import ContactTouch
from regulars.contact.requests import CONSENTED, ContactCap

__all__ = ["confirm_slot", "take_slot"]


async def take_slot(
    session: AsyncSession, *, touch: Mapping[str, Any], caps: Sequence[ContactCap], now: datetime
) -> bool:
    """Insert the touch unless a cap is full, in one statement, and tell whether it was inserted.

    On PostgreSQL the customer's row must be locked; on SQLite the transaction must write from its beginning on.
    """
    table = getattr(ContactTouch, "__table__")  # noqa: B009 - SQLModel does not declare it
    columns = [table.c[name] for name in touch]
    values = [
        literal(value, column.type).label(column.name) for column, value in zip(columns, touch.values(), strict=True)
    ]
    fits = [_fits(cap, touch["customer_id"], now, None) for cap in _holding(caps, touch["channel"], touch["topic"])]
    statement = insert(ContactTouch).from_select(columns, select(*values).where(*fits))
    done = await session.execute(statement)
    return bool(done.rowcount)  # type: ignore[attr-defined]  # typed as any result


async def confirm_slot(
    session: AsyncSession, *, touch: ContactTouch, caps: Sequence[ContactCap], now: datetime
) -> bool:
    """Turn a reservation into a send that has started, unless another contact filled a cap; tell whether it did."""
    fits = [_fits(cap, touch.customer_id, now, touch.id) for cap in _holding(caps, touch.channel, touch.topic)]
    statement = (
        update(ContactTouch)
        .where(col(ContactTouch.id) == touch.id, col(ContactTouch.state) == "reserved", *fits)
        .values(state="confirmed", at=now, confirmed_at=now)
        .execution_options(synchronize_session=False)
    )
    done = await session.execute(statement)
    return bool(done.rowcount)  # type: ignore[attr-defined]  # typed as any result


def _holding(caps: Sequence[ContactCap], channel: str, topic: str) -> list[ContactCap]:
    return [cap for cap in caps if cap.limit is not None and cap.covers(channel, topic)]


def _fits(cap: ContactCap, customer_id: UUID, now: datetime, own: UUID | None) -> ColumnElement[bool]:
    counted = ContactTouch.__table__.alias("counted")  # type: ignore[attr-defined]  # SQLModel does not declare it
    matching = [
        counted.c.customer_id == customer_id,
        counted.c.contact_class.in_(CONSENTED),
        counted.c.state.in_(COUNTED_STATES),
        counted.c.at > now - timedelta(hours=cap.window_h),
        counted.c.at <= now,
        or_(counted.c.state != "reserved", counted.c.expires_at > now),
    ]
    if cap.channel != "*":
        matching.append(counted.c.channel == cap.channel)
    if cap.topic != "*":
        matching.append(or_(counted.c.topic == cap.topic, counted.c.topic.startswith(f"{cap.topic}.", autoescape=True)))
    if own is not None:
        matching.append(counted.c.id != own)
    count = select(func.count()).select_from(counted).where(and_(*matching)).scalar_subquery()
    return count < cap.limit
