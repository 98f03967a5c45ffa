import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from subprocess import Popen
from zoneinfo import ZoneInfo

import pytest
from tests.core.forking import Processes, forker
from tests.core.jobs.kills import KillRun, kill_workers
from tests.core.jobs.processes import TICK
from tests.plan import Figures

from regulars.database import Database
from regulars.jobs.service import list_jobs
from regulars.jobs.ticks import newest_tick
from regulars.plugins.contributions import every


@pytest.fixture(scope="session")
def loaded() -> Iterator["Popen[str]"]:
    """Give a process that forks others quickly."""
    with forker("tests.core.jobs.processes") as process:
        yield process


@pytest.fixture
def processes(loaded: "Popen[str]") -> Iterator[Processes]:
    """Give processes that end with the test."""
    started = Processes(loaded)
    yield started
    started.kill_all()


def check(run: KillRun) -> None:
    assert run.statuses == {"SUCCEEDED": run.jobs}, run
    assert run.effects == run.jobs_with_one_effect == run.outside_keys == run.told_successes == run.jobs, run
    assert run.taken_over > 0, run
    assert run.longest_wait_s <= 90, run


@pytest.mark.row(2)
@pytest.mark.timeout(300)  # hundreds of commits that reach the disk; it may be busy
async def test_ten_killed_workers_lose_nothing_and_double_nothing(
    processes: Processes, database: Database, database_url: str, tmp_path: Path, seed: int, figures: Figures
) -> None:
    run = await kill_workers(processes, database, database_url, tmp_path, jobs=60, kills=10, seed=seed)

    figures(**asdict(run))
    check(run)


@pytest.mark.full
@pytest.mark.row(2)
@pytest.mark.timeout(900)
async def test_two_hundred_killed_workers_lose_nothing_and_double_nothing(
    processes: Processes, database: Database, database_url: str, tmp_path: Path, seed: int, figures: Figures
) -> None:
    run = await kill_workers(processes, database, database_url, tmp_path, jobs=1000, kills=200, seed=seed)

    figures(**asdict(run))
    check(run)


@pytest.mark.row(8)
async def test_two_scheduler_processes_make_one_row_per_tick(
    processes: Processes, database: Database, database_url: str, tmp_path: Path
) -> None:
    keys = await keys_made_by_two_schedulers(processes, database, database_url, tmp_path, ticks=5)

    check_ticks(keys, *seen_ticks(tmp_path))


@pytest.mark.full
@pytest.mark.row(8)
async def test_two_scheduler_processes_make_one_row_for_each_of_sixty_ticks(
    processes: Processes, database: Database, database_url: str, tmp_path: Path
) -> None:
    keys = await keys_made_by_two_schedulers(processes, database, database_url, tmp_path, ticks=60)

    check_ticks(keys, *seen_ticks(tmp_path))


async def keys_made_by_two_schedulers(
    schedulers: Processes, database: Database, url: str, folder: Path, *, ticks: int
) -> list[str]:
    """Return the keys of all rows, once each of the two has seen so many ticks."""
    schedulers.start("scheduler", url, folder)
    schedulers.start("scheduler", url, folder)
    while min(map(len, [*seen_ticks(folder), [], []][:2])) <= ticks:  # noqa: ASYNC110  # others write the files
        await asyncio.sleep(0.1)
    schedulers.kill_all()
    async with database.reading() as session:
        return [job.key for job in await list_jobs(session, kind="test.tick", limit=ticks * 3)]


def seen_ticks(folder: Path) -> list[list[str]]:
    """Return for each scheduler the ticks at which it was awake, in order."""
    zone = ZoneInfo("UTC")
    return [
        [
            newest_tick(every(TICK), at=datetime.fromisoformat(line), zone=zone).isoformat(timespec="milliseconds")
            for line in notes.read_text().splitlines()
        ]
        for notes in folder.iterdir()
    ]


def check_ticks(keys: list[str], one: list[str], two: list[str]) -> None:
    assert len(keys) == len(set(keys))
    assert set(one) & set(two)
    assert set(keys) <= {*one, *two}
    # The last tick that each one saw may have been cut off by the end of the test.
    assert {*one[:-1], *two[:-1]} <= set(keys)
