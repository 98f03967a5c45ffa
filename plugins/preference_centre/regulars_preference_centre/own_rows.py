"""What the plugin knows of a customer: told in words, erased, and brought together with what it knows of another."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars import Customer, Table
from regulars_preference_centre.choices import quiet_hours_in
from regulars_preference_centre.models import (
    OWNED,
    AlertRequest,
    Answer,
    Cap,
    ChannelChoice,
    Choices,
    HoursConsent,
    Pause,
)

__all__ = ["erase", "known_of", "move_to_survivor", "part_again"]

Model = TypeVar("Model", bound=Table)


async def known_of(session: AsyncSession, *, customer_id: UUID) -> Mapping[str, Any]:
    """Return all that the customer chose and told here, in words that a person understands."""

    async def rows(model: type[Model], whose: Any) -> Sequence[Model]:
        return (await session.scalars(select(model).where(whose == customer_id))).all()

    told = {
        "quiet hours": [
            list(hours) for row in await rows(Choices, col(Choices.customer_id)) if (hours := quiet_hours_in(row))
        ],
        "channels": {
            row.channel: "on" if row.is_on else "off"
            for row in await rows(ChannelChoice, col(ChannelChoice.customer_id))
        },
        "how often": [
            {"what": row.topic, "by": row.channel, "at most": row.most, "within hours": row.window_h}
            for row in await rows(Cap, col(Cap.customer_id))
        ],
        "pauses": [
            {"from": row.begins_at.isoformat(), "until": _shown(row.lifted_at or row.ends_at)}
            for row in await rows(Pause, col(Pause.customer_id))
        ],
        "also outside the legal hours": [
            row.channel for row in await rows(HoursConsent, col(HoursConsent.customer_id))
        ],
        "waiting for": [
            {
                "words": row.words,
                "by": row.channel,
                "since": row.created_at.isoformat(),
                "still looking": row.cancelled_at is None,
            }
            for row in await rows(AlertRequest, col(AlertRequest.customer_id))
        ],
        "answers": {row.key: row.value for row in await rows(Answer, col(Answer.customer_id))},
    }
    if not any(told.values()):
        return {}
    return {"kind of fact": "declared: you told us, here or through our staff", "isPortable": True, **told}


async def erase(session: AsyncSession, *, customer_id: UUID) -> Mapping[str, int]:
    """Delete all that is kept of a customer; return how many rows of which table."""
    erased = {}
    for model in OWNED:
        done = await session.execute(
            delete(model).where(or_(col(model.customer_id) == customer_id, col(model.profile_id) == customer_id))
        )
        erased[str(model.__tablename__)] = done.rowcount  # type: ignore[attr-defined]
    return erased


async def move_to_survivor(session: AsyncSession, *, survivor_id: UUID, merged_id: UUID) -> None:
    """Let everything that was the merged customer's be the survivor's."""
    for model in OWNED:
        await session.execute(update(model).where(col(model.customer_id) == merged_id).values(customer_id=survivor_id))


async def part_again(session: AsyncSession, *, survivor_id: UUID, merged_id: UUID) -> None:
    """Let everything that was written for the merged customer, or for whoever is part of them, be theirs again."""
    is_part = col(Customer.merged_into_id) == merged_id
    profiles = select(col(Customer.id)).where((col(Customer.id) == merged_id) | is_part)
    for model in OWNED:
        theirs = (col(model.customer_id) == survivor_id) & col(model.profile_id).in_(profiles)
        await session.execute(update(model).where(theirs).values(customer_id=merged_id))


def _shown(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
