"""The addresses at which a customer can be reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.customers.models import CustomerIdentity

__all__ = ["KnownAddress", "addresses_of"]

KINDS = ("email", "phone")


@dataclass(frozen=True)
class KnownAddress:
    """An address of a customer: its ``kind`` is ``email`` or ``phone``, its ``value`` as it was given."""

    kind: str
    value: str
    is_verified: bool


async def addresses_of(session: AsyncSession, *, customer_id: UUID) -> Sequence[KnownAddress]:
    """Return the mail addresses and telephone numbers of a customer, those first that messages go to."""
    held = (
        select(CustomerIdentity)
        .where(
            col(CustomerIdentity.customer_id) == customer_id,
            col(CustomerIdentity.kind).in_(KINDS),
            col(CustomerIdentity.retired_at).is_(None),
        )
        .order_by(
            col(CustomerIdentity.verified_at).is_(None),
            col(CustomerIdentity.created_at).desc(),
            col(CustomerIdentity.id).desc(),
        )
    )
    return [KnownAddress(row.kind, row.value, row.verified_at is not None) for row in await session.scalars(held)]
