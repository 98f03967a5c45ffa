"""Be the clock of timed jobs: see to it that the newest tick of each has its row, and never run anything.

The row's key is the tick, so any number of schedulers make one row. A tick that came while nobody was there is made up
for at the next start.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from sqlalchemy import select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.clock import Clock
from regulars.database import Database
from regulars.jobs.models import Job
from regulars.jobs.registry import JobKinds
from regulars.jobs.service import enqueue_job, record_job_event
from regulars.jobs.ticks import newest_tick, next_tick
from regulars.plugins.contributions import Trigger

__all__ = ["SCHEDULER", "enqueue_due", "running_scheduler"]

SCHEDULER = "scheduler"
"""Who created the rows of ticks."""

REFRESH = timedelta(seconds=30)


async def enqueue_due(database: Database, kinds: JobKinds, *, zone: ZoneInfo, now: datetime) -> Sequence[Job]:
    """Give the newest tick of each timed kind its row, and return the rows that are new.

    A tick takes the place of earlier ones of its kind that nobody has started, so that they do not pile up.
    """
    due = {
        name: newest_tick(trigger, at=now, zone=zone).isoformat(timespec="milliseconds")
        for name, trigger in _triggers(kinds).items()
    }
    if not due:
        return []
    async with database.reading() as session:
        there = await session.execute(
            select(col(Job.kind), col(Job.key)).where(tuple_(col(Job.kind), col(Job.key)).in_(due.items()))
        )
        missing = due.items() - {(kind, key) for kind, key in there}
    if not missing:
        return []
    async with database.writing() as session:
        jobs = [await _enqueue_tick(session, kind, key, now) for kind, key in sorted(missing)]
    return [job for job in jobs if job.created_at == now]


async def _enqueue_tick(session: AsyncSession, kind: str, key: str, now: datetime) -> Job:
    job = await enqueue_job(session, kind=kind, key=key, actor=SCHEDULER, now=now)
    replaced = await session.scalars(
        update(Job)
        .where(
            col(Job.kind) == kind,
            col(Job.created_by) == SCHEDULER,
            col(Job.status) == "QUEUED",
            col(Job.attempts) == 0,
            col(Job.key) < key,
        )
        .values(status="CANCELLED", ended_at=now, problem=f"The tick of {key} took its place.")
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    for earlier in replaced.all():
        await record_job_event(session, earlier, "job.cancelled", actor=SCHEDULER, now=now)
    return job


def _triggers(kinds: JobKinds) -> dict[str, Trigger]:
    return {name: kind.job.trigger for name, kind in kinds.items() if kind.job.trigger is not None}


class _Ticks(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Wake at the next tick of any kind, and every ``refresh`` to see which kinds there are by then.

    Not APScheduler's own cron trigger: where the clocks go back it runs twice.
    """

    def __init__(self, kinds: JobKinds, time_zone: Callable[[], str], refresh: timedelta) -> None:
        self._kinds, self._time_zone, self._refresh = kinds, time_zone, refresh

    def get_next_fire_time(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime:
        """Return when to wake; ticks that were slept through count once."""
        after = max(previous_fire_time or now, now)
        zone = ZoneInfo(self._time_zone())
        ticks = [next_tick(trigger, after=after, zone=zone) for trigger in _triggers(self._kinds).values()]
        return min([*ticks, after + self._refresh])


@asynccontextmanager
async def running_scheduler(
    database: Database, kinds: JobKinds, *, clock: Clock, time_zone: Callable[[], str], refresh: timedelta = REFRESH
) -> AsyncIterator[None]:
    """Enqueue timed jobs while the block lasts; ``daily`` means the day of the IANA zone that holds by then.

    Every ``refresh`` it follows changes of ``kinds`` and makes up for ticks that a fault has swallowed. Any number of
    processes can do this.
    """
    ticking = asyncio.Lock()

    async def tick() -> None:
        async with ticking:
            await enqueue_due(database, kinds, zone=ZoneInfo(time_zone()), now=clock.now())

    scheduler = AsyncIOScheduler(timezone=UTC)
    scheduler.add_job(
        tick,
        _Ticks(kinds, time_zone, refresh),
        next_run_time=datetime.now(UTC),
        coalesce=True,
        misfire_grace_time=None,
        max_instances=1,
    )
    scheduler.start()
    try:
        yield
    finally:
        async with ticking:  # a tick that is being written is not broken off
            scheduler.shutdown(wait=False)
            await asyncio.sleep(0)
