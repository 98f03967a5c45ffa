"""Find as whom customers count today, and keep it so until the transaction ends.

Whoever writes about customers holds them first, all at once and in the order of their ids, with locks that only merges
wait for; then writers of one customer queue. A merge locks its two customers one by one, in the same order. Both let go
at once of what turns out to be part of another by now. So nobody waits in a ring.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.customers.models import Customer
from regulars.many import is_among
from regulars.prepared import Command
from regulars.writing import fetch, run

__all__ = ["HeldCustomer", "held_survivors", "holding_at_once", "locked_survivors", "locked_to_move"]


@dataclass(frozen=True)
class HeldCustomer:
    """What whoever writes about a customer needs to know of them."""

    id: UUID
    status: str
    deleted_at: datetime | None

    @property
    def is_there(self) -> bool:
        """Tell whether something can still be written about them."""
        return self.deleted_at is None and self.status != "erased"


async def held_survivors(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, HeldCustomer]:
    """Hold customers as ``locked_survivors`` does; a single one, of whom nobody else is writing, by one statement."""
    alone = await _held_alone(session, customer_ids)
    if alone is not None:
        return {alone.id: alone}
    await session.flush()
    held = await _held_together(session, customer_ids)
    if not held:
        return {}
    rows = await fetch(session, _queueing(), ids=set(held.values()))
    survivors = {row[0]: HeldCustomer(*row) for row in rows}
    return {asked: survivors[id] for asked, id in held.items()}


async def locked_survivors(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, Customer]:
    """Return, by the id that was asked for, the customer as whom each one counts today; unknown ids are left out.

    The rows stay locked, so that no merge can move a customer away from under what is being recorded, and writers of
    one customer queue.
    """
    await session.flush()
    alone = await _held_alone(session, customer_ids)
    held = await _held_together(session, customer_ids) if alone is None else {alone.id: alone.id}
    if not held:
        return {}
    found = await session.scalars(_writing(), {"ids": list(set(held.values()))})
    survivors = {customer.id: customer for customer in found}
    return {asked: survivors[id] for asked, id in held.items()}


async def locked_to_move(session: AsyncSession, *, customer_id: UUID) -> Customer | None:
    """Return the customer with this very id, for a merge or an unmerge: all who write about them wait; None if unknown.

    Whoever finds that the customer is part of another ends the transaction before locking anything else.
    """
    query = select(Customer).where(col(Customer.id) == customer_id)
    return await session.scalar(query.with_for_update().execution_options(populate_existing=True))


async def _held_alone(session: AsyncSession, ids: Collection[UUID]) -> HeldCustomer | None:
    """Hold a single customer, if that takes no waiting."""
    if len(ids) != 1:
        return None
    rows = await fetch(session, _holding_alone(), id=next(iter(ids)))
    return HeldCustomer(*rows[0]) if rows else None


async def _held_together(session: AsyncSession, customer_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Hold all of them, and return as whom each counts."""
    if not customer_ids:
        return {}
    while True:
        await run(session, Command("SAVEPOINT held"))
        held = dict(await fetch(session, _holding(), ids=set(customer_ids)))
        uncertain = {id for id in customer_ids if held.get(id) != id}
        today = dict(await fetch(session, _counting(), ids=uncertain)) if uncertain else {}
        if today == {id: held[id] for id in uncertain if id in held}:
            await run(session, Command("RELEASE SAVEPOINT held"))
            return held
        await run(session, Command("ROLLBACK TO SAVEPOINT held"))  # or else what was merged meanwhile stays locked


# Written once: SQLAlchemy takes as long to make these as the database to answer them.


@cache
def _holding_alone() -> Select[UUID, str, datetime | None]:
    """Return the statement that holds the customer ``id``, unless they are part of another or held already.

    It waits for nobody: whoever waits may find the customer merged, and would hold on to what they do not want.
    """
    query = select(col(Customer.id), col(Customer.status), col(Customer.deleted_at))
    query = query.where(col(Customer.id) == bindparam("id"), col(Customer.merged_into_id).is_(None))
    return query.with_for_update(key_share=True, skip_locked=True)


@cache
def holding_at_once() -> Select[UUID]:
    """Return the statement that holds the customer ``customer_id`` as ``_holding_alone`` does, if they are there."""
    query = select(col(Customer.id)).where(col(Customer.id) == bindparam("customer_id"))
    query = query.where(
        col(Customer.merged_into_id).is_(None), col(Customer.deleted_at).is_(None), col(Customer.status) != "erased"
    )
    return query.with_for_update(key_share=True, skip_locked=True)


@cache
def _holding() -> Select[UUID, UUID]:
    """Return the statement that holds whom each of ``ids`` counts as today."""
    asked = aliased(Customer)
    today = func.coalesce(col(asked.merged_into_id), col(asked.id))
    return (
        select(col(asked.id), col(Customer.id))
        .join_from(asked, Customer, col(Customer.id) == today)
        .where(is_among(col(asked.id), "ids"), col(Customer.merged_into_id).is_(None))
        .order_by(col(Customer.id))
        .with_for_update(of=Customer, read=True, key_share=True)
    )


@cache
def _counting() -> Select[UUID, UUID]:
    """Return the statement that says as whom each of ``ids`` counts today."""
    today = func.coalesce(col(Customer.merged_into_id), col(Customer.id))
    return select(col(Customer.id), today).where(is_among(col(Customer.id), "ids"))


@cache
def _queueing() -> Select[UUID, str, datetime | None]:
    """Return the statement that lets writers of ``ids`` queue; foreign keys to the customers are not held up."""
    query = select(col(Customer.id), col(Customer.status), col(Customer.deleted_at))
    return query.where(is_among(col(Customer.id), "ids")).order_by(col(Customer.id)).with_for_update(key_share=True)


@cache
def _writing() -> Select[Customer]:
    """Return the statement that does the same for those who change the rows of the customers."""
    query = select(Customer).where(is_among(col(Customer.id), "ids")).order_by(col(Customer.id))
    return query.with_for_update(key_share=True).execution_options(populate_existing=True)
