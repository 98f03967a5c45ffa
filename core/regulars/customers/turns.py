"""Let those who create customers by the same names follow one another."""

from collections.abc import Collection

from sqlalchemy import ARRAY, String, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

__all__ = ["UPSERTS_LOCK", "await_names"]

UPSERTS_LOCK = 0x5245_4749  # "REGI"
"""Shared by those who wait for single names, held alone by whoever writes more than can be locked one by one."""

MOST_TURNS = 200
"""Names that are waited for one by one; a database keeps a limited number of such locks."""


async def await_names(session: AsyncSession, names: Collection[tuple[str, str, str]]) -> bool:
    """Wait until nobody else creates customers by these names, and keep it so until the transaction ends.

    A name is its kind, source and normalised form. All take the locks in one order. Return whether somebody else may
    have created customers until now; SQLite has one writer at a time anyway.
    """
    if session.get_bind().dialect.name != "postgresql" or not names:
        return False
    if len(names) > MOST_TURNS:
        await session.execute(select(func.pg_advisory_xact_lock(UPSERTS_LOCK)))
        return True
    await session.execute(select(func.pg_advisory_xact_lock_shared(UPSERTS_LOCK)))
    keys = sorted("\x1f".join(name) for name in names)
    each = func.unnest(literal(keys, ARRAY(String))).table_valued("key").render_derived()
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(each.c.key, 0))))
    return True
