"""Real worker and scheduler processes to be killed."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from sqlalchemy import text
from tests.core.forking import fork_on_demand

from regulars.clock import SystemClock
from regulars.database import Database
from regulars.jobs.registry import JobKind
from regulars.jobs.run import JobRun
from regulars.jobs.scheduler import running_scheduler
from regulars.jobs.worker import Timings, running_worker
from regulars.plugins.context import Company
from regulars.plugins.contributions import Job, every

LEASE = timedelta(seconds=1.5)
TICK = timedelta(milliseconds=250)

TIMINGS = Timings(
    lease=LEASE,
    heartbeat=timedelta(milliseconds=300),
    poll=timedelta(milliseconds=50),
    look=timedelta(milliseconds=100),
    grace=timedelta(seconds=1),
    first_delay=timedelta(0),
)


def effect_job(folder: Path) -> JobKind:
    """A job with an effect outside, known by its key, and one in the database; a kill can come at any point."""

    async def leave_effect(run: JobRun) -> dict[str, int]:
        pauses = [run.random.uniform(0, 0.02) for _ in range(3)]
        if run.checkpoint is None:
            (folder / run.input["key"]).touch()
            await asyncio.sleep(pauses[0])
            async with run.writing() as session:
                await session.execute(text("INSERT INTO effect (job) VALUES (:job)"), {"job": run.id.hex})
                await run.save_checkpoint({"is_done": True})
                await asyncio.sleep(pauses[1] / 4)
            await asyncio.sleep(pauses[2])
        return {"attempt": run.attempt}

    return JobKind(Job("test.effect", leave_effect, "Effect", "jobs:manage", timeout=timedelta(seconds=30)))


async def be_worker(database: Database, folder: Path) -> None:
    company = Company("Corner Shop", "UTC", "EUR")
    kinds = {"test.effect": effect_job(folder)}
    random = Random(os.getpid())
    async with running_worker(
        database, kinds, clock=SystemClock(), company=lambda: company, slots=2, timings=TIMINGS, random=random
    ):
        await asyncio.Event().wait()


async def be_scheduler(database: Database, folder: Path) -> None:
    async def never(run: JobRun) -> None:
        raise AssertionError("a scheduler only enqueues")

    kinds = {"test.tick": JobKind(Job("test.tick", never, "Tick", "jobs:manage", trigger=every(TICK)))}
    async with running_scheduler(database, kinds, clock=NotedClock(folder), time_zone=lambda: "UTC"):
        await asyncio.Event().wait()


class NotedClock:
    """Notes each time that it tells in a file of this process, so that a test knows what every scheduler saw."""

    def __init__(self, folder: Path) -> None:
        self._notes = folder / str(os.getpid())

    def now(self) -> datetime:
        now = datetime.now(UTC)
        with self._notes.open("a") as notes:
            notes.write(f"{now.isoformat()}\n")
        return now


if __name__ == "__main__":
    fork_on_demand({"worker": be_worker, "scheduler": be_scheduler})
