"""Row 2 of the test plan: workers are killed without a word, and every job has one effect all the same."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from time import monotonic

from sqlalchemy import func, select, text
from sqlmodel import col

from regulars.clock import SystemClock
from regulars.database import Database
from regulars.events.models import Event
from regulars.jobs.models import Job
from regulars.jobs.service import enqueue_job

RESULTS = Path(__file__).parents[3] / ".work" / "test-plan"
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


class Processes:
    """Processes of one role that a test starts and kills."""

    def __init__(self, forker: asyncio.subprocess.Process) -> None:
        self._forker = forker
        self.pids: list[int] = []

    async def start(self) -> int:
        assert self._forker.stdin is not None
        assert self._forker.stdout is not None
        self._forker.stdin.write(b"start\n")
        pid = int(await self._forker.stdout.readline())
        self.pids.append(pid)
        return pid

    def kill(self, pid: int) -> None:
        self.pids.remove(pid)
        os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def processes(role: str, url: str, folder: Path) -> AsyncIterator[Processes]:
    script = Path(__file__).with_name("processes.py")
    forker = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        role,
        url,
        str(folder),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Processes(forker)
    finally:
        assert forker.stdin is not None
        forker.stdin.close()
        await forker.wait()


async def kill_workers(database: Database, url: str, folder: Path, *, jobs: int, kills: int, seed: int) -> KillRun:
    """Run ``jobs`` jobs on three workers and kill one of them ``kills`` times, spread over the work."""
    random = Random(seed)
    started = monotonic()
    await _enqueue(database, jobs)
    async with processes("worker", url, folder) as workers:
        for _ in range(WORKERS):
            await workers.start()
        for number in range(1, kills + 1):
            await _until_succeeded(database, number * jobs // (kills + 2))
            await asyncio.sleep(random.uniform(0, 0.05))
            workers.kill(random.choice(workers.pids))
            await workers.start()
        last_kill = monotonic()
        await _until_succeeded(database, jobs)
        longest_wait_s = monotonic() - last_kill
    run = await _count(database, folder, seed, kills, monotonic() - started, longest_wait_s)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"row2-{database.dialect}-{seed}.json").write_text(json.dumps(asdict(run), indent=2))
    return run


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
