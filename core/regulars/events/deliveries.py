"""Hand events to handlers: who still has to take which event, when it is tried again, and when we give up.

An event is told to the handlers that there are when it is fanned out; each gets a row of its own, so that a slow or
broken handler holds up nobody else. A row is claimed by moving its ``next_at`` ahead, and deleted once taken.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Update, delete, exists, insert, literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.events.envelope import EventEnvelope
from regulars.events.models import Event, EventDelivery
from regulars.events.service import envelope_of

__all__ = [
    "DELAYS",
    "ClaimedDeliveries",
    "TellFurther",
    "claim_deliveries",
    "fan_out",
    "handlers_with_work",
    "has_untold_events",
    "is_last_attempt",
    "mark_failed",
    "mark_taken",
    "repeat_deliveries",
]

DELAYS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""The pauses after each failed attempt, 75 hours in all; after the one that follows the last we give up.

Source: https://github.com/standard-webhooks/standard-webhooks, "Retry schedule".
"""

TellFurther = Callable[[Sequence[tuple[UUID, str]]], Awaitable[None]]
"""Is given the ids and types of events while they are fanned out, in the same transaction."""

LARGEST_BATCH = 500
SHRINKING = 5
"""After a failure the batch is a fifth, so that one bad event soon stands alone and the others get through."""


@dataclass(frozen=True)
class ClaimedDeliveries:
    """Events that one handler is to take now, oldest first, for the ``attempt``th time."""

    handler: str
    attempt: int
    events: Sequence[EventEnvelope]


def is_last_attempt(attempt: int) -> bool:
    """Tell whether nothing is tried after this attempt (the first is 1)."""
    return attempt > len(DELAYS)


async def has_untold_events(session: AsyncSession) -> bool:
    """Tell whether an event waits to be fanned out."""
    return bool(await session.scalar(select(exists().where(col(Event.dispatched_at).is_(None)))))


async def fan_out(
    session: AsyncSession,
    handlers: Mapping[str, Collection[str]],
    *,
    further: TellFurther | None = None,
    limit: int,
    now: datetime,
) -> int:
    """Give up to ``limit`` events to the handlers of their type, and return how many events there were.

    ``handlers`` maps a type of event to the names of its handlers; ``further`` is told of all of them. Two callers at
    once take different events.
    """
    untold = (
        select(col(Event.id))
        .where(col(Event.dispatched_at).is_(None))
        .order_by(col(Event.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("untold")
    )
    mark = (
        update(Event)
        .where(col(Event.id).in_(select(untold.c.id)))
        .values(dispatched_at=now)
        .execution_options(synchronize_session=False)
    )
    if not any(handlers.values()) and further is None:
        return await _rows_changed(session, mark)
    told = [(row.id, row.type) for row in await session.execute(mark.returning(col(Event.id), col(Event.type)))]
    deliveries = [
        {"event_id": id, "handler": handler, "attempts": 0, "next_at": now}
        for id, type in told
        for handler in handlers.get(type, ())
    ]
    if deliveries:
        await session.execute(insert(EventDelivery), deliveries)
    if further is not None:
        await further(told)
    return len(told)


async def handlers_with_work(session: AsyncSession, names: Collection[str], *, now: datetime) -> list[str]:
    """Return which of these handlers have an event to take now."""
    if not names:
        return []
    asked = [
        select(literal(name)).where(
            exists().where(col(EventDelivery.handler) == name, col(EventDelivery.next_at) <= now)
        )
        for name in names
    ]
    return list(await session.scalars(union_all(*asked)))


async def claim_deliveries(
    session: AsyncSession, handler: str, *, lease: timedelta, now: datetime
) -> ClaimedDeliveries | None:
    """Return the events that have waited longest for this handler, now ours for as long as the lease, or None."""
    due = (col(EventDelivery.handler) == handler, col(EventDelivery.next_at) <= now)
    attempts = await session.scalar(
        select(col(EventDelivery.attempts)).where(*due).order_by(col(EventDelivery.next_at)).limit(1)
    )
    if attempts is None:
        return None
    batch = (
        select(col(EventDelivery.event_id))
        .where(*due, col(EventDelivery.attempts) == attempts)
        .order_by(col(EventDelivery.next_at), col(EventDelivery.event_id))
        .limit(max(1, LARGEST_BATCH // SHRINKING**attempts))
        .with_for_update(skip_locked=True)
        .cte("batch")
    )
    ids = (
        await session.scalars(
            update(EventDelivery)
            .where(col(EventDelivery.handler) == handler, col(EventDelivery.event_id).in_(select(batch.c.event_id)))
            .values(attempts=attempts + 1, next_at=now + lease)
            .returning(col(EventDelivery.event_id))
            .execution_options(synchronize_session=False)
        )
    ).all()
    if not ids:
        return None
    events = await session.scalars(select(Event).where(col(Event.id).in_(ids)).order_by(col(Event.id)))
    return ClaimedDeliveries(handler, attempts + 1, [envelope_of(event) for event in events])


async def mark_taken(session: AsyncSession, handler: str, event_ids: Collection[UUID]) -> None:
    """Forget that the handler had to take these events."""
    await session.execute(
        delete(EventDelivery)
        .where(col(EventDelivery.handler) == handler, col(EventDelivery.event_id).in_(event_ids))
        .execution_options(synchronize_session=False)
    )


async def mark_failed(
    session: AsyncSession, handler: str, event_ids: Collection[UUID], *, attempt: int, problem: str, now: datetime
) -> None:
    """Note why the handler did not take these events, and when it is tried again, if it is.

    Nothing changes for events that somebody else has claimed in the meantime.
    """
    is_last = is_last_attempt(attempt)
    await session.execute(
        update(EventDelivery)
        .where(
            col(EventDelivery.handler) == handler,
            col(EventDelivery.event_id).in_(event_ids),
            col(EventDelivery.attempts) == attempt,
        )
        .values(
            next_at=None if is_last else now + DELAYS[attempt - 1],
            failed_at=now if is_last else None,
            problem=problem,
        )
        .execution_options(synchronize_session=False)
    )


async def repeat_deliveries(session: AsyncSession, *, handler: str, now: datetime) -> int:
    """Try again what this handler failed to take, from the first attempt on; return how many events that are."""
    return await _rows_changed(
        session,
        update(EventDelivery)
        .where(col(EventDelivery.handler) == handler, col(EventDelivery.failed_at).is_not(None))
        .values(attempts=0, next_at=now, failed_at=None)
        .execution_options(synchronize_session=False),
    )


async def _rows_changed(session: AsyncSession, change: Update) -> int:
    connection = await session.connection()
    return (await connection.execute(change)).rowcount
