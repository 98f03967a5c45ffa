"""Create customers, change them, delete them and bring them back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.customers.changes import CustomerChanges, NewValues, checked
from regulars.customers.claims import claim_identities, unretire_identities
from regulars.customers.finding import claimants_of, customer_to_change, customer_to_restore, require_not_erased
from regulars.customers.identities import Identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.customers.search import refresh_words
from regulars.customers.turns import await_names
from regulars.errors import Conflict, ForbiddenTransition, InvalidInput, NotFound, NotUnique
from regulars.events.service import record_event

__all__ = [
    "SeveralCustomersMatch",
    "Upserted",
    "create_customer",
    "delete_customer",
    "restore_customer",
    "update_customer",
    "upsert_customer",
]


@dataclass(frozen=True)
class Upserted:
    """The customer after an upsert, and whether there was none before."""

    customer: Customer
    is_new: bool


class SeveralCustomersMatch(NotUnique):
    """The names that were given lead to more than one customer."""

    code = "AMBIGUOUS"

    def __init__(self, first_id: UUID, second_id: UUID) -> None:
        self.first_id, self.second_id = first_id, second_id
        super().__init__(
            f"These identities lead to customers {first_id} and {second_id}."
            " Name one of them by its id or external id, or merge the two.",
            conflicting_id=str(second_id),
            path=("identities",),
        )


async def create_customer(
    session: AsyncSession,
    *,
    changes: CustomerChanges,
    identities: Sequence[Identity] = (),
    actor: Actor,
    now: datetime,
) -> Customer:
    """Return a new customer with these identities, each a claim until it is verified.

    Raises ``InvalidInput`` for a value that cannot be, and ``IdentityTaken`` when an external id has an owner.
    """
    customer = Customer(created_at=now, updated_at=now)
    _write(customer, checked(changes))
    session.add(customer)
    await session.flush()
    await _tell(session, "customer.created", customer, actor, now)
    await claim_identities(
        session, customer=customer, profile_id=customer.id, identities=identities, actor=actor, now=now
    )
    return customer


async def update_customer(
    session: AsyncSession,
    *,
    customer_id: UUID,
    changes: CustomerChanges,
    expected_version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Customer:
    """Return the customer with the changes written; where nothing differs, nothing is written.

    Raises ``Conflict`` when ``expected_version`` is not the version that stands there, ``InvalidInput`` for a value
    that cannot be, ``NotFound`` for no such customer, and ``ForbiddenTransition`` for an erased one.
    """
    values = checked(changes)
    customer = await customer_to_change(session, customer_id=customer_id)
    _require_version(customer, expected_version)
    changed = _write(customer, values)
    if changed:
        customer.version += 1
        customer.updated_at = now
        await refresh_words(session, customer=customer)
        await _tell(session, "customer.updated", customer, actor, now, changed=changed)
    return customer


async def upsert_customer(
    session: AsyncSession,
    *,
    identities: Sequence[Identity],
    changes: CustomerChanges,
    actor: Actor,
    now: datetime,
) -> Upserted:
    """Change the customer whom these identities name, external ids first; create one where they name nobody.

    The customer gets those identities that are new. A customer who has another external id in the same source is
    somebody else, though an address be shared. Upserts of the same identity at the same moment follow one another.
    Raises ``InvalidInput`` without identities, and ``SeveralCustomersMatch`` where they lead to more than one customer.
    """
    if not identities:
        raise InvalidInput("An upsert needs at least one identity to find the customer by.", path=("identities",))
    await _take_turns(session, identities)
    known = await _customer_with(session, identities)
    if known is None:
        new = await create_customer(session, changes=changes, identities=identities, actor=actor, now=now)
        return Upserted(new, is_new=True)
    customer = await update_customer(session, customer_id=known.id, changes=changes, actor=actor, now=now)
    await claim_identities(
        session, customer=customer, profile_id=customer.id, identities=identities, actor=actor, now=now
    )
    return Upserted(customer, is_new=False)


async def delete_customer(
    session: AsyncSession,
    *,
    customer_id: UUID,
    expected_version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Customer:
    """Hide a customer until they are restored; their identities are free for others meanwhile.

    Raises ``Conflict`` when ``expected_version`` is not the version that stands there, and ``NotFound`` for no such
    customer.
    """
    customer = await customer_to_restore(session, customer_id=customer_id)
    if customer.deleted_at is not None:
        raise NotFound("customer", customer_id)
    _require_version(customer, expected_version)
    customer.deleted_at = customer.updated_at = now
    customer.version += 1
    theirs = (col(CustomerIdentity.customer_id) == customer.id) & col(CustomerIdentity.retired_at).is_(None)
    await session.execute(update(CustomerIdentity).where(theirs).values(retired_at=now))
    await refresh_words(session, customer=customer)
    await _tell(session, "customer.deleted", customer, actor, now)
    return customer


async def restore_customer(session: AsyncSession, *, customer_id: UUID, actor: Actor, now: datetime) -> Customer:
    """Return a deleted customer to where they were, identities included.

    Raises ``IdentityTaken`` naming the customer who owns one of the identities by now, ``NotFound`` for no such
    customer, and ``ForbiddenTransition`` for one who is not deleted, or who was erased.
    """
    customer = await customer_to_restore(session, customer_id=customer_id)
    if customer.deleted_at is None:
        raise ForbiddenTransition(f"Customer {customer_id} is not deleted. There is nothing to restore.")
    require_not_erased(customer)
    await unretire_identities(session, customer=customer)
    customer.deleted_at = None
    customer.updated_at = now
    customer.version += 1
    await refresh_words(session, customer=customer)
    await _tell(session, "customer.restored", customer, actor, now)
    return customer


def _write(customer: Customer, values: NewValues) -> list[str]:
    changed = [name for name, value in values.items() if getattr(customer, name) != value]
    for name in changed:
        setattr(customer, name, values[name])
    return changed


def _require_version(customer: Customer, expected: int | None) -> None:
    if expected is not None and expected != customer.version:
        raise Conflict("customer", customer.id, expected=expected, actual=customer.version)


async def _take_turns(session: AsyncSession, identities: Sequence[Identity]) -> None:
    # Claims are not unique, so no index keeps two upserts of one new address from creating two customers.
    await await_names(session, {(one.kind, one.source, one.normalised) for one in identities})


async def _customer_with(session: AsyncSession, identities: Sequence[Identity]) -> Customer | None:
    external = [identity for identity in identities if identity.kind == "external"]
    owners = [customer for identity in external for customer in await claimants_of(session, identity)]
    if not owners:
        return await _claimant_of(session, identities, external)
    for other in owners:
        if other.id != owners[0].id:
            raise SeveralCustomersMatch(owners[0].id, other.id)
    return owners[0]


async def _claimant_of(
    session: AsyncSession, identities: Sequence[Identity], external: Sequence[Identity]
) -> Customer | None:
    unclear: Sequence[Customer] = ()
    for identity in identities:
        claimants = await claimants_of(session, identity)
        if len(claimants) == 1 and not await _is_known_otherwise(session, claimants[0], external):
            return claimants[0]
        if len(claimants) > 1:
            unclear = claimants
    if unclear and not external:
        raise SeveralCustomersMatch(unclear[0].id, unclear[1].id)
    return None


async def _is_known_otherwise(session: AsyncSession, customer: Customer, external: Sequence[Identity]) -> bool:
    query = select(col(CustomerIdentity.id)).where(
        col(CustomerIdentity.customer_id) == customer.id,
        col(CustomerIdentity.kind) == "external",
        col(CustomerIdentity.source).in_({identity.source for identity in external}),
    )
    return await session.scalar(query.limit(1)) is not None


async def _tell(
    session: AsyncSession,
    type: str,
    customer: Customer,
    actor: Actor,
    now: datetime,
    *,
    changed: Sequence[str] = (),
) -> None:
    facts = {"changed": list(changed)} if changed else {}
    subject = f"customer:{customer.id}"
    await record_event(session, type=type, subject=subject, actor=actor.label, data=facts, now=now)
