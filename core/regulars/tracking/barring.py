"""Keep out what sites and apps still tell of people who were erased on request."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.customers.identities import Identity
from regulars.customers.survivors import HeldCustomer
from regulars.ingest.new_customers import NameKey, key_of
from regulars.suppressions.lookups import erased_names
from regulars.suppressions.refusals import AddressErased
from regulars.tracking.facts import Facts
from regulars.tracking.holding import known_by
from regulars.tracking.messages import Message

__all__ = ["barred_names", "gone_among", "refuse_barred", "told_names"]


def told_names(message: Message, facts: Facts) -> list[Identity]:
    """Return every name that a message tells, those that are only claimed included."""
    return [name for name in (message.user, message.visitor, *message.former, *facts.claims) if name is not None]


async def barred_names(session: AsyncSession, names: Iterable[Identity]) -> frozenset[NameKey]:
    """Return which of the names belonged to somebody who was erased, and belong to nobody else."""
    erased = await erased_names(session, identities=frozenset(names))
    known = await known_by(session, erased)
    return frozenset(name for name in erased if not known.claims.get(name))


def refuse_barred(names: Iterable[Identity], *, barred: Collection[NameKey]) -> None:
    """Raise ``AddressErased`` when one of the names is barred."""
    for name in names:
        if key_of(name) in barred:
            raise AddressErased(name.kind)


def gone_among(asked: Collection[UUID], held: Mapping[UUID, HeldCustomer]) -> set[UUID]:
    """Return those who were erased while their names were looked up."""
    return {id for id in asked if id not in held or held[id].status == "erased"}
