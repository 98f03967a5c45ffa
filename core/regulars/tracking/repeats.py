"""Know which messages came before, so that each of them counts once."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.inserts import insert_new
from regulars.touchpoints.models import Touchpoint
from regulars.tracking.models import TakenMessage

__all__ = ["known_messages", "remember_messages"]


async def known_messages(session: AsyncSession, *, ids: Collection[str], source: str) -> set[str]:
    """Return which of these messages of a source came before."""
    if not ids:
        return set()
    touchpoints = select(col(Touchpoint.external_id)).where(
        col(Touchpoint.source) == source, col(Touchpoint.external_id).in_(ids)
    )
    others = select(col(TakenMessage.message_id)).where(
        col(TakenMessage.source) == source, col(TakenMessage.message_id).in_(ids)
    )
    return {str(id) for id in await session.scalars(touchpoints.union_all(others))}


async def remember_messages(session: AsyncSession, *, ids: Sequence[str], source: str, now: datetime) -> None:
    """Remember messages that no touchpoint is named by."""
    rows = [{"source": source, "message_id": id, "received_at": now} for id in ids]
    await insert_new(session, TakenMessage, rows, unless_taken=("source", "message_id"))
