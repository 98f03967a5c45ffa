from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import delete, inspect, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from regulars.consents.models import ConsentEvent
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.tables import new_id

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
ALL_COLUMNS = sorted(column.key for column in inspect(ConsentEvent).columns)


@pytest_asyncio.fixture
async def entry(database: Database, customer: Customer) -> ConsentEvent:
    written = ConsentEvent(
        customer_id=customer.id,
        profile_id=customer.id,
        action="withdraw",
        purpose="*",
        channel="*",
        topic="*",
        at=NOW,
        recorded_at=NOW,
        actor="system",
    )
    async with database.writing() as session:
        session.add(written)
    return written


async def ledger(database: Database) -> list[dict[str, Any]]:
    async with database.reading() as session:
        return [row.model_dump() for row in await session.scalars(select(ConsentEvent))]


async def refuses_to_change(database: Database, column: str, value: Any) -> bool:
    try:
        async with database.writing() as session:
            await session.execute(update(ConsentEvent).values({column: value}))
    except IntegrityError as error:
        return "only added to: UPDATE refused" in str(error)
    return False


async def test_the_database_refuses_to_change_any_column_but_whose_it_is_today(
    database: Database, entry: ConsentEvent
) -> None:
    before = await ledger(database)

    open_columns = [
        column for column in ALL_COLUMNS if not await refuses_to_change(database, column, getattr(entry, column))
    ]

    assert open_columns == ["customer_id"]
    assert await ledger(database) == before


async def test_the_database_refuses_to_delete_a_row(database: Database, entry: ConsentEvent) -> None:
    before = await ledger(database)

    with pytest.raises(IntegrityError, match="only added to: DELETE refused"):
        async with database.writing() as session:
            await session.execute(delete(ConsentEvent).where(col(ConsentEvent.id) == entry.id))

    assert await ledger(database) == before


async def test_the_database_refuses_to_replace_a_row(database: Database, entry: ConsentEvent) -> None:
    before = await ledger(database)
    replace = "INSERT OR REPLACE INTO" if database.dialect == "sqlite" else "INSERT INTO"
    columns = ", ".join(f'"{column}"' for column in ALL_COLUMNS)

    with pytest.raises(IntegrityError):
        async with database.writing() as session:
            await session.execute(
                text(f"{replace} core_consent_event ({columns}) SELECT {columns} FROM core_consent_event")
            )

    assert await ledger(database) == before


async def test_the_database_refuses_to_empty_the_ledger(database: Database, entry: ConsentEvent) -> None:
    before = await ledger(database)
    empty = "DELETE FROM core_consent_event" if database.dialect == "sqlite" else "TRUNCATE core_consent_event CASCADE"

    with pytest.raises(IntegrityError, match="only added to"):
        async with database.writing() as session:
            await session.execute(text(empty))

    assert await ledger(database) == before


async def test_a_merge_may_move_a_row_to_the_survivor(database: Database, entry: ConsentEvent) -> None:
    survivor = Customer(id=new_id(), created_at=NOW, updated_at=NOW)
    async with database.writing() as session:
        session.add(survivor)
        await session.flush()

        await session.execute(update(ConsentEvent).values(customer_id=survivor.id))

    [row] = await ledger(database)
    assert (row["customer_id"], row["profile_id"]) == (survivor.id, entry.profile_id)
