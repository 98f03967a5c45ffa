"""A yard in which jobs are defined, queued and run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest_asyncio
from sqlalchemy import text
from sqlmodel import select

from regulars.clock import Clock, SystemClock
from regulars.database import Database
from regulars.events.models import Event
from regulars.jobs.models import Job
from regulars.jobs.registry import JobKind
from regulars.jobs.run import JobRun
from regulars.jobs.service import cancel_job, enqueue_job, read_job
from regulars.jobs.worker import Timings, Worker, running_worker
from regulars.plugins.context import Company
from regulars.plugins.contributions import Job as JobDescription
from regulars.plugins.contributions import Trigger

COMPANY = Company(name="Corner Shop", time_zone="Europe/Berlin", currency="EUR")

QUICK = Timings(
    lease=timedelta(seconds=20),
    heartbeat=timedelta(milliseconds=100),
    poll=timedelta(milliseconds=20),
    look=timedelta(milliseconds=20),
    grace=timedelta(milliseconds=300),
    first_delay=timedelta(0),
)

Run = Callable[[JobRun], Awaitable[Mapping[str, Any] | None]]


class Yard:
    """One database, the kinds of jobs that a test defines, and workers for them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.kinds: dict[str, JobKind] = {}
        self.clock: Clock = SystemClock()

    def define(
        self, kind: str, run: Run, *, trigger: Trigger | None = None, timeout: timedelta = timedelta(seconds=30)
    ) -> None:
        self.kinds[kind] = JobKind(JobDescription(kind, run, "A test", "jobs:manage", trigger=trigger, timeout=timeout))

    def worker(
        self, timings: Timings = QUICK, *, slots: int = 1, clock: Clock | None = None
    ) -> AbstractAsyncContextManager[Worker]:
        return running_worker(
            self.database, self.kinds, clock=clock or self.clock, company=lambda: COMPANY, slots=slots, timings=timings
        )

    async def enqueue(self, kind: str, *, key: str | None = None, input: Mapping[str, Any] | None = None) -> Job:
        async with self.database.writing() as session:
            return await enqueue_job(session, kind=kind, key=key, input=input, actor="staff:1", now=self.clock.now())

    async def cancel(self, job: Job) -> Job:
        async with self.database.writing() as session:
            return await cancel_job(session, id=job.id, actor="staff:1", now=self.clock.now())

    async def read(self, job: Job) -> Job:
        async with self.database.reading() as session:
            return await read_job(session, id=job.id)

    async def until(self, job: Job, status: str) -> Job:
        """Wait until the job has this status; the test's own time limit ends the waiting."""
        return await self.until_row(job, lambda row: row.status == status)

    async def until_row(self, job: Job, is_as_wanted: Callable[[Job], bool]) -> Job:
        """Wait until the job's row is as wanted."""
        while not is_as_wanted(row := await self.read(job)):  # noqa: ASYNC110  # others write the row
            await asyncio.sleep(0.02)
        return row

    async def finished(self, job: Job, status: str, timings: Timings = QUICK) -> Job:
        """Run one worker until the job has this status."""
        async with self.worker(timings):
            return await self.until(job, status)

    async def events(self, job: Job) -> list[str]:
        """Return the types of the events about the job, in order."""
        async with self.database.reading() as session:
            found = await session.scalars(
                select(Event.type).where(Event.subject == f"job:{job.id}").order_by(Event.id)  # type: ignore[arg-type]
            )
            return list(found)

    async def note(self, run: JobRun, words: str) -> None:
        """Leave an effect: a row that commits only while the job is the run's."""
        async with run.writing() as session:
            await session.execute(
                text("INSERT INTO effect (job, words) VALUES (:job, :words)"), {"job": run.id.hex, "words": words}
            )

    async def notes(self, job_id: UUID) -> list[str]:
        async with self.database.reading() as session:
            found = await session.scalars(
                text("SELECT words FROM effect WHERE job = :job ORDER BY words"), {"job": job_id.hex}
            )
            return list(found)


@pytest_asyncio.fixture
async def yard(database: Database) -> AsyncIterator[Yard]:
    async with database.writing() as session:
        await session.execute(text("CREATE TABLE effect (job TEXT NOT NULL, words TEXT NOT NULL)"))
    yield Yard(database)
