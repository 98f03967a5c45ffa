"""Keep what customers wait for, and tell whether an item is what somebody waits for."""

import re
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars import InvalidInput, NotFound, OutOfRange, new_id
from regulars_preference_centre.models import AlertRequest

__all__ = ["WISH", "cancel_alert", "matches", "open_wishes", "request_alert"]

WISH = "wish"
MOST_WISHES = 50
LONGEST_WISH = 200
WORD = re.compile(r"\w+")
TOPIC = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z0-9][a-z0-9_-]*)*")


async def request_alert(
    session: AsyncSession,
    *,
    customer_id: UUID,
    words: str,
    topic: str | None = None,
    channel: str | None = None,
    ends_at: datetime | None = None,
    now: datetime,
) -> AlertRequest:
    """Keep that the customer wants to be told of something, in their own words or by a topic of the shop's.

    They hear of it by ``channel``, without one as the shop announces it. Asking twice for the same is one wish. Raises
    ``InvalidInput`` for no words or a topic that is none, and ``OutOfRange`` for too many words or too many wishes.
    """
    said = " ".join(words.split())
    if not WORD.search(said):
        raise InvalidInput("Say in a few words what we should look out for.", path=("words",))
    if len(said) > LONGEST_WISH:
        raise OutOfRange(f"Say it in up to {LONGEST_WISH} letters.", path=("words",))
    if topic is not None and not TOPIC.fullmatch(topic):
        raise InvalidInput(f"{topic!r} is no topic. Write it as books.tartt.", path=("topic",))
    open_wishes = (await session.scalars(_open_wishes(customer_id))).all()
    for wish in open_wishes:
        if wish.words.casefold() == said.casefold() and topic in (None, wish.topic):
            wish.ends_at, wish.channel = ends_at, channel
            return wish
    if len(open_wishes) >= MOST_WISHES:
        raise OutOfRange(f"We look out for {MOST_WISHES} things at a time. Remove one first.", path=("words",))
    wish = AlertRequest(
        id=new_id(),
        profile_id=customer_id,
        customer_id=customer_id,
        topic="",
        channel=channel,
        words=said,
        ends_at=ends_at,
        created_at=now,
    )
    wish.topic = topic or f"{WISH}.{wish.id.hex}"
    session.add(wish)
    await session.flush()
    return wish


async def open_wishes(session: AsyncSession, *, customer_id: UUID, now: datetime) -> Sequence[AlertRequest]:
    """Return what the customer waits for and what has not ended, the newest first."""
    not_ended = or_(col(AlertRequest.ends_at).is_(None), col(AlertRequest.ends_at) > now)
    query = _open_wishes(customer_id).where(not_ended).order_by(col(AlertRequest.id).desc())
    return (await session.scalars(query)).all()


async def cancel_alert(session: AsyncSession, *, customer_id: UUID, id: UUID, now: datetime) -> AlertRequest:
    """Look out for it no longer; raises ``NotFound`` for a wish that is not this customer's."""
    wish = await session.scalar(
        select(AlertRequest).where(col(AlertRequest.customer_id) == customer_id, col(AlertRequest.id) == id)
    )
    if wish is None:
        raise NotFound("wish", id, path=("id",))
    wish.cancelled_at = wish.cancelled_at or now
    await session.flush()
    return wish


def matches(wish: str, title: str) -> bool:
    """Tell whether every word of the wish stands in the title, whatever its case."""
    there = set(WORD.findall(title.casefold()))
    return bool(there) and all(word in there for word in WORD.findall(wish.casefold()))


def _open_wishes(customer_id: UUID) -> Select[AlertRequest]:
    return select(AlertRequest).where(
        col(AlertRequest.customer_id) == customer_id, col(AlertRequest.cancelled_at).is_(None)
    )
