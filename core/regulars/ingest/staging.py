"""Bring many rows into a table at once, in the form that the database's driver takes without a detour."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Column, Dialect, Table, inspect, text
from sqlalchemy.ext.asyncio import AsyncSession

from regulars import tables
from regulars.prepared import columns_of
from regulars.writing import run

__all__ = [
    "Encoder",
    "TryAgain",
    "copy_rows",
    "encoders_of",
    "is_worth_repeating",
    "prepare_for_chunks",
    "write_rows",
]

Encoder = Callable[[Any], Any]

# A statement handles a whole chunk. Its tables are new, or grow faster than the statistics of them are kept: a planner
# that takes them for empty would read them from end to end for every row.
FOR_CHUNKS = ("statement_timeout = '15min'", "enable_seqscan = off", "jit = off", "work_mem = '64MB'")

SQLITE_CACHE_KIB = 32 * 1024

FEW = 1_000
"""Rows for which one statement is cheaper than a COPY, which asks for the columns first."""

# Deadlock, serialization failure, unique violation: whoever was in the way has committed by the next try.
PASSING_STATES = frozenset({"40P01", "40001", "23505"})


def encoders_of(table: Table, dialect: Dialect) -> Mapping[str, Encoder]:
    """Return, by column, what turns a value into the driver's form."""
    return {column.name: _encoder(column, dialect) for column in table.columns}


async def prepare_for_chunks(session: AsyncSession) -> None:
    """Let PostgreSQL plan for many rows at once, until the transaction ends; let SQLite keep the indexes at hand."""
    if session.get_bind().dialect.name == "postgresql":
        for setting in FOR_CHUNKS:
            await session.execute(text(f"SET LOCAL {setting}"))
    else:
        await session.execute(text(f"PRAGMA cache_size = -{SQLITE_CACHE_KIB}"))


async def copy_rows(
    session: AsyncSession, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Write rows of values in the driver's form: by COPY on PostgreSQL, else by one prepared statement for all."""
    if not rows:
        return
    connection = await session.connection()
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if connection.dialect.name == "postgresql":
        await driver.copy_records_to_table(table.name, records=rows, columns=columns)
    else:
        places = ", ".join("?" * len(columns))
        await driver.executemany(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})", rows)  # noqa: S608  # names of our own tables


async def write_rows(session: AsyncSession, model: type[tables.Table], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new rows of a table; all have the same columns."""
    if not rows:
        return
    dialect, names = session.get_bind().dialect, tuple(rows[0])
    if len(rows) <= FEW:
        await run(session, columns_of(model, dialect.name, names).insertion(rows, dialect.name))
        return
    table = cast(Table, inspect(model).local_table)
    encoders = encoders_of(table, dialect)
    encoded = zip(*([encoders[name](row[name]) for row in rows] for name in names), strict=True)
    await copy_rows(session, table, names, list(encoded))


class TryAgain(Exception):
    """The work was undone and will succeed at the next try."""


def is_worth_repeating(error: BaseException) -> bool:
    """Tell whether the same work can succeed at the next try, because another transaction was in its way."""
    cause = getattr(error, "orig", error)
    return isinstance(error, TryAgain) or getattr(cause, "sqlstate", None) in PASSING_STATES


def _encoder(column: Column[Any], dialect: Dialect) -> Encoder:
    encoder: Encoder | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return encoder or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
