"""Claim jobs by lease, keep the lease, and end a run, each in one conditional statement.

A claim raises the job's ``fence`` by one. Whoever writes in the name of a run names its fence, so a worker that lost
its lease changes nothing. The fence decides, not the lease's time: as long as nobody else took the job, a late worker
may still commit, and keeps work that would otherwise be done twice. When the clock was set back, a lease lies further
ahead than a lease is long: it is shortened to one, which its worker renews if it lives, and which ends if it does not.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, exists, func, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.errors import RegularsError
from regulars.jobs.models import Job
from regulars.jobs.service import record_job_event
from regulars.tables import UtcDateTime

__all__ = [
    "MOST_ATTEMPTS",
    "Claim",
    "LeaseLost",
    "Progress",
    "claim_job",
    "end_run",
    "give_back",
    "has_work",
    "is_cancel_requested",
    "renew_lease",
    "retry_delay",
    "retry_run",
    "take_back_expired",
]

MOST_ATTEMPTS = 8
LONGEST_DELAY = timedelta(hours=1)
SLACK = 1.25
"""How many leases ahead a lease may end before it is shortened: clocks of several machines are never quite equal."""

CLAIM_LOCK = 0x5245_474A  # "REGJ"

NO_LEASE: dict[str, Any] = {"worker": None, "lease_until": None}
AS_STORED: dict[str, Any] = {"synchronize_session": False, "populate_existing": True}


class LeaseLost(RegularsError):
    """Somebody else has this job now, or it has ended: what this worker did since its last commit is void."""

    code = "LEASE_LOST"

    def __init__(self, job_id: UUID, fence: int) -> None:
        self.job_id, self.fence = job_id, fence
        super().__init__(f"Job {job_id} is no longer ours (claim {fence}). Nothing was committed; stop working on it.")


@dataclass(frozen=True)
class Claim:
    """One worker's hold on one job."""

    job_id: UUID
    fence: int


@dataclass(frozen=True)
class Progress:
    """How far a run has come; ``total`` of None means that nobody knows."""

    done: int
    total: int | None
    message: str | None


def retry_delay(attempt: int, *, first: timedelta) -> timedelta:
    """Return how long to wait after this failed attempt (1, 2…): ``first``, tripled each time, at most an hour."""
    return min(first * float(3 ** (attempt - 1)), LONGEST_DELAY)


async def has_work(session: AsyncSession, *, kinds: Collection[str], lease: timedelta, now: datetime) -> bool:
    """Tell whether anything can be claimed, taken back or shortened, so that an idle worker need not write."""
    stale = exists().where(_is_expired(now) | _is_too_long(lease, now))
    waiting = exists().where(_is_due(now), col(Job.kind).in_(kinds))
    return bool(await session.scalar(select(stale | waiting)))


async def claim_job(
    session: AsyncSession,
    *,
    kinds: Collection[str],
    slots: Mapping[str, int],
    worker: str,
    lease: timedelta,
    now: datetime,
) -> Job | None:
    """Return the job that has waited longest, now claimed by this worker, or None.

    Jobs of other ``kinds`` stay for a process that knows them. A kind in ``slots`` is passed over while as many of its
    jobs run, wherever that is.
    """
    if session.get_bind().dialect.name == "postgresql":
        # Else two workers could each take a job of one exclusive kind. SQLite has but one writer anyway.
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CLAIM_LOCK})
    busy = (
        select(col(Job.kind))
        .where(col(Job.status) == "RUNNING", col(Job.kind).in_(slots))
        .group_by(col(Job.kind))
        .having(func.count() >= case(dict(slots) or {"": 1}, value=col(Job.kind)))
    )
    first = (
        select(col(Job.id))
        .where(
            _is_due(now),
            col(Job.kind).in_(kinds),
            col(Job.kind).not_in(busy),
        )
        .order_by(col(Job.run_after), col(Job.id))
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    job = await session.scalar(
        update(Job)
        .where(col(Job.id) == first)
        .values(
            status="RUNNING",
            attempts=col(Job.attempts) + 1,
            fence=col(Job.fence) + 1,
            worker=worker,
            lease_until=now + lease,
            started_at=now,
        )
        .returning(Job)
        .execution_options(**AS_STORED)
    )
    if job is not None:
        await record_job_event(session, job, "job.started", actor=SYSTEM.label, now=now)
    return job


async def take_back_expired(session: AsyncSession, *, lease: timedelta, now: datetime) -> int:
    """Queue the jobs whose worker let its lease run out, and return how many there were.

    Cancelled ones end; those without an attempt left become DEAD. A lease that ends later than any can that was given
    by this clock is shortened to ``lease``.
    """
    too_long = select(col(Job.id)).where(_is_too_long(lease, now)).with_for_update(skip_locked=True).cte("too_long")
    await session.execute(
        update(Job)
        .where(col(Job.id).in_(select(too_long.c.id)))
        .values(lease_until=now + lease)
        .execution_options(synchronize_session=False)
    )
    expired = select(col(Job.id)).where(_is_expired(now)).with_for_update(skip_locked=True).cte("expired")
    return await _requeue(
        session,
        col(Job.id).in_(select(expired.c.id)),
        run_after=now,
        problem="Its worker stopped without a word.",
        now=now,
    )


async def renew_lease(
    session: AsyncSession,
    claim: Claim,
    *,
    lease: timedelta,
    now: datetime,
    progress: Progress | None = None,
    checkpoint: Mapping[str, Any] | None = None,
) -> None:
    """Keep the job for another ``lease``, and keep progress and checkpoint with it; raise ``LeaseLost``.

    Inside the transaction of an effect this is the fence: the row stays locked until that transaction ends.
    """
    values: dict[str, Any] = {"lease_until": now + lease, **_columns(progress)}
    if checkpoint is not None:
        values["checkpoint"] = dict(checkpoint)
    kept = await session.scalar(
        update(Job).where(_is_held(claim)).values(values).returning(col(Job.id)).execution_options(**AS_STORED)
    )
    if kept is None:
        raise LeaseLost(claim.job_id, claim.fence)


async def is_cancel_requested(session: AsyncSession, claim: Claim) -> bool:
    """Tell whether somebody asked to cancel the run; raise ``LeaseLost``."""
    asked = await session.scalar(select(col(Job.is_cancel_requested)).where(_is_held(claim)))
    if asked is None:
        raise LeaseLost(claim.job_id, claim.fence)
    return asked


async def end_run(
    session: AsyncSession,
    claim: Claim,
    *,
    status: str,
    now: datetime,
    progress: Progress | None = None,
    result: Mapping[str, Any] | None = None,
    problem: str | None = None,
) -> None:
    """End the job as SUCCEEDED, FAILED or CANCELLED; raise ``LeaseLost``."""
    job = await session.scalar(
        update(Job)
        .where(_is_held(claim))
        .values(
            status=status,
            result=None if result is None else dict(result),
            problem=problem,
            ended_at=now,
            **NO_LEASE,
            **_columns(progress),
        )
        .returning(Job)
        .execution_options(**AS_STORED)
    )
    if job is None:
        raise LeaseLost(claim.job_id, claim.fence)
    await record_job_event(session, job, f"job.{status.lower()}", actor=SYSTEM.label, now=now)


async def retry_run(
    session: AsyncSession, claim: Claim, *, run_after: datetime, problem: str, now: datetime, progress: Progress | None
) -> None:
    """Queue the job again after a fault; end it when it was cancelled or has no attempt left; raise ``LeaseLost``."""
    requeued = await _requeue(
        session, _is_held(claim), run_after=run_after, problem=problem, now=now, more=_columns(progress)
    )
    if not requeued:
        raise LeaseLost(claim.job_id, claim.fence)


async def give_back(session: AsyncSession, claim: Claim, *, now: datetime) -> None:
    """Queue the job again because the worker stops, without counting the attempt; raise ``LeaseLost``."""
    attempts = {"attempts": col(Job.attempts) - 1}
    if not await _requeue(session, _is_held(claim), run_after=now, problem=None, now=now, more=attempts):
        raise LeaseLost(claim.job_id, claim.fence)


async def _requeue(
    session: AsyncSession,
    which: ColumnElement[bool],
    *,
    run_after: datetime,
    problem: str | None,
    now: datetime,
    more: Mapping[str, Any] | None = None,
) -> int:
    values = {"problem": problem, "run_after": run_after, **NO_LEASE, **(more or {})}
    attempts = values.get("attempts", col(Job.attempts))
    status = case(
        (col(Job.is_cancel_requested), "CANCELLED"),
        (attempts >= MOST_ATTEMPTS, "DEAD"),
        else_="QUEUED",
    )
    ended_at = case(
        (col(Job.is_cancel_requested) | (attempts >= MOST_ATTEMPTS), literal(now, UtcDateTime())), else_=None
    )
    jobs = (
        await session.scalars(
            update(Job)
            .where(which)
            .values(status=status, ended_at=ended_at, **values)
            .returning(Job)
            .execution_options(**AS_STORED)
        )
    ).all()
    for job in jobs:
        await record_job_event(session, job, f"job.{job.status.lower()}", actor=SYSTEM.label, now=now)
    return len(jobs)


def _is_due(now: datetime) -> ColumnElement[bool]:
    """Tell whether a job waits and may begin; one that was to begin at once is due though the clock was set back."""
    was_due_at_once = (col(Job.created_at) > now) & (col(Job.run_after) <= col(Job.created_at))
    return (col(Job.status) == "QUEUED") & ((col(Job.run_after) <= now) | was_due_at_once)


def _is_expired(now: datetime) -> ColumnElement[bool]:
    return (col(Job.status) == "RUNNING") & (col(Job.lease_until) < now)


def _is_too_long(lease: timedelta, now: datetime) -> ColumnElement[bool]:
    return (col(Job.status) == "RUNNING") & (col(Job.lease_until) > now + lease * SLACK)


def _is_held(claim: Claim) -> ColumnElement[bool]:
    return (col(Job.id) == claim.job_id) & (col(Job.fence) == claim.fence) & (col(Job.status) == "RUNNING")


def _columns(progress: Progress | None) -> dict[str, Any]:
    if progress is None:
        return {}
    return {"done": progress.done, "total": progress.total, "message": progress.message}
