"""Statements that are written once: their text in the language of the driver, and how it takes values and gives rows.

SQLAlchemy takes several times as long to run a small statement as its driver. So what every change asks and writes is
prepared here, and run by a session (``regulars.writing``) without SQLAlchemy between.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Dialect, SelectBase, inspect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.aiosqlite import SQLiteDialect_aiosqlite
from sqlalchemy.sql.dml import UpdateBase

from regulars.tables import Table

__all__ = ["Columns", "Command", "Prepared", "Row", "Rows", "Statement", "columns_of", "prepared"]

Statement = SelectBase | UpdateBase
Row = Mapping[str, Any]
Rows = Sequence[Sequence[Any]]
Convert = Callable[[Any], Any]

NUMERIC = 1700
"""PostgreSQL's number of the type NUMERIC; only numbers are read differently when they come as something else."""


@dataclass(frozen=True)
class Command:
    """A statement in the language of the driver with its values: once, or on SQLite ``many`` times.

    Where one that ``is_condition`` finds nothing, those after it are left out.
    """

    text: str
    values: Sequence[Any] = ()
    many: Sequence[tuple[Any, ...]] | None = None
    is_condition: bool = False


@dataclass(frozen=True)
class Prepared:
    """A statement as its driver takes it: ``places`` make its values in order, ``columns`` ours of what it finds."""

    text: str
    places: tuple[Callable[[Row], Any], ...]
    columns: tuple[Convert, ...]

    def command(self, given: Row) -> Command:
        """Return one run of it, with values by the names of its places."""
        return Command(self.text, tuple([place(given) for place in self.places]))

    def rows(self, found: Rows) -> list[tuple[Any, ...]]:
        """Return what was found, with our values."""
        return [_converted(self.columns, row) for row in found]


@dataclass(frozen=True)
class Columns:
    """Columns of a table: ``writers`` make the driver's values of ours, and ``readers`` ours of the driver's."""

    table: str
    names: tuple[str, ...]
    types: tuple[str, ...]
    writers: tuple[Convert, ...]
    readers: tuple[Convert, ...]

    def written(self, row: Row) -> tuple[Any, ...]:
        """Return the driver's values of one row."""
        return tuple([write(row[name]) for name, write in zip(self.names, self.writers, strict=True)])

    def read(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return our values of a row that was found."""
        return dict(zip(self.names, _converted(self.readers, row), strict=True))

    def insertion(self, rows: Sequence[Row], dialect_name: str, end: str = "") -> Command:
        """Return what inserts rows on ``sqlite`` or ``postgresql``; ``end`` is what the statement says after them."""
        if dialect_name == "sqlite":
            return Command(self.insert_on_sqlite() + end, many=[self.written(row) for row in rows])
        return Command(self.insert_on_postgres(has_many=len(rows) > 1) + end, self.for_postgres(rows))

    def insert_on_sqlite(self) -> str:
        """Return the statement that inserts one row."""
        places = ", ".join("?" * len(self.names))
        return f"INSERT INTO {self.table} ({', '.join(self.names)}) VALUES ({places})"  # noqa: S608  # names of ours

    def insert_on_postgres(self, *, has_many: bool, first: int = 1) -> str:
        """Return the statement that inserts one row or many; ``first`` is the number of its first place.

        Many rows come as an array for each column, so that any number of them has the same text.
        """
        array = "[]" if has_many else ""
        places = ", ".join(f"${place}::{type}{array}" for place, type in enumerate(self.types, first))
        given = f"SELECT * FROM unnest({places})" if has_many else f"SELECT {places}"  # noqa: S608  # names of ours
        return f"INSERT INTO {self.table} ({', '.join(self.names)}) {given}"  # names of ours

    def for_postgres(self, rows: Sequence[Row]) -> Sequence[Any]:
        """Return the values for ``insert_on_postgres``."""
        written = [self.written(row) for row in rows]
        return written[0] if len(rows) == 1 else list(zip(*written, strict=True))


@cache
def prepared(statement: Statement, dialect_name: str) -> Prepared:
    """Return a statement in the language of the driver of ``sqlite`` or ``postgresql``.

    It is kept for good, so it must be a constant. Its values are those of each ``bindparam`` by name, and no lists.
    """
    dialect = _dialect(dialect_name)
    compiled: Any = statement.compile(dialect=dialect)
    assert not compiled.post_compile_params, "A statement that is written once has no lists."
    converts = compiled._bind_processors
    places = [_place(compiled.binds[name], converts.get(name) or _as_it_is) for name in compiled.positiontup or ()]
    found: Any = getattr(statement, "exported_columns", ())
    return Prepared(compiled.string, tuple(places), tuple(_reader(column, dialect) for column in found))


def columns_of(kind: type[Table], dialect_name: str, names: tuple[str, ...] | None = None) -> Columns:
    """Return these columns of a table, or all of them."""
    table: Any = kind
    return _columns_of(table, dialect_name, names)


@cache
def _columns_of(kind: Any, dialect_name: str, names: tuple[str, ...] | None) -> Columns:
    dialect, table = _dialect(dialect_name), inspect(kind).local_table
    every: Any = table.columns
    columns = list(every) if names is None else [every[name] for name in names]
    return Columns(
        str(table),
        tuple(column.name for column in columns),
        tuple(column.type.compile(dialect).partition(" COLLATE")[0] for column in columns),  # an array has none
        tuple(column.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is for column in columns),
        tuple(_reader(column, dialect) for column in columns),
    )


@cache
def _dialect(name: str) -> Dialect:
    driver: Any = SQLiteDialect_aiosqlite if name == "sqlite" else PGDialect_asyncpg
    dialect: Dialect = driver()
    return dialect


def _as_it_is(value: Any) -> Any:
    return value


def _reader(column: Any, dialect: Dialect) -> Convert:
    return column.type.dialect_impl(dialect).result_processor(dialect, NUMERIC) or _as_it_is


def _place(bind: BindParameter[Any], convert: Convert) -> Callable[[Row], Any]:
    if bind.required:
        return lambda given: convert(given[bind.key])
    constant = convert(bind.effective_value)
    return lambda _: constant


def _converted(converts: Sequence[Convert], values: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([convert(value) for convert, value in zip(converts, values, strict=True)])
