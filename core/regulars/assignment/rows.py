"""Write drawn arms in the form that each database takes fastest, leaving out what is taken."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Float, String, bindparam, func, literal, null, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.assignment.models import AssignedUnit
from regulars.tables import UtcDateTime

__all__ = ["Drawn", "insert_drawn"]

Drawn = tuple[str, str, float, float]
"""A unit, its arm, and the two numbers that were drawn for it."""

COLUMNS = ("programme_id", "layer", "assigned_at", "unit", "arm", "entry_value", "arm_value")
ON_SQLITE = (
    "INSERT INTO core_assignment (programme_id, layer, assigned_at, unit, arm, entry_value, arm_value)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)


async def insert_drawn(
    session: AsyncSession, *, programme_id: UUID, layer: str | None, drawn: Sequence[Drawn], now: datetime
) -> int:
    """Write the units that have no row in the programme and none in its layer; return how many those were.

    A row that another transaction is writing at this moment is waited for, then counts as taken.
    """
    await session.flush()
    if session.get_bind().dialect.name == "postgresql":
        return await _at_once(session, programme_id, layer, drawn, now)
    connection = await session.connection()
    driver: Any = (await connection.get_raw_connection()).driver_connection
    moment = UtcDateTime().dialect_impl(connection.dialect).bind_processor(connection.dialect)
    shared = (programme_id.hex, layer, now if moment is None else moment(now))
    cursor = await driver.executemany(ON_SQLITE, [(*shared, *each) for each in drawn])
    added: int = cursor.rowcount
    await cursor.close()
    return added


async def _at_once(
    session: AsyncSession, programme_id: UUID, layer: str | None, drawn: Sequence[Drawn], now: datetime
) -> int:
    units, arms, entries, numbers = (list(column) for column in zip(*drawn, strict=True))
    given = (
        func.unnest(
            bindparam(None, units, type_=ARRAY(String)),
            bindparam(None, arms, type_=ARRAY(String)),
            bindparam(None, entries, type_=ARRAY(Float)),
            bindparam(None, numbers, type_=ARRAY(Float)),
        )
        .table_valued("unit", "arm", "entry_value", "arm_value")
        .render_derived()
    )
    rows = select(
        literal(programme_id),
        null() if layer is None else literal(layer),
        literal(now, UtcDateTime()),
        given.c.unit,
        given.c.arm,
        given.c.entry_value,
        given.c.arm_value,
    ).select_from(given)
    statement = insert(AssignedUnit).from_select(COLUMNS, rows, include_defaults=False).on_conflict_do_nothing()
    connection = await session.connection()
    return (await connection.execute(statement)).rowcount
