"""Insert rows unless their unique values are taken, in one statement and without a race."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, bindparam, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import class_mapper
from sqlalchemy.orm.attributes import instance_state

from regulars.prepared import Columns, Rows, Statement, columns_of, prepared
from regulars.tables import Table
from regulars.writing import WritingSession, run

__all__ = ["insert_at_once", "insert_new", "insert_new_ids", "is_as_stored"]

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


async def insert_at_once(
    session: WritingSession,
    model: type[Row],
    row: Mapping[str, Any],
    *,
    unless_taken: tuple[str, ...],
    provided: Select[Any],
) -> Row | None:
    """Insert a row together with the notes that wait, by one statement, and return it as ``insert_new`` does.

    It names every column. It is inserted if its columns ``unless_taken`` are free and the constant statement
    ``provided``, which may refer to its values by their names, finds anything. Otherwise nothing is written, the notes
    are forgotten, and None is returned. A session that defers inserts it when it commits, and until then the row has
    its values as they were given.
    """
    table: Any = model
    statement = prepared(_inserting(table, session.dialect, unless_taken, provided), session.dialect)
    every = columns_of(model, session.dialect)
    command = statement.command(row)
    if session.defer_with_notes(command, writes=every.table):
        return _stored(model, row)
    found = await session.run_with_notes(command, writes=every.table)
    return _stored(model, every.read(found[0])) if found else None


@cache
def _inserting(model: Any, dialect: str, unless_taken: tuple[str, ...], provided: Select[Any]) -> Statement:
    columns = list(inspect(model).local_table.columns)
    given = select(*[bindparam(column.name, type_=column.type, required=True) for column in columns])
    insert = sqlite.insert(model) if dialect == "sqlite" else postgresql.insert(model)
    statement = insert.from_select([column.name for column in columns], given.where(provided.exists()))
    return statement.on_conflict_do_nothing(index_elements=list(unless_taken)).returning(*columns)


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


def is_as_stored(row: Table) -> bool:
    """Tell whether all values of a row are those with which it was inserted."""
    return instance_state(row).key is None


def _stored(model: type[Row], values: Mapping[str, Any]) -> Row:
    """Return a row as it stands in the database."""
    row: Row = class_mapper(model).class_manager.new_instance()
    vars(row).update(values)
    return row
