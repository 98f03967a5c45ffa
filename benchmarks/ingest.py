"""Import touchpoints from a file, beside the quickest way to bring the same rows into the same table.

The yardstick gets its rows ready made: customers found, texts read, values in the form of the driver. On PostgreSQL it
is one COPY, on SQLite one `executemany`, into the table with its indexes and foreign keys, in one transaction, through
connections as the server opens them. The import reads a CSV file, checks every value, finds customers by their e-mail
addresses, leaves out what is there already, writes an event for each touchpoint, and commits every 20,000 rows.

    SIZE=1000000 ROUNDS=3 python benchmarks/ingest.py [sqlite] [postgresql]
"""

import asyncio
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import asyncpg
import sqlalchemy
from sqlalchemy import Dialect, Table, inspect, text

from regulars.clock import SystemClock
from regulars.customers.identities import read_identity
from regulars.database import Database, open_engine
from regulars.ingest.files import ImportFile, inspect_file
from regulars.ingest.memory import collecting_seldom
from regulars.ingest.new_customers import NewCustomer, write_new_customers
from regulars.ingest.plans import plan_import
from regulars.ingest.service import CHUNK, FileImport
from regulars.settings import Settings
from regulars.tables import new_id
from regulars.testing.databases import PostgresDatabases, SqliteDatabases, postgres_server
from regulars.touchpoints.models import Touchpoint
from regulars.touchpoints.types import core_touchpoint_types

SIZE = int(os.environ.get("SIZE", "100000"))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
CUSTOMERS = max(SIZE // 10, 1)
TABLE = cast(Table, inspect(Touchpoint).local_table)
EMPTIED = ("core_touchpoint", "core_event", "core_import")


@dataclass(frozen=True)
class Timing:
    seconds: float
    cpu_seconds: float


class Stopwatch:
    """Takes the time by the clock on the wall and by the processors, those of a server's processes included."""

    def __init__(self, leader: int | None) -> None:
        self._leader = leader

    def start(self) -> Callable[[], Timing]:
        begun, cpu_begun = time.perf_counter(), self._cpu_seconds()
        return lambda: Timing(time.perf_counter() - begun, self._cpu_seconds() - cpu_begun)

    def _cpu_seconds(self) -> float:
        if self._leader is None:
            return time.process_time()
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            _, parent, *numbers = stat.read_text().rpartition(")")[2].split()
            if int(parent) == self._leader:
                ticks += int(numbers[9]) + int(numbers[10])
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def write_file(path: Path) -> None:
    """Write orders of customers who come again and again, in no order of theirs."""
    random, begin = Random(1), datetime(2024, 1, 1, tzinfo=UTC)
    with path.open("w", encoding="utf-8") as file:
        file.write("email,type,channel,occurred_at,amount,currency,external_id\n")
        for number in range(SIZE):
            customer = random.randrange(CUSTOMERS)
            moment = (begin + timedelta(seconds=random.randrange(60_000_000))).isoformat()
            amount = random.randrange(100, 100_000) / 100
            file.write(f"customer{customer}@example.org,order,web,{moment},{amount:.2f},EUR,o-{number}\n")


async def write_customers(database: Database) -> None:
    for begin in range(0, CUSTOMERS, CHUNK):
        numbers = range(begin, min(begin + CHUNK, CUSTOMERS))
        customers = [
            NewCustomer(identities=[read_identity("email", f"customer{number}@example.org")]) for number in numbers
        ]
        async with database.writing() as session:
            await write_new_customers(session, customers, actor="system", now=datetime.now(UTC))


def driver_forms(dialect: Dialect) -> Mapping[str, Callable[[Any], Any]]:
    """Return, by column, what gives a value the form of the driver."""
    binds = {column.name: column.type.dialect_impl(dialect).bind_processor(dialect) for column in TABLE.columns}
    return {name: bind or (lambda value: value) for name, bind in binds.items()}


async def resolved_rows(database: Database) -> tuple[Sequence[str], list[tuple[Any, ...]]]:
    """Return the rows that the import wrote, in the form of the driver, with ids of their own."""
    encoders = driver_forms(database.engine.dialect)
    async with database.reading() as session:
        rows = (await session.execute(TABLE.select().order_by(TABLE.c.id))).mappings()
        resolved = [
            tuple(encode(new_id() if name == "id" else row[name]) for name, encode in encoders.items()) for row in rows
        ]
    return tuple(encoders), resolved


async def empty(database: Database) -> None:
    async with database.writing() as session:
        for table in EMPTIED:
            truncate = database.dialect == "postgresql"
            await session.execute(text(f"TRUNCATE {table} CASCADE" if truncate else f"DELETE FROM {table}"))
    async with database.engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        if database.dialect == "postgresql":
            await outside.execute(text("VACUUM ANALYZE"))
            await outside.execute(text("CHECKPOINT"))
        else:
            await outside.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


async def count(database: Database, table: str) -> int:
    async with database.reading() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def time_import(database: Database, file: ImportFile, rejects: Path, watch: Stopwatch) -> Timing:
    async def tell(_done: int, _total: int) -> None:
        return None

    plan = plan_import("touchpoints", source="shop")
    work = FileImport(file, plan, core_touchpoint_types(), database, SystemClock(), "system")
    stop = watch.start()
    with collecting_seldom():
        report = await work.run(rejects=rejects, tell=tell)
    timing = stop()
    assert (report.created, report.rejected) == (SIZE, 0), report
    assert await count(database, "core_touchpoint") == await count(database, "core_event") == SIZE
    return timing


async def time_raw(database: Database, columns: Sequence[str], rows: list[tuple[Any, ...]], watch: Stopwatch) -> Timing:
    async with database.writing_session() as session:
        await session.execute(text("SELECT 1"))
        connection = await session.connection()
        driver: Any = (await connection.get_raw_connection()).driver_connection
        if database.dialect == "postgresql":
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            stop = watch.start()
            await driver.copy_records_to_table(TABLE.name, records=rows, columns=columns)
        else:
            places = ", ".join("?" * len(columns))
            stop = watch.start()
            await driver.executemany(f"INSERT INTO {TABLE.name} ({', '.join(columns)}) VALUES ({places})", rows)
        await session.commit()
        timing = stop()
    assert await count(database, "core_touchpoint") == SIZE
    return timing


async def compare(name: str, url: str, folder: Path, leader: int | None) -> None:
    settings, watch = Settings(database_url=url), Stopwatch(leader)
    database, yardstick = Database(open_engine(settings)), Database(open_engine(settings))
    path = folder / "touchpoints.csv"
    write_file(path)
    file = inspect_file(path)
    await write_customers(database)
    imports: list[Timing] = []
    raws: list[Timing] = []
    columns: Sequence[str] = ()
    rows: list[tuple[Any, ...]] = []
    for number in range(1, ROUNDS + 1):
        await empty(database)
        imports.append(await time_import(database, file, folder / "rejected.csv", watch))
        if not rows:
            columns, rows = await resolved_rows(database)
        await empty(database)
        raws.append(await time_raw(yardstick, columns, rows, watch))
        print(
            f"  round {number}: import {imports[-1].seconds:.1f} s (CPU {imports[-1].cpu_seconds:.1f}),"
            f" raw {raws[-1].seconds:.1f} s (CPU {raws[-1].cpu_seconds:.1f}), load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    show(name, imports, raws)
    await database.close()
    await yardstick.close()


def show(name: str, imports: Sequence[Timing], raws: Sequence[Timing]) -> None:
    for what, timings in (("import", imports), ("raw", raws)):
        rates = sorted(SIZE / timing.seconds for timing in timings)
        cpu = statistics.median(timing.cpu_seconds for timing in timings) / SIZE * 1e6
        print(
            f"{name} {what}: {statistics.median(rates):,.0f} rows/s ({rates[0]:,.0f} to {rates[-1]:,.0f}),"
            f" {cpu:.1f} µs of CPU a row"
        )
    ratios = [raw.seconds / own.seconds for own, raw in zip(imports, raws, strict=True)]
    print(f"{name} ratio: {statistics.median(ratios):.0%} of raw ({min(ratios):.0%} to {max(ratios):.0%}); goal 50%")


def run_sqlite(folder: Path) -> None:
    with SqliteDatabases(folder).fresh() as url:
        asyncio.run(compare("sqlite", url, folder, None))


def run_postgresql(folder: Path) -> None:
    with postgres_server(f"bench{os.getpid()}") as server:
        leader = asyncio.run(make_durable(server.render_as_string(hide_password=False)))
        maker = PostgresDatabases(server)
        with maker.fresh() as url:
            asyncio.run(compare("postgresql", url, folder, leader))
        maker.close()


async def make_durable(url: str) -> int:
    """Undo what makes the server of the tests quick and careless; return the id of its first process."""
    connection = await asyncpg.connect(url)
    for setting in ("fsync", "synchronous_commit"):
        await connection.execute(f"ALTER SYSTEM RESET {setting}")
    await connection.execute("SELECT pg_reload_conf()")
    await asyncio.sleep(1)
    for setting in ("server_version", "fsync", "synchronous_commit"):
        print(f"{setting} {await connection.fetchval(f'SHOW {setting}')}", end="; ")
    print()
    stat = Path(f"/proc/{connection.get_server_pid()}/stat").read_text()
    await connection.close()
    return int(stat.rpartition(")")[2].split()[1])


def main() -> None:
    chosen = sys.argv[1:] or ["sqlite", "postgresql"]
    print(
        f"Python {platform.python_version()}, SQLAlchemy {sqlalchemy.__version__}, asyncpg {asyncpg.__version__},"
        f" SQLite {sqlite3.sqlite_version} (WAL, synchronous=FULL); {os.cpu_count()} CPUs,"
        f" load {os.getloadavg()[0]:.1f}; {SIZE:,} touchpoints of {CUSTOMERS:,} customers, {ROUNDS} rounds"
    )
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
        if "sqlite" in chosen:
            run_sqlite(Path(folder))
        if "postgresql" in chosen:
            run_postgresql(Path(folder))


if __name__ == "__main__":
    main()
