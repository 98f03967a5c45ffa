"""Customers and what happened with them, for tests: one by one, or whole histories at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import SYSTEM
from regulars.customers.changes import CustomerChanges
from regulars.customers.identities import read_identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.customers.service import create_customer
from regulars.tables import new_id
from regulars.touchpoints.drafts import TouchpointDraft
from regulars.touchpoints.service import LARGEST_BATCH, RecordedTouchpoint, record_touchpoints
from regulars.touchpoints.types import TouchpointTypes

__all__ = ["Happening", "add_customer", "add_histories", "add_touchpoints"]

SOURCE = "shop"

Item = TypeVar("Item")


@dataclass(frozen=True)
class Happening:
    """Something that happened with a customer: by default an order, with its amount in ``currency``."""

    at: datetime
    amount: Decimal | str | None = None
    type: str = "order"
    currency: str | None = "EUR"
    cost: Decimal | str | None = None
    channel: str | None = None
    source: str = SOURCE
    external_id: str | None = None
    payload: Mapping[str, Any] | None = None

    def draft(self, customer_id: UUID) -> TouchpointDraft:
        """Return the touchpoint that the customer's timeline gets."""
        has_money = self.amount is not None or self.cost is not None
        return TouchpointDraft(
            customer_id=customer_id,
            type=self.type,
            occurred_at=self.at,
            source=self.source,
            channel=self.channel,
            amount=None if self.amount is None else Decimal(self.amount),
            currency=self.currency if has_money else None,
            cost=None if self.cost is None else Decimal(self.cost),
            external_id=self.external_id,
            payload=self.payload,
        )


async def add_customer(
    session: AsyncSession, *, name: str | None, email: str | None, external_id: str | None, now: datetime
) -> UUID:
    """Return the id of a new customer with these names."""
    identities = [] if email is None else [read_identity("email", email)]
    if external_id is not None:
        identities.append(read_identity("external", external_id, SOURCE))
    changes = CustomerChanges(display_name=name)
    customer = await create_customer(session, changes=changes, identities=identities, actor=SYSTEM, now=now)
    return customer.id


async def add_touchpoints(
    session: AsyncSession, *, drafts: Sequence[TouchpointDraft], types: TouchpointTypes, now: datetime
) -> list[UUID]:
    """Return the ids of the touchpoints that these drafts became; raises the error of the first that cannot be."""
    ids = []
    for batch in _in_batches(drafts):
        for recorded in await record_touchpoints(session, drafts=batch, types=types, actor=SYSTEM, now=now):
            if not isinstance(recorded, RecordedTouchpoint):
                raise recorded
            ids.append(recorded.touchpoint.id)
    return ids


async def add_histories(
    session: AsyncSession, *, histories: Mapping[str, Sequence[Happening]], types: TouchpointTypes, now: datetime
) -> dict[str, UUID]:
    """Return the ids of new customers by the names that they have, in the shop too, with all that happened with them.

    Thousands of customers take a second or two; they are not found by search.
    """
    ids = {name: new_id() for name in histories}
    made = {"created_at": now, "updated_at": now}
    customers = [{"id": id, "display_name": name, **made} for name, id in ids.items()]
    identities = [_external_id(id, name, now) for name, id in ids.items()]
    if ids:
        await session.execute(insert(Customer), customers)
        await session.execute(insert(CustomerIdentity), identities)
    drafts = [happening.draft(ids[name]) for name, happenings in histories.items() for happening in happenings]
    await add_touchpoints(session, drafts=drafts, types=types, now=now)
    return ids


def _external_id(customer_id: UUID, name: str, now: datetime) -> dict[str, Any]:
    identity = read_identity("external", name, SOURCE)
    return {
        "customer_id": customer_id,
        "profile_id": customer_id,
        "kind": identity.kind,
        "source": identity.source,
        "value": identity.value,
        "normalised": identity.normalised,
        "verified_at": now,
        "created_at": now,
    }


def _in_batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[first : first + LARGEST_BATCH] for first in range(0, len(items), LARGEST_BATCH))
