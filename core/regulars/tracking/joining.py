"""Make a visitor who was unknown one with the customer who they turned out to be."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor
from regulars.customers.merges import MergeHook, merge_customers
from regulars.errors import ExpectedError

__all__ = ["join_visitor"]


async def join_visitor(
    session: AsyncSession,
    *,
    visitor_id: UUID,
    customer_id: UUID,
    actor: Actor,
    on_merged: MergeHook,
    now: datetime,
) -> bool:
    """Merge the visitor into the customer, as far as nothing speaks against it; return whether that was done.

    It can be undone as every merge. Two customers who are both identified are never merged so.
    """
    savepoint = await session.begin_nested()
    try:
        await merge_customers(
            session,
            survivor_id=customer_id,
            merged_id=visitor_id,
            reason="A visitor of this site or app gave their user id.",
            actor=actor,
            on_merged=on_merged,
            now=now,
        )
    except ExpectedError:  # somebody else did it meanwhile, or knows more about the two
        await savepoint.rollback()
        return False
    await savepoint.commit()
    return True
