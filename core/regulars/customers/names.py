"""The names by which a customer is known: addresses, numbers, ids in other systems, accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.customers.models import CustomerIdentity

__all__ = ["KnownName", "names_of"]


@dataclass(frozen=True)
class KnownName:
    """A name of a customer. ``source`` is the system of an id, the platform of an account; empty for addresses."""

    kind: str
    value: str
    source: str
    is_verified: bool
    since: datetime


async def names_of(session: AsyncSession, *, customer_id: UUID) -> Sequence[KnownName]:
    """Return every name by which a customer is known today, by kind, the oldest first."""
    held = (
        select(CustomerIdentity)
        .where(col(CustomerIdentity.customer_id) == customer_id, col(CustomerIdentity.retired_at).is_(None))
        .order_by(col(CustomerIdentity.kind), col(CustomerIdentity.created_at), col(CustomerIdentity.id))
    )
    return [
        KnownName(row.kind, row.value, row.source, row.verified_at is not None, row.created_at)
        for row in await session.scalars(held)
    ]
