"""Write events into the outbox, in the transaction of the change that they tell of, and read them from it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.audit.service import record_audit
from regulars.events.envelope import EventEnvelope
from regulars.events.models import Event
from regulars.notes import note
from regulars.tables import new_id

__all__ = ["add_event", "envelope_of", "record_event"]


async def record_event(
    session: AsyncSession, *, type: str, subject: str, actor: str, data: Mapping[str, Any], now: datetime
) -> EventEnvelope:
    """Add an event to the outbox, which is told once the session commits, and the change that it tells of to the audit.

    Return the event as it will be told. ``subject`` names the thing as ``kind:uuid``; ``data`` holds ids and facts that
    are no personal data. Names of what changed stand there as ``changed`` or ``keys``.
    """
    changed = data.get("changed") or data.get("keys") or ()
    await record_audit(session, actor=actor, action=type, subject=subject, fields=changed, now=now)
    return add_event(session, type=type, subject=subject, actor=actor, data=data, now=now)


def add_event(
    session: AsyncSession, *, type: str, subject: str, actor: str, data: Mapping[str, Any], now: datetime
) -> EventEnvelope:
    """Add an event to the outbox that tells of nobody's change, or of one that the audit has already."""
    told = EventEnvelope(new_id(), type, now, subject, actor, dict(data))
    note(session, Event, {**vars(told), "recorded_at": now, "dispatched_at": None})
    return told


def envelope_of(event: Event) -> EventEnvelope:
    """Return the event in the shape in which it is told."""
    return EventEnvelope(
        id=event.id,
        type=event.type,
        occurred_at=event.occurred_at,
        subject=event.subject,
        actor=event.actor,
        data=event.data,
    )
