"""Find as whom customers count today, and keep it so until the transaction ends."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.customers.models import Customer

__all__ = ["locked_survivors"]


async def locked_survivors(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, Customer]:
    """Return, by the id that was asked for, the customer as whom each one counts today; unknown ids are left out.

    The rows stay locked, so that no merge can move a customer away from under what is being recorded: a merge locks
    both customers before it moves anything, too. Only customers who are no part of another are ever locked, in the
    order of their ids; an unmerge locks the survivor and is waited for as well.
    """
    found = await _locked(session, customer_ids)
    while True:
        today = await _today(session, set(customer_ids) - found.keys())
        survivors = await _locked(session, set(today.values()))
        if survivors.keys() == set(today.values()) and today == await _today(session, today.keys()):
            return found | {asked: survivors[id] for asked, id in today.items()}


async def _today(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, UUID]:
    if not ids:
        return {}
    survivor = func.coalesce(col(Customer.merged_into_id), col(Customer.id))
    rows = await session.execute(select(col(Customer.id), survivor).where(col(Customer.id).in_(ids)))
    return dict(rows.all())


async def _locked(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Customer]:
    if not ids:
        return {}
    statement = (
        select(Customer)
        .where(col(Customer.id).in_(ids), col(Customer.merged_into_id).is_(None))
        .order_by(col(Customer.id))
        # FOR NO KEY UPDATE: writers of one customer queue, but foreign keys to the customer are not held up.
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {customer.id: customer for customer in await session.scalars(statement)}
