"""Take in one request of a site or app, keep what of it was rejected, and take that in again later."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.audit.service import record_audit
from regulars.customers.merges import MergeHook
from regulars.errors import ExpectedError, NotFound, OutOfRange
from regulars.events.service import record_event
from regulars.tracking.joining import join_visitor
from regulars.tracking.masking import without_addresses
from regulars.tracking.messages import Message, Refused, read_messages
from regulars.tracking.models import RejectedMessage
from regulars.tracking.rejections import LONGEST_REASON, keep_rejected
from regulars.tracking.service import Registries, Status, TakenIn, take_messages

__all__ = ["MOST_REPLAYED", "Replayed", "replay_rejected", "take_request"]

MOST_REPLAYED = 500


@dataclass(frozen=True)
class Replayed:
    """What became of a rejected message at another try."""

    id: UUID
    status: Status
    error: ExpectedError | None = None


async def take_request(
    session: AsyncSession,
    *,
    messages: Sequence[Message | Refused],
    sent_at: object,
    type: str | None,
    known: Registries,
    sender: Actor,
    now: datetime,
) -> TakenIn:
    """Write what the messages tell, keep those that are rejected, and return what became of each.

    ``sent_at`` and ``type`` are what the request says about all of them.
    """
    taken = await take_messages(session, messages=messages, known=known, sender=sender, now=now)
    rejected = [
        (message, result.error)
        for message, result in zip(messages, taken.results, strict=True)
        if result.error is not None
    ]
    if any(result.status == "accepted" for result in taken.results):
        types = sorted({message.type for message in messages if isinstance(message, Message)})
        await record_audit(
            session,
            actor=sender.label,
            action="tracking.taken",
            subject=f"key:{sender.key_id}",
            fields=types,
            now=now,
        )
    await keep_rejected(session, rejected=rejected, source=sender.source, sent_at=sent_at, type=type, now=now)
    return taken


async def replay_rejected(
    session: AsyncSession,
    *,
    ids: Sequence[UUID],
    known: Registries,
    actor: Actor,
    on_merged: MergeHook,
    now: datetime,
) -> list[Replayed]:
    """Take rejected messages in again, as if they came when they first did; return what became of each, in order.

    What is taken in now is kept no longer, and no grant of consent is read from it. Raises ``OutOfRange`` for more than
    500, and ``NotFound`` for a message that is not kept or that would be rejected for ever.
    """
    if len(ids) > MOST_REPLAYED:
        raise OutOfRange(f"{len(ids)} messages are too many at once. Give at most {MOST_REPLAYED}.", path=("ids",))
    query = select(RejectedMessage).where(col(RejectedMessage.id).in_(set(ids))).order_by(col(RejectedMessage.id))
    rows = {row.id: row for row in await session.scalars(query.with_for_update())}
    for id in ids:
        if id not in rows or rows[id].body is None:
            raise NotFound("rejected message that can be taken in", id, path=("ids",))
    outcomes: dict[UUID, Replayed] = {}
    for (source, received_at), some in _together(list(rows.values())).items():
        sender = replace(actor, source=source, permissions=frozenset[str]())
        messages = read_messages([row.body for row in some], source=source, now=received_at)
        taken = await take_messages(session, messages=messages, known=known, sender=sender, now=now)
        for row, result in zip(some, taken.results, strict=True):
            outcomes[row.id] = Replayed(row.id, result.status, result.error)
            _note(row, result.error, now)
        for visitor_id, customer_id in taken.joins:
            await join_visitor(
                session, visitor_id=visitor_id, customer_id=customer_id, actor=actor, on_merged=on_merged, now=now
            )
    await record_event(
        session,
        type="tracking.replayed",
        subject=f"actor:{actor.label}",
        actor=actor.label,
        data={"messages": len(ids)},
        now=now,
    )
    return [outcomes[id] for id in ids]


def _together(rows: Sequence[RejectedMessage]) -> dict[tuple[str, datetime], list[RejectedMessage]]:
    groups: defaultdict[tuple[str, datetime], list[RejectedMessage]] = defaultdict(list)
    for row in rows:
        groups[row.source, row.received_at].append(row)
    return dict(groups)


def _note(row: RejectedMessage, error: ExpectedError | None, now: datetime) -> None:
    row.replayed_at = now
    if error is None:
        row.body = None
    else:
        row.code, row.reason = error.code, without_addresses(str(error), longest=LONGEST_REASON)
