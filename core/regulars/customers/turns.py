"""Let those who create customers by the same names follow one another."""

from collections.abc import Collection

from sqlalchemy import ARRAY, String, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.writing import fetch

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
        await fetch(session, _ALONE)
        return True
    await fetch(session, _WITH_OTHERS)
    await fetch(session, _ONE_BY_ONE, keys=sorted("\x1f".join(name) for name in names))
    return True


_KEYS = func.unnest(bindparam("keys", type_=ARRAY(String), required=True)).table_valued("key").render_derived()
_ALONE = select(func.pg_advisory_xact_lock(UPSERTS_LOCK))
_WITH_OTHERS = select(func.pg_advisory_xact_lock_shared(UPSERTS_LOCK))
_ONE_BY_ONE = select(func.pg_advisory_xact_lock(func.hashtextextended(_KEYS.c.key, 0)))
