"""Take many messages in a few statements: news for all who asked to hear it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.consents.registry import ConsentRegistry
from regulars.customers.survivors import HeldCustomer, held_survivors
from regulars.inserts import insert_new
from regulars.messages.models import Message
from regulars.messages.service import check_draft, message_row, tell_of
from regulars.messages.templates import MessageDraft, MessageTemplate

__all__ = ["enqueue_messages"]


async def enqueue_messages(
    session: AsyncSession,
    *,
    drafts: Sequence[MessageDraft],
    source: str,
    templates: Mapping[str, MessageTemplate],
    registry: ConsentRegistry,
    actor: str,
    now: datetime,
) -> int:
    """Take those messages whose keys the source has not used yet, and return how many these are.

    Drafts to customers who are unknown, deleted or erased are left out; so are drafts to nobody in particular. Give a
    few hundred at a time: their customers stay locked until the transaction ends. Raises what a draft that cannot be
    taken raises alone; then none is taken.
    """
    accepted = [(draft, check_draft(draft, templates=templates, registry=registry, now=now)) for draft in drafts]
    named = {draft.customer_id for draft in drafts if draft.customer_id is not None}
    customers: dict[UUID | None, HeldCustomer] = {
        id: one for id, one in (await held_survivors(session, named)).items() if one.is_there
    }
    rows = {
        draft.key: message_row(draft, one, source=source, customer_id=customers[draft.customer_id].id, now=now)
        for draft, one in accepted
        if draft.customer_id in customers
    }
    new = await insert_new(session, Message, list(rows.values()), unless_taken=["source", "key"])
    for message in new:
        await tell_of(session, "message.enqueued", message, actor, now)
    await session.flush()
    return len(new)
