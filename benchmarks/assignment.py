"""Assign units to arms, beside the GrowthBook Python SDK in memory, and beside a raw insert of the same rows on disk.

In memory: ours looks at three traits and at eligibility, then draws the unit's two numbers for its holdout, its entry
and its arm; the SDK evaluates one feature with the same three clauses, a namespace and two variations. Nobody keeps
anything. The SDK is not asked to report, and its configuration is read once.

Durable: ours assigns new units in batches through the service, in one transaction each, and returns every arm. The
yardstick writes the same rows, ready made in the form of the driver, into the same table with its indexes: COPY on
PostgreSQL, `executemany` on SQLite, with as many rows in a transaction.

    SIZE=200000 BATCH=20000 ROUNDS=3 python benchmarks/assignment.py [sqlite] [postgresql]
"""

import asyncio
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any, cast

import asyncpg
from growthbook import GrowthBook
from sqlalchemy import Table, inspect, text

from regulars.assignment.draws import Arm, arm_of, drawing, slicing
from regulars.assignment.models import AssignedUnit, AssignmentProgramme
from regulars.assignment.programmes import create_programme
from regulars.assignment.service import Assignment, assign_units
from regulars.database import Database, open_engine
from regulars.ingest.staging import copy_rows, encoders_of, packed
from regulars.settings import Settings
from regulars.tables import new_id
from regulars.testing.databases import PostgresDatabases, SqliteDatabases, postgres_server

SIZE = int(os.environ.get("SIZE", "200000"))
BATCH = int(os.environ.get("BATCH", "20000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
OF_SDK = max(SIZE // 10, 1)
TABLE = cast(Table, inspect(AssignedUnit).local_table)
ARMS = (Arm("control", 0.5), Arm("treated", 0.5))
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

Traits = dict[str, Any]


def shop(count: int) -> list[Traits]:
    """Return customers with three traits, of whom most lie in the audience."""
    random = Random(7)
    return [
        {
            "id": str(new_id()),
            "tier": random.choice(("gold", "silver", "bronze")),
            "orders": random.randrange(10),
            "country": random.choice(("DE", "AT", "FR")),
            "may_be_contacted": random.random() < 0.9,
        }
        for _ in range(count)
    ]


def ours(customers: Sequence[Traits]) -> int:
    draw, is_held_out, taken = drawing("seed", "pilot"), slicing("holdout", share=0.05), 0
    for customer in customers:
        if customer["tier"] == "bronze" or customer["orders"] < 2 or customer["country"] not in {"DE", "AT"}:
            continue
        unit = customer["id"]
        if not customer["may_be_contacted"] or is_held_out(unit):
            continue
        number = draw(unit)
        taken += number.entry < 0.8 and arm_of(number.arm, ARMS) == "treated"
    return taken


FEATURES = {
    "pilot": {
        "defaultValue": "none",
        "rules": [
            {
                "condition": {
                    "tier": {"$ne": "bronze"},
                    "orders": {"$gte": 2},
                    "country": {"$in": ["DE", "AT"]},
                },
                "namespace": ["mail", 0, 0.95],
                "coverage": 0.8,
                "hashAttribute": "id",
                "variations": ["control", "treated"],
                "weights": [0.5, 0.5],
                "hashVersion": 2,
                "seed": "seed",
            }
        ],
    }
}


def theirs(customers: Sequence[Traits]) -> int:
    book, taken = GrowthBook(features=FEATURES), 0
    for customer in customers:
        book.set_attributes(customer)
        taken += book.eval_feature("pilot").value == "treated"
    book.set_attributes({})  # it empties the one that it has
    book.destroy()
    return taken


def rate(work: Callable[[Sequence[Traits]], int], customers: Sequence[Traits]) -> float:
    begun = time.perf_counter()
    work(customers)
    return len(customers) / (time.perf_counter() - begun)


def compare_in_memory() -> None:
    customers = shop(SIZE)
    pairs = [(rate(ours, customers), rate(theirs, customers[:OF_SDK])) for _ in range(ROUNDS)]
    own, other = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    ratio = statistics.median(mine / its for mine, its in pairs)
    print(f"in memory: ours {own:,.0f} units/s, GrowthBook SDK {version('growthbook')} {other:,.0f} units/s")
    print(f"in memory ratio: {ratio:.1f} times the SDK; goal 5", flush=True)


async def empty(database: Database) -> None:
    async with database.writing() as session:
        await session.execute(
            text("TRUNCATE core_assignment" if database.dialect == "postgresql" else "DELETE FROM core_assignment")
        )
    async with database.engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outside.execute(
            text("CHECKPOINT" if database.dialect == "postgresql" else "PRAGMA wal_checkpoint(TRUNCATE)")
        )


async def time_assigning(
    database: Database, programme: AssignmentProgramme, units: Sequence[str]
) -> tuple[float, list[Assignment]]:
    assigned: list[Assignment] = []
    begun = time.perf_counter()
    for start in range(0, len(units), BATCH):
        async with database.writing() as session:
            result = await assign_units(session, programme=programme, units=units[start : start + BATCH], now=NOW)
        assigned += result.by_unit.values()
    seconds = time.perf_counter() - begun
    assert len(assigned) == await count(database) == len(units)
    return seconds, assigned


async def time_raw(database: Database, programme: AssignmentProgramme, assigned: Sequence[Assignment]) -> float:
    encoders = encoders_of(TABLE, database.engine.dialect)
    columns = ("programme_id", "unit", "arm", "entry_value", "arm_value", "layer", "assigned_at")
    encode = [encoders[name] for name in columns]
    values = [(programme.id, *each, programme.layer, NOW) for each in assigned]
    rows = [tuple(one(value) for one, value in zip(encode, row, strict=True)) for row in values]
    chunks = [
        packed(iter(rows[start : start + BATCH]), database.engine.dialect) for start in range(0, len(rows), BATCH)
    ]
    begun = time.perf_counter()
    for chunk in chunks:
        async with database.writing_session() as session:
            await session.execute(text("SELECT 1"))
            await copy_rows(session, TABLE, columns, chunk)
            await session.commit()
    seconds = time.perf_counter() - begun
    assert await count(database) == len(rows)
    return seconds


async def count(database: Database) -> int:
    async with database.reading() as session:
        return int(await session.scalar(text("SELECT count(*) FROM core_assignment")) or 0)


async def compare(name: str, url: str) -> None:
    database = Database(open_engine(Settings(database_url=url)))
    async with database.writing() as session:
        programme = await create_programme(
            session, owner="bench", key="pilot", arms=ARMS, seed="seed", layer="mail", now=NOW
        )
    units = [str(new_id()) for _ in range(SIZE)]
    pairs: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        await empty(database)
        seconds, assigned = await time_assigning(database, programme, units)
        await empty(database)
        pairs.append((seconds, await time_raw(database, programme, assigned)))
    own, raw = (SIZE / statistics.median(taken) for taken in zip(*pairs, strict=True))
    ratios = [its / mine for mine, its in pairs]
    print(f"{name} durable: ours {own:,.0f} rows/s, raw insert {raw:,.0f} rows/s")
    print(
        f"{name} ratio: {statistics.median(ratios):.2f} of raw ({min(ratios):.2f} to {max(ratios):.2f});"
        " goal 0.4, or 100,000 rows/s",
        flush=True,
    )
    await database.close()


def run_sqlite(folder: Path) -> None:
    with SqliteDatabases(folder).fresh() as url:
        asyncio.run(compare("sqlite", url))


def run_postgresql() -> None:
    with postgres_server(f"bench{os.getpid()}") as server:
        asyncio.run(make_durable(server.render_as_string(hide_password=False)))
        maker = PostgresDatabases(server)
        with maker.fresh() as url:
            asyncio.run(compare("postgresql", url))
        maker.close()


async def make_durable(url: str) -> None:
    """Undo what makes the server of the tests quick and careless."""
    connection = await asyncpg.connect(url)
    for setting in ("fsync", "synchronous_commit"):
        await connection.execute(f"ALTER SYSTEM RESET {setting}")
    await connection.execute("SELECT pg_reload_conf()")
    await asyncio.sleep(1)
    await connection.close()


def main() -> None:
    chosen = sys.argv[1:] or ["sqlite", "postgresql"]
    print(
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version} (WAL, synchronous=FULL),"
        f" asyncpg {asyncpg.__version__}; {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}; {SIZE:,} units"
        f" ({OF_SDK:,} for the SDK), {BATCH:,} in a transaction, {ROUNDS} rounds, medians"
    )
    compare_in_memory()
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
        if "sqlite" in chosen:
            run_sqlite(Path(folder))
        if "postgresql" in chosen:
            run_postgresql()


if __name__ == "__main__":
    main()
