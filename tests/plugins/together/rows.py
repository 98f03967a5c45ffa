"""Fill every table behind a type of the schema with rows of all sorts, whichever plugin it belongs to."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Table
from sqlalchemy.dialects import postgresql, sqlite

from regulars.customers.models import Customer
from regulars.fields.kinds import kind_of
from regulars.tables import new_id
from regulars.testing.app import App

__all__ = ["TEXTS", "fill_tables"]

ROWS = 9
TEXTS = (
    "Ada",
    "ada lovelace",
    "",
    "Zoë Ångström",
    "a 'quoted' \"name\"",
    "back\\slash % under_score",
    "line\nbreak\ttab\x07",
    "\u2028\u2029 separators",
    "__proto__",
    "😀 لوله",
    "EUR",
)
WORDS = {"status": ("active", "granted", "withdrawn"), "currency": ("EUR", "USD"), "type": ("order", "visit")}
MOMENTS = (
    datetime(2026, 3, 2, 11, 59, 59, 999_999, tzinfo=UTC),
    datetime(2020, 2, 29, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 1, tzinfo=UTC),
    datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC),
)
DECIMALS = tuple(
    Decimal(text) for text in ("0", "-0.01", "9.5", "12.3456", "-7.1", "123456789012.0001", "100", "0.001")
)
NUMBERS = (0.1 + 0.2, 1.0, -1e-7, 1e21, 3.0e16, 2.5, 1 / 3)
DOCUMENTS: tuple[Any, ...] = (
    ["a", "b"],
    [],
    ["x'\"\\ü"],
    ["a"],
    {"a": [1, 2.5, None, True], "ü": {"__proto__": "\u2028"}},
)


async def fill_tables(app: App, random: Random) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return the rows that were written, by the name of their table."""
    schema = (await app.server.executor()).schema
    wanted = {rules.source for rules in schema.tables.values() if rules.table is not None}
    needed = wanted | {key.column.table for table in wanted for key in table.foreign_keys}
    written: dict[str, list[Mapping[str, Any]]] = {}
    async with app.database.writing() as session:
        for table in Customer.metadata.sorted_tables:
            if table in needed:
                written[table.name] = [_row(table, number, written, random) for number in range(ROWS)]
                insert = postgresql.insert if app.database.dialect == "postgresql" else sqlite.insert
                taken = insert(table).on_conflict_do_nothing().returning(*table.primary_key)
                stored = {tuple(row) for row in await session.execute(taken, written[table.name])}
                keys = [column.name for column in table.primary_key]
                written[table.name] = [row for row in written[table.name] if tuple(row[key] for key in keys) in stored]
    return written


def _row(table: Table, number: int, written: Mapping[str, Any], random: Random) -> dict[str, Any]:
    return {column.name: _value(column, number, written, random) for column in table.columns}


def _value(column: Column[Any], number: int, written: Mapping[str, Any], random: Random) -> Any:
    whole = written.get(column.table.info.get("parts_of", ""))
    if whole and column is next(iter(column.table.primary_key)):
        return random.choice(whole)["id"]
    for key in column.foreign_keys:
        referred = key.column.table.name
        if referred == column.table.name or referred not in written:
            return None
        if column.primary_key:
            return written[referred][number % len(written[referred])][key.column.name]
        return random.choice(written[referred])[key.column.name]
    if column.nullable and not column.primary_key and (random.random() < 0.3 or column.name.startswith("deleted")):
        return None
    kind = kind_of(column.type)
    if kind == "text" and column.name in WORDS:
        return random.choice(WORDS[column.name])
    if kind == "text" and (column.primary_key or column.unique or column.name in ("key", "external_id", "normalised")):
        return f"{random.choice(TEXTS)}{number}{random.random()}"
    made: Mapping[str | None, Callable[[], Any]] = {
        "text": lambda: random.choice(TEXTS),
        "integer": lambda: random.choice((0, 1, -5, 2**31 - 1)),
        "large": lambda: random.choice((0, 1, 2**40)),
        "number": lambda: random.choice(NUMBERS),
        "boolean": lambda: random.random() < 0.5,
        "moment": lambda: random.choice(MOMENTS) + timedelta(days=random.choice((0, 0, 1))),
        "date": lambda: date(2026, 3, random.randint(1, 28)),
        "decimal": lambda: random.choice(DECIMALS),
        "uuid": lambda: new_id() if column.primary_key else UUID(int=random.getrandbits(128)),
        "json": lambda: random.choice(DOCUMENTS),
    }
    return made[kind]()
