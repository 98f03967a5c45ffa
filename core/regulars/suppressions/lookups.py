"""Ask the suppression list: about addresses, about customers, and inside statements over all customers."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, insert, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.customers.identities import Identity
from regulars.customers.models import CustomerIdentity
from regulars.many import is_among
from regulars.suppressions.kinds import ERASED
from regulars.suppressions.models import SuppressedIdentity, Suppression
from regulars.suppressions.secret_key import address_key
from regulars.writing import fetch

__all__ = [
    "NameKey",
    "connect_identities",
    "erased_names",
    "suppressed_customers",
    "suppressions_of_addresses",
    "suppressions_of_customers",
]

NameKey = tuple[str, str, str]
"""Kind, source and normalised form of a name."""


async def suppressions_of_addresses(
    session: AsyncSession, *, identities: Collection[Identity], channel: str | None = None
) -> Mapping[Identity, Sequence[Suppression]]:
    """Return the standing entries of each address, in one statement for any number; those without any are left out.

    With a ``channel`` only entries of that channel, or of all, are returned.
    """
    key = await address_key(session)
    if key is None or not identities:
        return {}
    by_hash: defaultdict[str, list[Identity]] = defaultdict(list)
    for identity in identities:
        by_hash[key.hash(identity)].append(identity)
    query = select(Suppression).where(_stands(channel), is_among(col(Suppression.address_hash), by_hash))
    found: defaultdict[Identity, list[Suppression]] = defaultdict(list)
    for entry in await session.scalars(query.order_by(col(Suppression.id))):
        for identity in by_hash[entry.address_hash or ""]:
            found[identity].append(entry)
    return found


async def suppressions_of_customers(
    session: AsyncSession, *, customer_ids: Collection[UUID], channel: str | None = None
) -> Mapping[UUID, Sequence[Suppression]]:
    """Return the standing entries about each customer or about an address that they have today, in one statement."""
    by_person: Select[Any, Any] = select(
        col(Suppression.customer_id).label("holder"), col(Suppression.id).label("entry")
    ).where(col(Suppression.customer_id).in_(customer_ids))
    by_address = (
        select(col(CustomerIdentity.customer_id), col(SuppressedIdentity.suppression_id))
        .join(SuppressedIdentity, col(SuppressedIdentity.identity_id) == CustomerIdentity.id)
        .where(col(CustomerIdentity.customer_id).in_(customer_ids), col(CustomerIdentity.retired_at).is_(None))
    )
    held = union(by_person, by_address).subquery()
    query = (
        select(held.c.holder, Suppression)
        .join(Suppression, col(Suppression.id) == held.c.entry)
        .where(_stands(channel))
        .order_by(col(Suppression.id))
    )
    found: defaultdict[UUID, list[Suppression]] = defaultdict(list)
    for holder, entry in await session.execute(query):
        found[holder].append(entry)
    return found


def suppressed_customers(kinds: Collection[str], *, channel: str | None = None) -> Select[Any]:
    """Return, as SQL, the ids of all customers with a standing entry of these kinds, by person or by address.

    To be used inside a statement over customers: ``col(Customer.id).not_in(suppressed_customers(["no_scoring"]))``.
    """
    by_person: Select[Any] = select(col(Suppression.customer_id).label("customer_id")).where(
        col(Suppression.customer_id).is_not(None), _stands(channel), col(Suppression.kind).in_(kinds)
    )
    by_address = (
        select(col(CustomerIdentity.customer_id))
        .join(SuppressedIdentity, col(SuppressedIdentity.identity_id) == CustomerIdentity.id)
        .join(Suppression, col(Suppression.id) == SuppressedIdentity.suppression_id)
        .where(col(CustomerIdentity.retired_at).is_(None), _stands(channel), col(Suppression.kind).in_(kinds))
    )
    return select(union(by_person, by_address).subquery().c.customer_id)


async def erased_names(session: AsyncSession, *, identities: Collection[Identity]) -> frozenset[NameKey]:
    """Return which of these names belonged to somebody who was erased on request; nothing is hashed in vain."""
    if not identities or not await _are_there(session, _SOME_ERASED):
        return frozenset()
    key = await address_key(session)
    assert key is not None, "the list was written under a key"
    names = {key.hash(one): (one.kind, one.source, one.normalised) for one in identities}
    query = select(col(Suppression.address_hash)).where(_ERASED, is_among(col(Suppression.address_hash), names))
    return frozenset(names[hashed] for hashed in await session.scalars(query) if hashed is not None)


async def connect_identities(session: AsyncSession, *, written: Mapping[UUID, Identity]) -> None:
    """Note which of the names that were just written, by their ids, are on the list."""
    if not written or not await _are_there(session, _SOME_WITH_ADDRESS):
        return
    found = await suppressions_of_addresses(session, identities=frozenset(written.values()))
    rows = [
        {"suppression_id": entry.id, "identity_id": id}
        for id, identity in written.items()
        for entry in found.get(identity, ())
    ]
    if rows:
        await session.execute(insert(SuppressedIdentity), rows)


def _stands(channel: str | None) -> ColumnElement[bool]:
    stands = col(Suppression.lifted_at).is_(None)
    return stands if channel is None else stands & col(Suppression.channel).in_((channel, "*"))


async def _are_there(session: AsyncSession, asking: Select[bool]) -> bool:
    await session.flush()
    [(are_there,)] = await fetch(session, asking)
    return bool(are_there)


_ERASED = _stands(None) & (col(Suppression.kind) == ERASED)
_SOME_ERASED = select(exists().where(_ERASED))
_SOME_WITH_ADDRESS = select(
    exists().where(_stands(None), col(Suppression.address_hash).is_not(None), col(Suppression.kind) != ERASED)
)
