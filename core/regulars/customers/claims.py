"""Give customers the names by which they are known, take names away, and prove whose they are."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.customers.finding import customer_to_change, is_named
from regulars.customers.identities import Identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.customers.search import refresh_words
from regulars.errors import NotFound, NotUnique
from regulars.events.service import record_event
from regulars.suppressions.lookups import connect_identities, erased_names
from regulars.suppressions.refusals import AddressErased

__all__ = [
    "IdentityTaken",
    "add_identity",
    "claim_identities",
    "remove_identity",
    "unretire_identities",
    "verify_identity",
]


class IdentityTaken(NotUnique):
    """A name belongs to another customer already."""

    def __init__(self, identity: Identity, *, owner_id: UUID) -> None:
        self.identity, self.owner_id = identity, owner_id
        what = f"{identity.kind} {identity.value!r}" + (f" of {identity.source}" if identity.source else "")
        super().__init__(
            f"The {what} belongs to customer {owner_id}. Change that one, merge the two, or remove it there first.",
            conflicting_id=str(owner_id),
            path=("identities",),
        )


async def add_identity(
    session: AsyncSession,
    *,
    customer_id: UUID,
    identity: Identity,
    actor: Actor,
    now: datetime,
    verified_at: datetime | None = None,
) -> CustomerIdentity:
    """Give a customer a name, and return it; a name that the customer has already stays as it is.

    With ``verified_at`` it is proven to be theirs. An external id is vouched for by its source and so always is.
    Raises ``IdentityTaken`` when a proven name belongs to another customer, and ``NotFound`` for no such customer.
    """
    customer = await customer_to_change(session, customer_id=customer_id)
    known = await claim_identities(
        session, customer=customer, profile_id=customer_id, identities=[identity], actor=actor, now=now
    )
    if verified_at is None or known[0].verified_at is not None:
        return known[0]
    return await verify_identity(session, identity_id=known[0].id, actor=actor, now=now, verified_at=verified_at)


async def verify_identity(
    session: AsyncSession, *, identity_id: UUID, actor: Actor, now: datetime, verified_at: datetime | None = None
) -> CustomerIdentity:
    """Make the customer the one owner of a name, and return it; verifying twice changes nothing.

    The claims of others stay, and no longer count. Raises ``IdentityTaken`` when another customer is the owner.
    """
    row, customer = await _identity_to_change(session, identity_id)
    if row.verified_at is not None:
        return row
    identity = _as_read(row)
    verified = await _verified_row(session, customer.id, identity)
    if verified is not None:
        return verified
    async with _owned_once(session, customer.id, [identity]):
        row.verified_at = verified_at or now
    await _tell(session, "identity.verified", customer, row, actor, now)
    return row


async def remove_identity(session: AsyncSession, *, identity_id: UUID, actor: Actor, now: datetime) -> Customer:
    """Take a name from its customer for good, and return the customer."""
    row, customer = await _identity_to_change(session, identity_id)
    await _tell(session, "identity.removed", customer, row, actor, now)
    # A merge may have brought the same name twice.
    same_name = (col(CustomerIdentity.customer_id) == customer.id) & is_named(_as_read(row))
    await session.execute(delete(CustomerIdentity).where(same_name))
    await refresh_words(session, customer=customer)
    return customer


async def claim_identities(
    session: AsyncSession,
    *,
    customer: Customer,
    profile_id: UUID,
    identities: Sequence[Identity],
    actor: Actor,
    now: datetime,
) -> list[CustomerIdentity]:
    """Write the names that the customer does not have yet, and return a row for each name, in the order given.

    The caller holds the customer. Raises ``IdentityTaken`` when an external id belongs to another customer, and
    ``AddressErased`` for a name of somebody who was erased on request, unless somebody else has it, too.
    """
    query = select(CustomerIdentity).where(
        col(CustomerIdentity.customer_id) == customer.id,
        col(CustomerIdentity.normalised).in_({identity.normalised for identity in identities}),
    )
    rows = {
        _key(row): row
        for row in await session.scalars(query.order_by(col(CustomerIdentity.verified_at).is_(None).desc()))
    }
    new = {_key(identity): identity for identity in identities if _key(identity) not in rows}
    await _refuse_erased(session, list(new.values()))
    async with _owned_once(session, customer.id, list(new.values())):
        for key, identity in new.items():
            rows[key] = CustomerIdentity(
                customer_id=customer.id,
                profile_id=profile_id,
                kind=identity.kind,
                source=identity.source,
                value=identity.value,
                normalised=identity.normalised,
                verified_at=now if identity.kind == "external" else None,
                created_at=now,
            )
            session.add(rows[key])
    await connect_identities(session, written={rows[key].id: identity for key, identity in new.items()})
    for key in new:
        await _tell(session, "identity.added", customer, rows[key], actor, now)
    await refresh_words(session, customer=customer)
    return [rows[_key(identity)] for identity in identities]


async def unretire_identities(session: AsyncSession, *, customer: Customer) -> None:
    """Give a restored customer their names back. Raises ``IdentityTaken`` when one has another owner by now."""
    retired = (col(CustomerIdentity.customer_id) == customer.id) & col(CustomerIdentity.retired_at).is_not(None)
    rows = (await session.scalars(select(CustomerIdentity).where(retired))).all()
    async with _owned_once(session, customer.id, [_as_read(row) for row in rows if row.verified_at is not None]):
        await session.execute(update(CustomerIdentity).where(retired).values(retired_at=None))


async def _refuse_erased(session: AsyncSession, identities: Sequence[Identity]) -> None:
    erased = await erased_names(session, identities=identities)
    for identity in identities:
        if _key(identity) in erased and not await session.scalar(select(exists().where(is_named(identity)))):
            raise AddressErased(identity.kind)


@asynccontextmanager
async def _owned_once(session: AsyncSession, customer_id: UUID, identities: Sequence[Identity]) -> AsyncIterator[None]:
    # The unique index decides, since two transactions can claim the same name at once; afterwards we look who won.
    try:
        async with session.begin_nested():
            yield
    except IntegrityError as error:
        for identity in identities:
            owner = await session.scalar(
                select(col(CustomerIdentity.customer_id)).where(
                    is_named(identity),
                    col(CustomerIdentity.verified_at).is_not(None),
                    col(CustomerIdentity.customer_id) != customer_id,
                )
            )
            if owner is not None:
                raise IdentityTaken(identity, owner_id=owner) from error
        raise


async def _identity_to_change(session: AsyncSession, identity_id: UUID) -> tuple[CustomerIdentity, Customer]:
    row = await session.get(CustomerIdentity, identity_id)
    if row is None:
        raise NotFound("identity", identity_id)
    customer = await customer_to_change(session, customer_id=row.profile_id)
    row = await session.get(CustomerIdentity, identity_id, populate_existing=True)
    if row is None:
        raise NotFound("identity", identity_id)
    return row, customer


async def _verified_row(session: AsyncSession, customer_id: UUID, identity: Identity) -> CustomerIdentity | None:
    query = select(CustomerIdentity).where(
        col(CustomerIdentity.customer_id) == customer_id,
        is_named(identity),
        col(CustomerIdentity.verified_at).is_not(None),
    )
    return await session.scalar(query)


async def _tell(
    session: AsyncSession, type: str, customer: Customer, row: CustomerIdentity, actor: Actor, now: datetime
) -> None:
    facts = {"identityId": str(row.id), "kind": row.kind}
    subject = f"customer:{customer.id}"
    await record_event(session, type=type, subject=subject, actor=actor.label, data=facts, now=now)


def _as_read(row: CustomerIdentity) -> Identity:
    return Identity(kind=row.kind, value=row.value, normalised=row.normalised, source=row.source)


def _key(identity: Identity | CustomerIdentity) -> tuple[str, str, str]:
    return identity.kind, identity.source, identity.normalised
