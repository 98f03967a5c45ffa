"""Find the customers whom names lead to, and hold them until the transaction ends; few statements for many names."""

from collections.abc import Collection

from sqlalchemy import ARRAY, String, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.customers.models import CustomerIdentity
from regulars.customers.service import UPSERTS_LOCK
from regulars.ingest.customer_upserts import KnownCustomers
from regulars.ingest.new_customers import NameKey, await_turn

__all__ = ["await_names", "known_by"]

MOST_TURNS = 200
"""Names that are waited for one by one; a database keeps a limited number of such locks."""


async def known_by(session: AsyncSession, names: Collection[NameKey]) -> KnownCustomers:
    """Return what is known of the customers whom these names lead to, in one statement."""
    known = KnownCustomers()
    if not names:
        return known
    named = aliased(CustomerIdentity)
    holding = select(col(named.customer_id)).where(
        col(named.normalised).in_(sorted({normalised for _, _, normalised in names})), col(named.retired_at).is_(None)
    )
    rows = await session.execute(
        select(
            col(CustomerIdentity.customer_id),
            col(CustomerIdentity.kind),
            col(CustomerIdentity.source),
            col(CustomerIdentity.normalised),
            col(CustomerIdentity.verified_at).is_not(None),
            col(CustomerIdentity.retired_at).is_not(None),
        ).where(col(CustomerIdentity.customer_id).in_(holding))
    )
    for id, kind, source, normalised, is_verified, is_retired in rows:
        known.add_name(id, (kind, source, normalised), is_verified=is_verified, is_retired=is_retired)
    return known


async def await_names(session: AsyncSession, names: Collection[NameKey]) -> None:
    """Wait until nobody else creates customers by these names, and keep it so until the transaction ends.

    The locks are those of ``upsert_customer``, taken in its order. SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    if len(names) > MOST_TURNS:
        await await_turn(session)
        return
    await session.execute(select(func.pg_advisory_xact_lock_shared(UPSERTS_LOCK)))
    keys = sorted("\x1f".join(name) for name in names)
    each = func.unnest(literal(keys, ARRAY(String))).table_valued("key").render_derived()
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(each.c.key, 0))))
