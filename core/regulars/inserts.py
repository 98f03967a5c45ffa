"""Insert rows unless their unique values are taken, in one statement and without a race."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import class_mapper

from regulars.prepared import Columns, Rows, columns_of
from regulars.tables import Table
from regulars.writing import run

__all__ = ["insert_new", "insert_new_ids"]

Row = TypeVar("Row", bound=Table)


async def insert_new(
    session: AsyncSession, model: type[Row], rows: Sequence[Mapping[str, Any]], *, unless_taken: Sequence[str]
) -> list[Row]:
    """Insert the rows whose columns ``unless_taken`` are free, and return only those, in no order.

    All rows name the same columns; others stay empty. What is returned belongs to no session. A row that another
    transaction is inserting at this moment is waited for, then counts as taken.
    """
    every = columns_of(model, session.get_bind().dialect.name)
    return [_stored(model, every.read(found)) for found in await _insert(session, model, rows, unless_taken, every)]


async def insert_new_ids(
    session: AsyncSession, model: type[Table], rows: Sequence[Mapping[str, Any]], *, unless_taken: Sequence[str]
) -> set[UUID]:
    """Insert rows as ``insert_new`` does, and return only the ids of those whose columns were free."""
    id = columns_of(model, session.get_bind().dialect.name, ("id",))
    return {id.read(found)["id"] for found in await _insert(session, model, rows, unless_taken, id)}


async def _insert(
    session: AsyncSession,
    model: type[Table],
    rows: Sequence[Mapping[str, Any]],
    unless_taken: Sequence[str],
    returned: Columns,
) -> Rows:
    if not rows:
        return []
    dialect = session.get_bind().dialect.name
    into = columns_of(model, dialect, tuple(rows[0]))
    end = f" ON CONFLICT ({', '.join(unless_taken)}) DO NOTHING RETURNING {', '.join(returned.names)}"
    return await run(session, into.insertion(rows, dialect, end), writes=into.table)


def _stored(model: type[Row], values: Mapping[str, Any]) -> Row:
    """Return a row as it stands in the database."""
    row: Row = class_mapper(model).class_manager.new_instance()
    vars(row).update(values)
    return row
