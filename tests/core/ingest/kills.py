"""Row 1 of the test plan: an import is killed again and again, and its end is that of one that nobody killed."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

from sqlalchemy import text
from tests.core.forking import Processes

from regulars.database import Database

IMPORTED = """
    SELECT p.type, p.amount, p.currency, p.occurred_at, p.source, p.external_id, i.normalised
    FROM core_touchpoint p JOIN core_customer_identity i ON i.customer_id = p.customer_id
    ORDER BY p.source, p.external_id, i.normalised
"""


@dataclass(frozen=True)
class Counts:
    """What stands in the database at one moment."""

    rows: int
    different: int
    events: int
    cursor: int


@dataclass(frozen=True)
class ImportKills:
    """What was found; ``broken`` are the kills after which rows, events and cursor did not agree."""

    seed: int
    kills: int
    broken: int
    rows: int
    events: int
    customers: int
    seconds: float


async def count(database: Database) -> Counts:
    async with database.reading() as session:
        rows, different, events, cursor = (
            await session.execute(
                text("""
                    SELECT (SELECT count(*) FROM core_touchpoint),
                           (SELECT count(DISTINCT external_id) FROM core_touchpoint),
                           (SELECT count(*) FROM core_event WHERE type = 'touchpoint.recorded'),
                           (SELECT coalesce(sum(records), 0) FROM core_import)
                """)
            )
        ).one()
    return Counts(int(rows), int(different), int(events), int(cursor))


async def imported(database: Database) -> Sequence[tuple[object, ...]]:
    """Return every touchpoint with the name of its customer, without ids."""
    async with database.reading() as session:
        return [tuple(row) for row in await session.execute(text(IMPORTED))]


async def kill_imports(
    importers: Processes, database: Database, url: str, folder: Path, *, rows: int, kills: int, seed: int
) -> ImportKills:
    """Import ``rows`` rows, killing the import ``kills`` times, spread over the work, each time at another moment."""
    random, started, broken = Random(seed), monotonic(), 0
    for number in range(1, kills + 1):
        pid = importers.start("importer", url, folder)
        await _until(database, number * rows // (kills + 2), importers, pid)
        await asyncio.sleep(random.uniform(0, 0.03))
        importers.kill(pid)
        there = await count(database)
        broken += len({there.rows, there.different, there.events, there.cursor}) > 1
    pid = importers.start("importer", url, folder)
    while importers.is_alive(pid):  # noqa: ASYNC110  # it is another process
        await asyncio.sleep(0.05)
    there = await count(database)
    async with database.reading() as session:
        customers = int(await session.scalar(text("SELECT count(*) FROM core_customer")) or 0)
    return ImportKills(seed, kills, broken, there.rows, there.events, customers, round(monotonic() - started, 2))


async def _until(database: Database, wanted: int, importers: Processes, pid: int) -> None:
    while (await count(database)).cursor < wanted and importers.is_alive(pid):  # noqa: ASYNC110  # another process
        await asyncio.sleep(0.01)
