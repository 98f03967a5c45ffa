"""Find the customers whom names lead to, in one statement for many names."""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.customers.models import CustomerIdentity
from regulars.ingest.customer_upserts import KnownCustomers
from regulars.ingest.new_customers import NameKey
from regulars.many import is_among
from regulars.writing import fetch

__all__ = ["known_by"]


async def known_by(session: AsyncSession, names: Collection[NameKey]) -> KnownCustomers:
    """Return what is known of the customers whom these names lead to, in one statement."""
    known = KnownCustomers()
    if not names:
        return known
    asked = {normalised for _, _, normalised in names}
    for id, kind, source, normalised, is_verified, is_retired in await fetch(session, _names_of_holders(), names=asked):
        known.add_name(id, (kind, source, normalised), is_verified=is_verified, is_retired=is_retired)
    return known


@cache
def _names_of_holders() -> "Select[*tuple[Any, ...]]":
    """Return the statement that finds all names of those who have one of ``names``."""
    named = aliased(CustomerIdentity)
    holding = select(col(named.customer_id)).where(
        is_among(col(named.normalised), "names"), col(named.retired_at).is_(None)
    )
    return select(
        col(CustomerIdentity.customer_id),
        col(CustomerIdentity.kind),
        col(CustomerIdentity.source),
        col(CustomerIdentity.normalised),
        col(CustomerIdentity.verified_at).is_not(None),
        col(CustomerIdentity.retired_at).is_not(None),
    ).where(col(CustomerIdentity.customer_id).in_(holding))
