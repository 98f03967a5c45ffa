"""Enqueue, read, cancel and repeat work in the background."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import case, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.checks import check_text
from regulars.errors import ForbiddenTransition, InvalidInput, NotFound
from regulars.events.service import add_event, record_event
from regulars.inserts import insert_new
from regulars.jobs.models import Job
from regulars.tables import UtcDateTime, new_id

__all__ = ["JobStatus", "cancel_job", "enqueue_job", "list_jobs", "read_job", "record_job_event", "repeat_job"]

JobStatus = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "DEAD"]
"""FAILED says that trying again would not help, DEAD that every attempt was used up."""


async def enqueue_job(
    session: AsyncSession,
    *,
    kind: str,
    actor: str,
    now: datetime,
    key: str | None = None,
    input: object = None,
    run_after: datetime | None = None,
) -> Job:
    """Return the job of this kind and key: a new one, or the one that is there already, whatever became of it.

    Without a key every call makes a new job, which belongs to no session. ``input`` is a JSON object; ``run_after``
    holds the start back.
    Raises ``InvalidInput`` for a key or an input that cannot be kept.
    """
    if key is not None:
        check_text(key, path=("key",))
    if input is not None and not isinstance(input, Mapping):
        raise InvalidInput("input is no JSON object. Write {…} with a name for each value.", path=("input",))
    id = new_id()
    row = {
        "id": id,
        "kind": kind,
        "key": str(id) if key is None else key,
        "status": "QUEUED",
        "input": {} if input is None else dict(input),
        "done": 0,
        "attempts": 0,
        "fence": 0,
        "run_after": run_after or now,
        "is_cancel_requested": False,
        "created_by": actor,
        "created_at": now,
    }
    new = await insert_new(session, Job, [row], unless_taken=["kind", "key"])
    if not new:
        return (await session.scalars(select(Job).where(col(Job.kind) == kind, col(Job.key) == key))).one()
    (made,) = new
    await record_job_event(session, made, "job.queued", actor=actor, now=now)
    return made


async def read_job(session: AsyncSession, *, id: UUID) -> Job:
    """Return the job as it stands in the database; raises ``NotFound``."""
    job = await session.get(Job, id, populate_existing=True)
    if job is None:
        raise NotFound("job", id)
    return job


async def list_jobs(
    session: AsyncSession, *, kind: str | None = None, statuses: Collection[JobStatus] | None = None, limit: int = 50
) -> Sequence[Job]:
    """Return jobs, the newest first."""
    found = select(Job).order_by(col(Job.id).desc()).limit(limit)
    if kind is not None:
        found = found.where(col(Job.kind) == kind)
    if statuses is not None:
        found = found.where(col(Job.status).in_(statuses))
    return (await session.scalars(found)).all()


async def cancel_job(session: AsyncSession, *, id: UUID, actor: str, now: datetime) -> Job:
    """Cancel a waiting job at once, or ask a running one to stop; its worker sees it within two seconds.

    Cancelling twice changes nothing. Raises ``NotFound``, or ``ForbiddenTransition`` when the job ended otherwise.
    """
    is_waiting = col(Job.status) == "QUEUED"
    job = await session.scalar(
        update(Job)
        .where(col(Job.id) == id, col(Job.status).in_(("QUEUED", "RUNNING")), ~col(Job.is_cancel_requested))
        .values(
            status=case((is_waiting, "CANCELLED"), else_=col(Job.status)),
            ended_at=case((is_waiting, literal(now, UtcDateTime())), else_=None),
            is_cancel_requested=True,
        )
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if job is not None:
        type = "job.cancelled" if job.status == "CANCELLED" else "job.cancel_requested"
        await record_job_event(session, job, type, actor=actor, now=now)
        return job
    job = await read_job(session, id=id)
    if job.is_cancel_requested and job.status in ("RUNNING", "CANCELLED"):
        return job
    raise ForbiddenTransition(f"Job {id} cannot be cancelled any more: it is {job.status}.", path=("id",))


async def repeat_job(session: AsyncSession, *, id: UUID, actor: str, now: datetime) -> Job:
    """Queue a job again that failed, died or was cancelled; it goes on from its checkpoint, with all its attempts.

    Raises ``NotFound``, or ``ForbiddenTransition`` when the job has not ended or did succeed.
    """
    job = await session.scalar(
        update(Job)
        .where(col(Job.id) == id, col(Job.status).in_(("FAILED", "CANCELLED", "DEAD")))
        .values(status="QUEUED", attempts=0, is_cancel_requested=False, run_after=now, ended_at=None, problem=None)
        .returning(Job)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if job is None:
        job = await read_job(session, id=id)
        raise ForbiddenTransition(f"Job {id} cannot be repeated: it is {job.status}.", path=("id",))
    await record_job_event(session, job, "job.queued", actor=actor, now=now)
    return job


async def record_job_event(session: AsyncSession, job: Job, type: str, *, actor: str, now: datetime) -> None:
    """Tell that the job changed; to be called in the transaction that changed it.

    What people do to jobs, and how jobs end, belongs to the audit; that the server queued or started one does not.
    """
    subject, data = f"job:{job.id}", {"kind": job.kind, "status": job.status, "attempt": job.attempts}
    if ":" in actor or job.ended_at is not None:
        await record_event(session, type=type, subject=subject, actor=actor, data=data, now=now)
    else:
        add_event(session, type=type, subject=subject, actor=actor, data=data, now=now)
