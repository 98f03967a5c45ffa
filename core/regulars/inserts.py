"""Insert rows unless their unique values are taken, in one statement and without a race."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.dml import ReturningInsert

from regulars.tables import Table

__all__ = ["insert_new"]

Row = TypeVar("Row", bound=Table)


async def insert_new(
    session: AsyncSession, model: type[Row], rows: Sequence[Mapping[str, Any]], *, unless_taken: Sequence[str]
) -> list[Row]:
    """Insert the rows whose columns ``unless_taken`` are free, and return only those, in no order.

    A row that another transaction is inserting at this moment is waited for, then counts as taken.
    """
    if not rows:
        return []
    of: Any = model
    statement = _inserting(session.get_bind().dialect.name, of, tuple(unless_taken))
    return list(await session.scalars(statement, [dict(row) for row in rows]))


@cache  # written once: that takes as long as running it
def _inserting(dialect: str, model: Any, unless_taken: tuple[str, ...]) -> ReturningInsert[Any]:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(model).on_conflict_do_nothing(index_elements=unless_taken).returning(model)
