"""Find customers by whatever they are called, also after they became part of another."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.customers.identities import ExternalRef, Identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.customers.survivors import locked_survivors
from regulars.errors import ForbiddenTransition, NotFound, OutOfRange

__all__ = [
    "claimants_of",
    "counts_today_as",
    "current_customer",
    "customer_to_change",
    "customer_to_restore",
    "find_customer",
    "find_customers_by_refs",
    "is_named",
    "require_not_erased",
]

MOST_REFS = 10_000


def counts_today_as(asked: type[Customer] = Customer) -> ColumnElement[UUID]:
    """Return, as SQL over a row of ``core_customer``, the id of the customer as whom it counts today."""
    return func.coalesce(asked.merged_into_id, asked.id)


def is_named(identity: Identity) -> ColumnElement[bool]:
    """Return, as SQL over ``core_customer_identity``, whether the row claims this name today."""
    return (
        (col(CustomerIdentity.kind) == identity.kind)
        & (col(CustomerIdentity.source) == identity.source)
        & (col(CustomerIdentity.normalised) == identity.normalised)
        & col(CustomerIdentity.retired_at).is_(None)
    )


async def current_customer(session: AsyncSession, *, customer_id: UUID) -> Customer:
    """Return the customer as whom this id counts today.

    Raises ``NotFound`` for an id that nobody has, and for a deleted customer.
    """
    asked = aliased(Customer)
    query = select(Customer).join(asked, col(Customer.id) == counts_today_as(asked))
    customer = await session.scalar(query.where(col(asked.id) == customer_id, col(Customer.deleted_at).is_(None)))
    if customer is None:
        raise NotFound("customer", customer_id)
    return customer


async def customer_to_change(session: AsyncSession, *, customer_id: UUID) -> Customer:
    """Return the customer as whom this id counts today; others who change them wait until the transaction ends.

    Raises ``NotFound`` for an id that nobody has, and for a deleted customer, and ``ForbiddenTransition`` for an erased
    one, of whom nothing may be written again.
    """
    customer = await customer_to_restore(session, customer_id=customer_id)
    if customer.deleted_at is not None:
        raise NotFound("customer", customer_id)
    require_not_erased(customer)
    return customer


async def customer_to_restore(session: AsyncSession, *, customer_id: UUID) -> Customer:
    """Return the customer to change, though they be deleted. Raises ``NotFound`` for an id that nobody has."""
    survivors = await locked_survivors(session, [customer_id])
    if customer_id not in survivors:
        raise NotFound("customer", customer_id)
    return survivors[customer_id]


def require_not_erased(customer: Customer) -> None:
    """Accept a customer of whom something may be written; raises ``ForbiddenTransition`` for an erased one."""
    if customer.status == "erased":
        raise ForbiddenTransition(f"Customer {customer.id} was erased; what was known is gone. Create a new customer.")


async def find_customer(session: AsyncSession, *, by: UUID | ExternalRef | Identity) -> Customer | None:
    """Return the customer with this id, external id or name; None where there is none, or where it is not certain.

    The id of a merged customer finds the survivor. A name finds its verified owner, else the one customer who claims
    it; where several claim it, nobody is found. Deleted customers are not found.
    """
    if isinstance(by, ExternalRef):
        return (await find_customers_by_refs(session, refs=[by]))[0]
    if isinstance(by, Identity):
        claimants = await claimants_of(session, by)
        return claimants[0] if len(claimants) == 1 else None
    try:
        return await current_customer(session, customer_id=by)
    except NotFound:
        return None


async def claimants_of(session: AsyncSession, identity: Identity) -> Sequence[Customer]:
    """Return the verified owner of a name alone; without one, up to two customers who claim it."""
    named = (
        select(Customer)
        .join(CustomerIdentity, col(CustomerIdentity.customer_id) == Customer.id)
        .where(is_named(identity))
    )
    owner = await session.scalar(named.where(col(CustomerIdentity.verified_at).is_not(None)))
    if owner is not None:
        return [owner]
    return (await session.scalars(named.distinct().limit(2))).all()


async def find_customers_by_refs(session: AsyncSession, *, refs: Sequence[ExternalRef]) -> list[Customer | None]:
    """Return the customer of each external id, in the order asked, None where unknown; one statement for all.

    Raises ``OutOfRange`` for more than 10,000 references.
    """
    if len(refs) > MOST_REFS:
        raise OutOfRange(f"{len(refs)} references are too many for one question; ask for {MOST_REFS:,} at a time.")
    wanted = [(ref.source.strip().casefold(), ref.id.strip()) for ref in refs]
    if not wanted:
        return []
    query = (
        select(col(CustomerIdentity.source), col(CustomerIdentity.normalised), Customer)
        .join(Customer, col(Customer.id) == CustomerIdentity.customer_id)
        .where(
            col(CustomerIdentity.kind) == "external",
            tuple_(col(CustomerIdentity.source), col(CustomerIdentity.normalised)).in_(set(wanted)),
            col(CustomerIdentity.verified_at).is_not(None),
            col(CustomerIdentity.retired_at).is_(None),
        )
    )
    known = {(source, normalised): customer for source, normalised, customer in await session.execute(query)}
    return [known.get(ref) for ref in wanted]
