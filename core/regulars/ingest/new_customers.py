"""Write many new customers at once: their rows, identities, words to search by, and the events that tell of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.customers.changes import NewValues
from regulars.customers.identities import Identity
from regulars.customers.models import Customer, CustomerIdentity, CustomerWord
from regulars.customers.turns import UPSERTS_LOCK
from regulars.customers.words import searchable_words
from regulars.events.models import Event
from regulars.ingest.staging import write_rows
from regulars.suppressions.lookups import NameKey, connect_identities
from regulars.tables import new_id

__all__ = [
    "NameKey",
    "NewCustomer",
    "NewIdentity",
    "await_turn",
    "customer_event",
    "key_of",
    "write_identities",
    "write_new_customers",
]

USUAL: NewValues = {
    "display_name": None,
    "language": None,
    "time_zone": None,
    "jurisdiction": None,
    "age": "unknown",
    "has_guardian_consent": False,
    "status": "active",
}
"""What stands about a customer of whom nothing is said."""


def key_of(identity: Identity) -> NameKey:
    """Return what makes two names one."""
    return identity.kind, identity.source, identity.normalised


@dataclass
class NewCustomer:
    """Somebody who is not known yet: what is said about them, and their names."""

    id: UUID = field(default_factory=new_id)
    values: NewValues = field(default_factory=dict)
    identities: list[Identity] = field(default_factory=list)
    version: int = 1


@dataclass(frozen=True)
class NewIdentity:
    """A name that a customer gets; ``profile_id`` is for whom it is recorded."""

    customer_id: UUID
    profile_id: UUID
    identity: Identity
    id: UUID = field(default_factory=new_id)


async def await_turn(session: AsyncSession) -> None:
    """Wait until nobody else adds customers by their names, and keep it so until the transaction ends.

    SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(select(func.pg_advisory_xact_lock(UPSERTS_LOCK)))


async def write_new_customers(
    session: AsyncSession, customers: Sequence[NewCustomer], *, actor: str, now: datetime
) -> None:
    """Write the customers with all that belongs to them."""
    await write_rows(
        session,
        Customer,
        [
            {"id": new.id, "version": new.version, "created_at": now, "updated_at": now, **USUAL, **new.values}
            for new in customers
        ],
    )
    await write_rows(
        session,
        CustomerWord,
        [
            {"word": word, "customer_id": new.id}
            for new in customers
            for word in sorted(searchable_words(_texts_about(new)))
        ],
    )
    await write_rows(session, Event, [customer_event("customer.created", new.id, {}, actor, now) for new in customers])
    identities = [NewIdentity(new.id, new.id, identity) for new in customers for identity in new.identities]
    await write_identities(session, identities, actor=actor, now=now)


async def write_identities(
    session: AsyncSession, identities: Sequence[NewIdentity], *, actor: str, now: datetime
) -> None:
    """Write names of customers, external ids as vouched for by their source, with the events that tell of them."""
    await write_rows(
        session,
        CustomerIdentity,
        [
            {
                "id": new.id,
                "customer_id": new.customer_id,
                "profile_id": new.profile_id,
                "kind": new.identity.kind,
                "source": new.identity.source,
                "value": new.identity.value,
                "normalised": new.identity.normalised,
                "verified_at": now if new.identity.kind == "external" else None,
                "created_at": now,
            }
            for new in identities
        ],
    )
    await connect_identities(session, written={new.id: new.identity for new in identities})
    await write_rows(
        session,
        Event,
        [
            customer_event(
                "identity.added",
                new.customer_id,
                {"identityId": str(new.id), "kind": new.identity.kind},
                actor,
                now,
            )
            for new in identities
        ],
    )


def customer_event(
    type: str, customer_id: UUID, facts: Mapping[str, Any], actor: str, now: datetime
) -> Mapping[str, Any]:
    """Return the row of an event about a customer, as ``record_event`` would write it."""
    return {
        "id": new_id(),
        "type": type,
        "subject": f"customer:{customer_id}",
        "actor": actor,
        "data": facts,
        "occurred_at": now,
        "recorded_at": now,
    }


def _texts_about(new: NewCustomer) -> Iterable[str]:
    name = new.values.get("display_name")
    if isinstance(name, str):
        yield name
    for identity in new.identities:
        if identity.kind != "visitor":
            yield identity.value
            yield identity.normalised
