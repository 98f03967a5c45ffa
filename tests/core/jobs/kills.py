"""Row 2 of the test plan: workers are killed without a word, and every job has one effect all the same."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic

from sqlalchemy import func, select, text
from sqlmodel import col
from tests.core.forking import Processes

from regulars.clock import SystemClock
from regulars.database import Database
from regulars.events.models import Event
from regulars.jobs.models import Job
from regulars.jobs.service import enqueue_job

WORKERS = 3


@dataclass(frozen=True)
class KillRun:
    """What was found after the last job had ended; ``longest_wait_s`` is from the last kill to that moment."""

    seed: int
    jobs: int
    kills: int
    taken_over: int
    statuses: dict[str, int]
    effects: int
    jobs_with_one_effect: int
    outside_keys: int
    told_successes: int
    seconds: float
    longest_wait_s: float


async def kill_workers(
    workers: Processes, database: Database, url: str, folder: Path, *, jobs: int, kills: int, seed: int
) -> KillRun:
    """Run ``jobs`` jobs on three workers and kill one of them ``kills`` times, spread over the work."""
    random = Random(seed)
    started = monotonic()
    await _enqueue(database, jobs)
    for _ in range(WORKERS):
        workers.start("worker", url, folder)
    for number in range(1, kills + 1):
        await _until_succeeded(database, number * jobs // (kills + 2))
        await asyncio.sleep(random.uniform(0, 0.05))
        workers.kill(random.choice(workers.pids))
        workers.start("worker", url, folder)
    last_kill = monotonic()
    await _until_succeeded(database, jobs)
    longest_wait_s = monotonic() - last_kill
    return await _count(database, folder, seed, kills, monotonic() - started, longest_wait_s)


async def _enqueue(database: Database, jobs: int) -> None:
    async with database.writing() as session:
        await session.execute(text("CREATE TABLE effect (job TEXT NOT NULL)"))
        for number in range(jobs):
            await enqueue_job(
                session,
                kind="test.effect",
                key=f"job {number}",
                input={"key": f"outside {number}"},
                actor="staff:1",
                now=SystemClock().now(),
            )


async def _until_succeeded(database: Database, wanted: int) -> None:
    ended = select(func.count()).select_from(Job).where(col(Job.status) == "SUCCEEDED")
    while True:
        async with database.reading() as session:
            if (await session.scalar(ended) or 0) >= wanted:
                return
        await asyncio.sleep(0.03)


async def _count(
    database: Database, folder: Path, seed: int, kills: int, seconds: float, longest_wait_s: float
) -> KillRun:
    async with database.reading() as session:
        rows = (await session.scalars(select(Job))).all()
        effects = list(await session.scalars(text("SELECT job FROM effect")))
        told = await session.scalar(select(func.count()).select_from(Event).where(col(Event.type) == "job.succeeded"))
    return KillRun(
        seed=seed,
        jobs=len(rows),
        kills=kills,
        taken_over=sum(row.attempts > 1 for row in rows),
        statuses={status: sum(row.status == status for row in rows) for status in {row.status for row in rows}},
        effects=len(effects),
        jobs_with_one_effect=len({row.id.hex for row in rows} & set(effects)),
        outside_keys=_files_in(folder),
        told_successes=told or 0,
        seconds=round(seconds, 2),
        longest_wait_s=round(longest_wait_s, 2),
    )


def _files_in(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())
