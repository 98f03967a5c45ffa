"""Forget, once a day, what was told, has ended or was answered long ago: events, jobs, answers, audiences, messages."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.contact.retention import delete_old_audiences
from regulars.events.retention import delete_told_events
from regulars.idempotency.service import KEPT_FOR, delete_old_answers
from regulars.jobs.models import Job
from regulars.jobs.run import JobRun
from regulars.plugins.contributions import Job as JobDescription
from regulars.plugins.contributions import daily
from regulars.tracking.rejections import delete_old_rejections, delete_taken_messages

__all__ = ["delete_ended_jobs", "retention_job"]

BATCH = 2_000
BREATH_S = 0.05
"""Between two batches, so that others get to write."""

MESSAGES_KEPT_FOR = timedelta(hours=48)
REJECTIONS_KEPT_FOR = timedelta(days=30)


async def delete_ended_jobs(session: AsyncSession, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` jobs that ended before that moment, and return how many.

    The newest of each kind stays: its row says when the kind ran last, and that its tick needs no other.
    """
    newest = select(col(Job.kind), func.max(col(Job.created_at))).group_by(col(Job.kind))
    old = (
        select(col(Job.id))
        .where(col(Job.ended_at) < before, tuple_(col(Job.kind), col(Job.created_at)).not_in(newest))
        .limit(limit)
    )
    connection = await session.connection()
    return (await connection.execute(delete(Job).where(col(Job.id).in_(old)))).rowcount


def retention_job(*, keep_for: timedelta, keep_audiences_for: timedelta) -> JobDescription:
    """Return the core's daily job that deletes what is older than ``keep_for``, and audiences after their own time."""

    async def forget(run: JobRun) -> dict[str, int]:
        before = run.clock.now() - keep_for
        events = await _in_batches(run, delete_told_events, before)
        jobs = await _in_batches(run, delete_ended_jobs, before)
        answers = await _in_batches(run, delete_old_answers, run.clock.now() - KEPT_FOR)
        messages = await _in_batches(run, delete_taken_messages, run.clock.now() - MESSAGES_KEPT_FOR)
        rejected = await _in_batches(run, delete_old_rejections, run.clock.now() - REJECTIONS_KEPT_FOR)
        verdicts = await _in_batches(run, delete_old_audiences, run.clock.now() - keep_audiences_for)
        return {
            "events": events,
            "jobs": jobs,
            "answers": answers,
            "messages": messages,
            "rejected": rejected,
            "verdicts": verdicts,
        }

    return JobDescription(
        "core.retention", forget, "Forget told events and ended jobs", "jobs:manage", trigger=daily(hour=4, minute=10)
    )


async def _in_batches(run: JobRun, deletion: Callable[..., Awaitable[int]], before: datetime) -> int:
    deleted, latest = 0, BATCH
    while latest == BATCH:
        async with run.writing() as session:
            latest = await deletion(session, before=before, limit=BATCH)
        deleted += latest
        await run.progress(deleted)
        await asyncio.sleep(BREATH_S)
    return deleted
