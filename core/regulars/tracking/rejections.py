"""Keep the messages that could not be taken in, with the reason, for as long as somebody may want them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.errors import ExpectedError
from regulars.ingest.staging import write_rows
from regulars.tables import new_id
from regulars.tracking.masking import masked, without_addresses
from regulars.tracking.messages import Message, Refused, is_keepable
from regulars.tracking.models import RejectedMessage, TakenMessage

__all__ = [
    "MOST_KEPT",
    "delete_old_rejections",
    "delete_taken_messages",
    "keep_rejected",
    "without_addresses",
]

MOST_KEPT = 10_000
"""Rejected messages of one source; a write key may lie open, and what comes after that is answered and forgotten."""

LONGEST_REASON = 1_000
LONGEST_ID = 255
HOPELESS = frozenset({"TOO_LARGE", "ADDRESS_ERASED"})
"""Codes of messages that would be rejected again, or that must not be kept."""


async def keep_rejected(
    session: AsyncSession,
    *,
    rejected: Sequence[tuple[Message | Refused, ExpectedError]],
    source: str,
    sent_at: object,
    type: str | None,
    now: datetime,
) -> int:
    """Keep messages with the reason against each, and return how many there was room for."""
    if not rejected:
        return 0
    some = select(col(RejectedMessage.id)).where(col(RejectedMessage.source) == source).limit(MOST_KEPT).subquery()
    kept = await session.scalar(select(func.count()).select_from(some)) or 0
    rows = [_row(message, error, source, sent_at, type, now) for message, error in rejected[: MOST_KEPT - kept]]
    await write_rows(session, RejectedMessage, rows)
    return len(rows)


async def delete_taken_messages(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Forget up to ``limit`` ids of messages that came before that moment, and return how many."""
    key = (col(TakenMessage.source), col(TakenMessage.message_id))
    old = select(*key).where(col(TakenMessage.received_at) < before).limit(limit)
    connection = await session.connection()
    return (await connection.execute(delete(TakenMessage).where(tuple_(*key).in_(old)))).rowcount


async def delete_old_rejections(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` rejected messages that came before that moment, and return how many."""
    old = select(col(RejectedMessage.id)).where(col(RejectedMessage.received_at) < before).limit(limit)
    connection = await session.connection()
    return (await connection.execute(delete(RejectedMessage).where(col(RejectedMessage.id).in_(old)))).rowcount


def _row(
    message: Message | Refused, error: ExpectedError, source: str, sent_at: object, type: str | None, now: datetime
) -> Mapping[str, Any]:
    body = message.body
    given = body.get("type") if isinstance(body, Mapping) else None
    kind = type or (given if isinstance(given, str) else None)
    return {
        "id": new_id(),
        "source": source,
        "message_id": None if message.id is None else without_addresses(message.id, longest=LONGEST_ID),
        "type": None if kind is None else without_addresses(kind),
        "code": error.code,
        "reason": without_addresses(str(error), longest=LONGEST_REASON),
        "masked": masked(body),
        "body": None if error.code in HOPELESS else _repeatable(body, sent_at, type),
        "received_at": now,
    }


def _repeatable(body: object, sent_at: object, type: str | None) -> object:
    """Return a message that says by itself what its request said about it; None for one that cannot be kept."""
    if not isinstance(body, Mapping) or not is_keepable(body):
        return None
    besides = {"type": type, "sentAt": body.get("sentAt") or sent_at}
    return {**body, **{name: value for name, value in besides.items() if value is not None}}
