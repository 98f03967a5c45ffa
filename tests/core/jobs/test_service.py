import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from regulars.errors import ForbiddenTransition, NotFound
from regulars.jobs.run import JobRun
from regulars.jobs.service import cancel_job, list_jobs, repeat_job

if TYPE_CHECKING:
    from tests.core.jobs.conftest import Yard


async def nothing(run: JobRun) -> None:
    return None


async def test_the_same_key_gives_the_job_that_is_there(yard: "Yard") -> None:
    first = await yard.enqueue("test.job", key="monday", input={"n": 1})
    second = await yard.enqueue("test.job", key="monday", input={"n": 2})

    assert second.id == first.id
    assert second.input == {"n": 1}
    assert await yard.events(first) == ["job.queued"]


async def test_the_same_key_of_another_kind_is_another_job(yard: "Yard") -> None:
    first = await yard.enqueue("test.job", key="monday")
    second = await yard.enqueue("test.other", key="monday")

    assert second.id != first.id


async def test_without_a_key_every_call_makes_a_job(yard: "Yard") -> None:
    first = await yard.enqueue("test.job")
    second = await yard.enqueue("test.job")

    assert second.id != first.id


async def test_many_who_enqueue_one_key_at_once_get_one_job(yard: "Yard") -> None:
    jobs = await asyncio.gather(*(yard.enqueue("test.job", key="tick") for _ in range(8)))

    assert len({job.id for job in jobs}) == 1
    assert await yard.events(jobs[0]) == ["job.queued"]


async def test_a_waiting_job_is_cancelled_at_once_and_never_runs(yard: "Yard") -> None:
    yard.define("test.job", nothing)
    job = await yard.enqueue("test.job")
    other = await yard.enqueue("test.job")

    cancelled = await yard.cancel(job)
    await yard.finished(other, "SUCCEEDED")

    assert cancelled.status == "CANCELLED"
    assert cancelled.ended_at is not None
    assert (await yard.read(job)).attempts == 0
    assert await yard.events(job) == ["job.queued", "job.cancelled"]


async def test_cancelling_twice_changes_nothing(yard: "Yard") -> None:
    job = await yard.enqueue("test.job")

    first = await yard.cancel(job)
    second = await yard.cancel(job)

    assert second.ended_at == first.ended_at
    assert await yard.events(job) == ["job.queued", "job.cancelled"]


async def test_a_job_that_has_ended_cannot_be_cancelled(yard: "Yard") -> None:
    yard.define("test.job", nothing)
    job = await yard.enqueue("test.job")
    await yard.finished(job, "SUCCEEDED")

    with pytest.raises(ForbiddenTransition, match="SUCCEEDED"):
        await yard.cancel(job)

    assert (await yard.read(job)).is_cancel_requested is False


async def test_a_job_that_does_not_exist_cannot_be_cancelled(yard: "Yard") -> None:
    with pytest.raises(NotFound):
        async with yard.database.writing() as session:
            await cancel_job(session, id=uuid4(), actor="staff:1", now=yard.clock.now())


async def test_a_cancelled_job_can_be_repeated(yard: "Yard") -> None:
    yard.define("test.job", nothing)
    job = await yard.enqueue("test.job")
    await yard.cancel(job)

    async with yard.database.writing() as session:
        await repeat_job(session, id=job.id, actor="staff:1", now=yard.clock.now())
    ended = await yard.finished(job, "SUCCEEDED")

    assert ended.attempts == 1
    assert await yard.events(job) == ["job.queued", "job.cancelled", "job.queued", "job.started", "job.succeeded"]


async def test_a_job_that_succeeded_cannot_be_repeated(yard: "Yard") -> None:
    yard.define("test.job", nothing)
    job = await yard.enqueue("test.job")
    await yard.finished(job, "SUCCEEDED")

    with pytest.raises(ForbiddenTransition, match="SUCCEEDED"):
        async with yard.database.writing() as session:
            await repeat_job(session, id=job.id, actor="staff:1", now=yard.clock.now())

    assert (await yard.read(job)).status == "SUCCEEDED"


async def test_jobs_are_listed_by_kind_and_status_newest_first(yard: "Yard") -> None:
    old = await yard.enqueue("test.job")
    new = await yard.enqueue("test.job")
    await yard.cancel(await yard.enqueue("test.job"))
    await yard.enqueue("test.other")

    async with yard.database.reading() as session:
        found = await list_jobs(session, kind="test.job", statuses=["QUEUED"])

    assert [job.id for job in found] == [new.id, old.id]
