"""Know which messages came before, so that each of them counts once."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import CompoundSelect, bindparam, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.inserts import insert_new
from regulars.many import is_among
from regulars.touchpoints.models import Touchpoint
from regulars.tracking.models import TakenMessage
from regulars.writing import fetch

__all__ = ["known_messages", "remember_messages"]


CAME_BEFORE: CompoundSelect[str | None] = union_all(
    select(col(Touchpoint.external_id)).where(
        col(Touchpoint.source) == bindparam("source"), is_among(col(Touchpoint.external_id), "ids")
    ),
    select(col(TakenMessage.message_id)).where(
        col(TakenMessage.source) == bindparam("source"), is_among(col(TakenMessage.message_id), "ids")
    ),
)


async def known_messages(session: AsyncSession, *, ids: Collection[str], source: str) -> set[str]:
    """Return which of these messages of a source came before."""
    if not ids:
        return set()
    return {str(id) for (id,) in await fetch(session, CAME_BEFORE, source=source, ids=ids)}


async def remember_messages(session: AsyncSession, *, ids: Sequence[str], source: str, now: datetime) -> None:
    """Remember messages that no touchpoint is named by."""
    rows = [{"source": source, "message_id": id, "received_at": now} for id in ids]
    await insert_new(session, TakenMessage, rows, unless_taken=("source", "message_id"))
