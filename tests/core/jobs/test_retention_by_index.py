"""What grows with every change is kept for a time, and neither forgetting nor telling reads all that is kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select, text
from sqlmodel import col

from regulars.contact.models import ContactAudience, ContactVerdict
from regulars.database import Database
from regulars.events.deliveries import claim_deliveries, fan_out, handlers_with_work, has_untold_events
from regulars.events.models import Event
from regulars.idempotency.models import KeptAnswer
from regulars.ingest.staging import write_rows
from regulars.tables import Table, new_id
from regulars.testing.app import App
from regulars.tracking.models import RejectedMessage, TakenMessage

GROWING = (Event, KeptAnswer, TakenMessage, RejectedMessage, ContactVerdict)
MANY, FEW = 5_000, 3


@pytest.mark.parametrize("server_settings", [{"retention_days": 30, "audience_days": 90}])
async def test_what_is_kept_for_a_time_is_forgotten_without_reading_the_rest(app: App) -> None:
    now = app.clock.now()
    await keep(app.database, MANY, at=now - timedelta(minutes=1))
    await keep(app.database, FEW, at=now - timedelta(days=91))

    async with noted(app.database, "DELETE") as removals:
        ended = await app.run_job("core.retention")

    assert ended.status == "SUCCEEDED"
    assert await rows_of(app.database) == [MANY] * len(GROWING)
    assert await scanned(app.database, removals) == set()


async def test_events_are_told_without_reading_all_that_are_kept(app: App) -> None:
    now = app.clock.now()
    await keep(app.database, MANY, at=now)

    async with noted(app.database, "SELECT", "UPDATE", "WITH") as readings, app.database.writing() as session:
        assert not await has_untold_events(session)
        assert await fan_out(session, {"test.happened": ["shelf"]}, limit=100, now=now) == 0
        assert await handlers_with_work(session, ["shelf"], now=now) == []
        assert await claim_deliveries(session, "shelf", lease=timedelta(minutes=1), now=now) is None

    assert len(readings) == 4
    assert await scanned(app.database, readings) == set()


@asynccontextmanager
async def noted(database: Database, *kinds: str) -> AsyncIterator[list[tuple[str, Any]]]:
    """Give the statements of these kinds, with their values, that are run while the block lasts."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        if statement.startswith(kinds):
            found.append((statement, values))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def scanned(database: Database, statements: list[tuple[str, Any]]) -> set[str]:
    """Return which of the growing tables the database would read from end to end for any of the statements."""
    explain, words = {"sqlite": ("EXPLAIN QUERY PLAN", "SCAN "), "postgresql": ("EXPLAIN", "Seq Scan on ")}[
        database.dialect
    ]
    async with database.writing() as session:
        await session.execute(text("ANALYZE"))
    plans = []
    async with database.reading() as session:
        connection = await session.connection()
        for statement, values in statements:
            plans += [str(row[-1]) for row in await connection.exec_driver_sql(f"{explain} {statement}", values)]
    read = [f"{line} " for line in plans if not line.endswith("_waiting")]  # an index of nothing but what waits
    return {model.__tablename__ for model in GROWING if any(f"{words}{model.__tablename__} " in line for line in read)}


async def rows_of(database: Database) -> list[int]:
    """Return how many rows each growing table has, of events those of the test."""
    async with database.reading() as session:
        counts = [
            await session.scalar(
                select(func.count()).select_from(model).where(*[col(Event.type) == "test.happened"] * (model is Event))
            )
            for model in GROWING
        ]
    return [count or 0 for count in counts]


async def keep(database: Database, count: int, *, at: datetime) -> None:
    """Write so many rows into each growing table as were written at that moment."""
    audience = ContactAudience(asked_at=at, request={}, policy_version="p1", actor="staff:1")
    rows: dict[type[Table], dict[str, Any]] = {
        Event: {
            "type": "test.happened",
            "subject": "customer:1",
            "actor": "system",
            "data": {},
            "occurred_at": at,
            "recorded_at": at,
            "dispatched_at": at,
        },
        KeptAnswer: {"credential": "key:1", "request_hash": "0", "request_id": "1", "answer": "{}", "kept_at": at},
        TakenMessage: {"source": "site", "received_at": at},
        RejectedMessage: {"source": "site", "code": "INVALID", "reason": "It is.", "received_at": at},
        ContactVerdict: {"audience_id": audience.id, "outcome": "ALLOW", "rule": "allowed"},
    }
    names = {
        Event: ("id",),
        KeptAnswer: ("id", "key"),
        TakenMessage: ("message_id",),
        RejectedMessage: ("id",),
        ContactVerdict: ("customer_id",),
    }
    async with database.writing() as session:
        session.add(audience)
        await session.flush()
        for model, row in rows.items():
            written = [{**row, **dict.fromkeys(names[model], new_id())} for _ in range(count)]
            await write_rows(session, model, [_as_texts(one) for one in written])


def _as_texts(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with its new id as text where the column is one."""
    return {name: str(value) if name in ("key", "message_id") else value for name, value in row.items()}
