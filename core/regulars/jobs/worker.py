"""Run jobs: claim them one at a time per slot, keep their leases, and end, repeat or give them back."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog

from regulars.clock import Clock
from regulars.crash_points import CrashPoint, reach
from regulars.database import Database
from regulars.faults import log_fault
from regulars.jobs.endings import Ending, Interruption, ending_of, write_ending
from regulars.jobs.leases import LeaseLost, claim_job, has_work, is_cancel_requested, take_back_expired
from regulars.jobs.models import Job
from regulars.jobs.registry import JobKinds
from regulars.jobs.run import JobRun
from regulars.plugins.context import Company
from regulars.plugins.contributions import Job as JobDescription
from regulars.rounds import rest
from regulars.watch.watching import Watch

__all__ = ["Timings", "Worker", "running_worker"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Timings:
    """How patient a worker is.

    A dead worker's job runs again after ``lease`` plus ``poll``. ``look`` is the distance at which a run learns that
    it was cancelled; ``grace`` is how long it may take to stop by itself before it is broken off. ``first_delay`` is
    how long a failed job waits before its second attempt.
    """

    lease: timedelta = timedelta(seconds=60)
    heartbeat: timedelta = timedelta(seconds=10)
    poll: timedelta = timedelta(seconds=1)
    look: timedelta = timedelta(seconds=1)
    grace: timedelta = timedelta(seconds=10)
    first_delay: timedelta = timedelta(seconds=10)


class Worker:
    """The jobs that this process runs at the moment."""

    def __init__(
        self,
        database: Database,
        kinds: JobKinds,
        *,
        clock: Clock,
        company: Callable[[], Company],
        slots: int,
        timings: Timings,
        random: Random,
        watch: Watch,
    ) -> None:
        self._watching = watch
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._database, self._kinds, self._clock, self._company = database, kinds, clock, company
        self._timings, self._random = timings, random
        self._free = asyncio.Semaphore(slots)
        self._performing: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Claim and perform jobs until told to stop."""
        while not self._stopping.is_set():
            await self._free.acquire()
            job = None if self._stopping.is_set() else await self._claim()
            if job is None:
                self._free.release()
                await self._stops_within(self._timings.poll)
                continue
            performing = asyncio.create_task(self._perform(job))
            self._performing.add(performing)
            performing.add_done_callback(self._forget)

    async def stop(self, claiming: asyncio.Task[None]) -> None:
        """Break off what runs and give it back, so that another worker goes on at once from the checkpoint."""
        self._stopping.set()
        await asyncio.wait({claiming}, timeout=self._timings.grace.total_seconds())
        claiming.cancel()
        if self._performing:
            await asyncio.wait(self._performing)

    def _forget(self, performing: asyncio.Task[None]) -> None:
        self._performing.discard(performing)
        self._free.release()
        if not performing.cancelled() and performing.exception() is not None:
            log.error("job.ending_not_written", worker=self.name, exc_info=performing.exception())

    async def _claim(self) -> Job | None:
        try:
            kinds = dict(self._kinds)
            slots = {name: kind.slots for name, kind in kinds.items() if kind.slots is not None}
            async with self._database.reading() as session:
                if not await has_work(session, kinds=kinds, lease=self._timings.lease, now=self._clock.now()):
                    return None
            async with self._database.writing() as session:
                now = self._clock.now()
                await take_back_expired(session, lease=self._timings.lease, now=now)
                return await claim_job(
                    session, kinds=kinds, slots=slots, worker=self.name, lease=self._timings.lease, now=now
                )
        except Exception as error:  # a fault in one round, such as a database that restarts, must not end the worker
            log_fault(log, "worker.claim_failed", error, worker=self.name)
            return None

    async def _perform(self, job: Job) -> None:
        reach(CrashPoint.JOB_CLAIMED)
        kind = self._kinds.get(job.kind)
        run = JobRun(
            job,
            database=self._database,
            clock=self._clock,
            company=self._company(),
            settings=None if kind is None else kind.settings,
            http=None if kind is None else kind.http,
            context_in=None if kind is None else kind.context_in,
            log=log.bind(job=str(job.id), kind=job.kind),
            random=self._random,
            lease=self._timings.lease,
        )
        began = monotonic()
        with self._watching.job(job.kind, attempt=run.attempt) as watched:
            # Without a kind its plugin has been disabled since the claim.
            ending = Ending("GIVEN_BACK") if kind is None else await self._work_on(run, kind.job)
            watched.outcome = ending.outcome
        reach(CrashPoint.JOB_DONE)
        await self._write(run, ending, seconds=monotonic() - began)

    async def _work_on(self, run: JobRun, job: JobDescription) -> Ending:
        work = asyncio.create_task(_call(job, run))
        watch = asyncio.create_task(self._watch(run))
        try:
            done, _ = await asyncio.wait(
                {work, watch}, timeout=job.timeout.total_seconds(), return_when=asyncio.FIRST_COMPLETED
            )
            interruption: Interruption | None = None
            if work not in done:
                interruption = watch.result() if watch in done else "late"
                work.cancel()
                await asyncio.wait({work}, timeout=self._timings.grace.total_seconds())
            if not work.done():
                run.log.error("job.does_not_stop", interruption=interruption)
            ending = ending_of(work, interruption=interruption, timeout=job.timeout)
            if ending.outcome == "FAULT":
                run.log.warning("job.fault", problem=ending.problem, attempt=run.attempt, exc_info=ending.error)
            return ending
        finally:
            watch.cancel()
            await asyncio.wait({watch}, timeout=self._timings.grace.total_seconds())  # its statement ends too

    async def _watch(self, run: JobRun) -> Interruption:
        renewed = monotonic()
        break_off_at: float | None = None
        while not await self._stops_within(self._timings.look):
            try:
                async with self._database.reading() as session:
                    run.is_cancelled = await is_cancel_requested(session, run.claim)
                if run.unkept_progress is not None or monotonic() - renewed >= self._timings.heartbeat.total_seconds():
                    await run.renew()
                    renewed = monotonic()
            except LeaseLost:
                return "lost"
            except Exception as error:  # the lease may outlast the fault; if not, the fence refuses the commit
                log_fault(run.log, "job.heartbeat_failed", error)
            if run.is_cancelled and break_off_at is None:
                break_off_at = monotonic() + self._timings.grace.total_seconds()
            if break_off_at is not None and monotonic() >= break_off_at:
                return "cancelled"
        return "stopping"

    async def _write(self, run: JobRun, ending: Ending, *, seconds: float) -> None:
        patience = self._timings.grace if ending.outcome == "GIVEN_BACK" else self._timings.lease
        give_up_at = monotonic() + patience.total_seconds()
        while True:
            try:
                async with self._database.writing() as session:
                    await write_ending(
                        session, run, ending, first_delay=self._timings.first_delay, now=self._clock.now()
                    )
                    reach(CrashPoint.JOB_ENDED)
            except LeaseLost:
                run.log.warning("job.lease_lost")
            except Exception as error:  # without this word the job would run once more for nothing
                if monotonic() >= give_up_at:
                    raise
                log_fault(run.log, "job.ending_delayed", error)
                await asyncio.sleep(self._timings.poll.total_seconds())
                continue
            else:
                run.log.info("job.ended", outcome=ending.outcome, attempt=run.attempt, ms=round(seconds * 1000))
            return

    async def _stops_within(self, pause: timedelta) -> bool:
        await rest(self._stopping, most=pause)
        return self._stopping.is_set()


async def _call(job: JobDescription, run: JobRun) -> Mapping[str, Any] | None:
    try:
        return await job.run(run)
    except SystemExit as error:  # asyncio would end the whole server
        raise RuntimeError(f"it asked the process to exit with {error.code}") from error


@asynccontextmanager
async def running_worker(
    database: Database,
    kinds: JobKinds,
    *,
    clock: Clock,
    company: Callable[[], Company],
    slots: int = 2,
    timings: Timings | None = None,
    random: Random | None = None,
    watch: Watch | None = None,
) -> AsyncIterator[Worker]:
    """Run jobs of these kinds while the block lasts, up to ``slots`` at once; then give back what is not finished.

    ``kinds`` is read anew before each claim, so a live mapping may change. Any number of processes can do this.
    """
    worker = Worker(
        database,
        kinds,
        clock=clock,
        company=company,
        slots=slots,
        timings=timings or Timings(),
        random=random or Random(),  # noqa: S311  # for spreading and sampling, never for secrets
        watch=watch or Watch(),
    )
    claiming = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop(claiming)
