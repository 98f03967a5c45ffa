from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import pytest_asyncio
from tests.core.forking import Processes
from tests.core.ingest.importing import CUSTOMERS, import_orders, write_orders
from tests.core.ingest.kills import ImportKills, imported, kill_imports
from tests.plan import Figures

from regulars.database import Database, open_engine
from regulars.settings import Settings
from regulars.testing.databases import TestDatabases


@pytest.fixture
def second_url(databases: TestDatabases) -> Iterator[str]:
    with databases.fresh() as url:
        yield url


@pytest_asyncio.fixture
async def undisturbed(second_url: str) -> AsyncIterator[Database]:
    """Give a second database, of the same kind, whose import nobody kills."""
    opened = Database(open_engine(Settings(database_url=second_url)))
    yield opened
    await opened.close()


def check(run: ImportKills, *, rows: int) -> None:
    assert run.broken == 0, run
    assert (run.rows, run.events, run.customers) == (rows, rows, CUSTOMERS), run


@pytest.mark.row(1)
async def test_an_import_killed_twelve_times_ends_as_one_that_nobody_killed(
    importers: Processes,
    database: Database,
    database_url: str,
    undisturbed: Database,
    tmp_path: Path,
    seed: int,
    figures: Figures,
) -> None:
    write_orders(tmp_path, rows=4_000)

    run = await kill_imports(importers, database, database_url, tmp_path, rows=4_000, kills=12, seed=seed)

    figures(**asdict(run))
    check(run, rows=4_000)
    await import_orders(undisturbed, tmp_path)
    assert await imported(database) == await imported(undisturbed)


@pytest.mark.full
@pytest.mark.row(1)
@pytest.mark.timeout(1_200)
async def test_an_import_killed_two_hundred_times_ends_as_one_that_nobody_killed(
    importers: Processes,
    database: Database,
    database_url: str,
    undisturbed: Database,
    tmp_path: Path,
    seed: int,
    figures: Figures,
) -> None:
    write_orders(tmp_path, rows=50_000)

    run = await kill_imports(importers, database, database_url, tmp_path, rows=50_000, kills=200, seed=seed)

    figures(**asdict(run))
    check(run, rows=50_000)
    await import_orders(undisturbed, tmp_path)
    assert await imported(database) == await imported(undisturbed)
