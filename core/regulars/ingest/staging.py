"""Bring many rows into a table at once, in the form that the database's driver takes without a detour."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, cast

from sqlalchemy import Column, Dialect, Table, inspect, text
from sqlalchemy.ext.asyncio import AsyncSession

from regulars import tables
from regulars.prepared import columns_of
from regulars.writing import run

__all__ = [
    "Encoder",
    "Packed",
    "TryAgain",
    "copy_rows",
    "copy_values",
    "encoders_of",
    "is_worth_repeating",
    "packed",
    "prepare_for_chunks",
    "write_rows",
]

Encoder = Callable[[Any], Any]

Packed = bytes | Iterator[tuple[Any, ...]]
"""Rows as the driver takes them at once; on SQLite only once, since nothing is begun again there."""

NULL = r"\N"
SPECIAL = re.compile(r"[\\\t\n\r]")
ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})

# A statement handles a whole chunk. Its tables are new, or grow faster than the statistics of them are kept: a planner
# that takes them for empty would read them from end to end for every row.
FOR_CHUNKS = ("statement_timeout = '15min'", "enable_seqscan = off", "jit = off", "work_mem = '64MB'")

SQLITE_CACHE_KIB = 24 * 1024

FEW = 1_000
"""Rows for which one statement is cheaper than a COPY."""

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


def packed(rows: Iterator[tuple[Any, ...]], dialect: Dialect) -> Packed:
    """Return rows of encoded values as ``copy_rows`` takes them.

    For PostgreSQL that is the text of a COPY, which can be written in a thread while the database is busy. From values
    the driver would write it itself, only when the database is waiting for it. For SQLite a row is put together when
    it is written, so that a chunk of them needs no memory.
    """
    if dialect.name != "postgresql":
        return rows
    return "".join(["\t".join(row) + "\n" for row in rows]).encode()


async def copy_rows(session: AsyncSession, table: Table, columns: Sequence[str], rows: Packed) -> None:
    """Write packed rows: by COPY on PostgreSQL, else by one prepared statement for all."""
    connection = await session.connection()
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if isinstance(rows, bytes):
        await driver.copy_to_table(table.name, source=BytesIO(rows), columns=columns)
    else:
        places = ", ".join("?" * len(columns))
        await driver.executemany(f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({places})", rows)  # noqa: S608  # names of our own tables


async def copy_values(session: AsyncSession, table: Table, columns: Mapping[str, Iterable[Any]]) -> None:
    """Write rows of values, given by columns."""
    dialect = session.get_bind().dialect
    encoders = encoders_of(table, dialect)
    rows = zip(*(map(encoders[name], column) for name, column in columns.items()), strict=True)
    await copy_rows(session, table, tuple(columns), packed(rows, dialect))


async def write_rows(session: AsyncSession, model: type[tables.Table], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write new rows of a table; all have the same columns."""
    if not rows:
        return
    dialect, names = session.get_bind().dialect, tuple(rows[0])
    if len(rows) <= FEW:
        await run(session, columns_of(model, dialect.name, names).insertion(rows, dialect.name))
        return
    table = cast(Table, inspect(model).local_table)
    await copy_values(session, table, {name: [row[name] for row in rows] for name in names})


class TryAgain(Exception):
    """The work was undone and will succeed at the next try."""


def is_worth_repeating(error: BaseException) -> bool:
    """Tell whether the same work can succeed at the next try, because another transaction was in its way."""
    cause = getattr(error, "orig", error)
    return isinstance(error, TryAgain) or getattr(cause, "sqlstate", None) in PASSING_STATES


def _encoder(column: Column[Any], dialect: Dialect) -> Encoder:
    bind: Encoder | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    if dialect.name != "postgresql":
        return bind or _as_it_is
    return _copied if bind is None else lambda value: _copied(bind(value))


def _copied(value: Any) -> str:
    """Return a value as COPY reads it."""
    if isinstance(value, str):
        return value.translate(ESCAPED) if SPECIAL.search(value) else value
    if isinstance(value, datetime):  # in UTC, for PostgreSQL does not read every zone that Python writes
        return str(value.astimezone(UTC))
    return NULL if value is None else str(value)


def _as_it_is(value: Any) -> Any:
    return value
