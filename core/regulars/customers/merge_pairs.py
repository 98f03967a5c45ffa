"""Choose which of two customers survives a merge, and refuse those who must not become one."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.customers.models import Customer, CustomerIdentity, CustomerMerge
from regulars.customers.survivors import locked_to_move
from regulars.errors import ForbiddenTransition, InvalidInput, NotFound

__all__ = ["AlreadyMerged", "ExplicitMergeNeeded", "MergePair", "locked_pair", "read_pair", "standing_merges"]


@dataclass(frozen=True)
class MergePair:
    """Two customers about to become one. ``are_both_identified`` holds where only a person may decide that."""

    survivor: Customer
    merged: Customer
    are_both_identified: bool


class AlreadyMerged(ForbiddenTransition):
    """A customer was named who is part of another one by now."""

    def __init__(self, customer_id: UUID, survivor_id: UUID) -> None:
        self.customer_id, self.survivor_id = customer_id, survivor_id
        self.conflicting_id = str(survivor_id)
        super().__init__(
            f"Customer {customer_id} is part of customer {survivor_id} already. Merge that one, if at all."
        )


class ExplicitMergeNeeded(ForbiddenTransition):
    """Two customers who are both identified were about to become one without a person's word."""

    code = "EXPLICIT_MERGE_REQUIRED"

    def __init__(self, survivor_id: UUID, merged_id: UUID) -> None:
        self.survivor_id, self.merged_id = survivor_id, merged_id
        super().__init__(
            f"Customers {survivor_id} and {merged_id} are both identified, so they may be two people."
            " A person must look at the preview and ask for this merge explicitly."
        )


async def read_pair(session: AsyncSession, *, survivor_id: UUID, merged_id: UUID) -> MergePair:
    """Return the two as they would be merged: of two customers the identified one survives, else ``survivor_id``.

    Raises ``NotFound`` for an unknown or deleted customer, ``AlreadyMerged`` for one who is part of another by now,
    ``ForbiddenTransition`` for an erased one, and ``InvalidInput`` where the two are one.
    """
    wanted, other = [_mergeable(await session.get(Customer, id), id) for id in (survivor_id, merged_id)]
    if wanted is other:
        raise InvalidInput(f"Customer {survivor_id} cannot be merged with itself. Name two customers.")
    identified = await _identified(session, (survivor_id, merged_id))
    if identified == {merged_id}:
        wanted, other = other, wanted
    return MergePair(wanted, other, are_both_identified=len(identified) == 2)


async def locked_pair(session: AsyncSession, *, survivor_id: UUID, merged_id: UUID) -> MergePair:
    """Return what ``read_pair`` returns, and keep everybody else from the two until the transaction ends."""
    for customer_id in sorted((survivor_id, merged_id)):
        _mergeable(await locked_to_move(session, customer_id=customer_id), customer_id)
    return await read_pair(session, survivor_id=survivor_id, merged_id=merged_id)


async def standing_merges(session: AsyncSession, *, customer_id: UUID) -> Sequence[CustomerMerge]:
    """Return the merges by which others are part of this customer today, the oldest first."""
    parts = select(col(Customer.id)).where(col(Customer.merged_into_id) == customer_id)
    query = select(CustomerMerge).where(col(CustomerMerge.merged_id).in_(parts), col(CustomerMerge.undone_at).is_(None))
    return (await session.scalars(query.order_by(col(CustomerMerge.merged_at), col(CustomerMerge.id)))).all()


def _mergeable(customer: Customer | None, asked: UUID) -> Customer:
    if customer is None or customer.deleted_at is not None:
        raise NotFound("customer", asked)
    if customer.merged_into_id is not None:
        raise AlreadyMerged(asked, customer.merged_into_id)
    if customer.status == "erased":
        raise ForbiddenTransition(f"Customer {asked} was erased; nothing is left to merge.")
    return customer


async def _identified(session: AsyncSession, customer_ids: tuple[UUID, UUID]) -> set[UUID]:
    query = select(col(CustomerIdentity.customer_id)).where(
        col(CustomerIdentity.customer_id).in_(customer_ids),
        col(CustomerIdentity.retired_at).is_(None),
        col(CustomerIdentity.verified_at).is_not(None) | (col(CustomerIdentity.kind) == "external"),
    )
    return set(await session.scalars(query.distinct()))
