"""Decide messages anew when something happened to their customers."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.events.deliveries import TellFurther
from regulars.events.models import Event
from regulars.messages.models import Message

__all__ = ["messages_following"]

SUBJECT = "customer:"


async def messages_following(session: AsyncSession, now: datetime) -> TellFurther | None:
    """Return what wakes the messages that wait for an event, in this session; None when none does."""
    if not await session.scalar(select(exists().where(col(Message.wake_on).is_not(None)))):
        return None

    async def wake(events: Sequence[tuple[UUID, str]]) -> None:
        told = [id for id, type in events if not type.startswith(("message.", "contact."))]
        subjects = await session.scalars(
            select(col(Event.subject)).where(col(Event.id).in_(told), col(Event.subject).startswith(SUBJECT)).distinct()
        )
        customers = [UUID(subject.removeprefix(SUBJECT)) for subject in subjects]
        asleep = col(Message.wake_on).is_not(None) & col(Message.customer_id).in_(customers)
        await session.execute(
            update(Message).where(asleep).values(next_at=now, wake_on=None).execution_options(synchronize_session=False)
        )

    return wake
