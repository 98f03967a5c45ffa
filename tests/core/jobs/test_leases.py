import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import structlog

from regulars.clock import SettableClock
from regulars.jobs.leases import LeaseLost, claim_job, end_run, take_back_expired
from regulars.jobs.models import Job
from regulars.jobs.run import AlreadyWriting, JobRun
from regulars.jobs.service import enqueue_job

if TYPE_CHECKING:
    from tests.core.jobs.conftest import Yard

LEASE = timedelta(seconds=60)
HOUR = timedelta(hours=1)


class Stand:
    """Workers without a worker: claims by hand, on a clock that stands still."""

    def __init__(self, yard: "Yard", clock: SettableClock) -> None:
        self.yard, self.clock = yard, clock
        yard.clock = clock

    async def claim(self, worker: str = "one", slots: Mapping[str, int] | None = None) -> Job | None:
        async with self.yard.database.writing() as session:
            now = self.clock.now()
            await take_back_expired(session, lease=LEASE, now=now)
            kinds = ("test.job", "test.other")
            return await claim_job(session, kinds=kinds, slots=slots or {}, worker=worker, lease=LEASE, now=now)

    async def run_of(self, worker: str = "one") -> JobRun:
        job = await self.claim(worker)
        assert job is not None
        return JobRun(
            job,
            database=self.yard.database,
            clock=self.clock,
            company=None,  # type: ignore[arg-type]  # nobody asks for it here
            settings=None,
            log=structlog.get_logger(),
            random=Random(1),
            lease=LEASE,
        )


@pytest_asyncio.fixture
async def stand(yard: "Yard", clock: SettableClock) -> AsyncIterator[Stand]:
    yield Stand(yard, clock)


async def test_of_many_workers_one_gets_the_job(stand: Stand) -> None:
    await stand.yard.enqueue("test.job")

    claims = await asyncio.gather(*(stand.claim(f"worker {number}") for number in range(6)))

    assert sum(claim is not None for claim in claims) == 1


async def test_many_workers_get_a_job_each(stand: Stand) -> None:
    jobs = [await stand.yard.enqueue("test.job") for _ in range(6)]

    claims = await asyncio.gather(*(stand.claim(f"worker {number}") for number in range(6)))

    assert {claim.id for claim in claims if claim is not None} == {job.id for job in jobs}


async def test_the_job_that_waited_longest_comes_first(stand: Stand) -> None:
    first = await stand.yard.enqueue("test.job")
    stand.clock.advance(timedelta(seconds=1))
    await stand.yard.enqueue("test.job")

    claimed = await stand.claim()

    assert claimed is not None
    assert claimed.id == first.id


async def test_a_job_waits_for_its_time(stand: Stand) -> None:
    async with stand.yard.database.writing() as session:
        now = stand.clock.now()
        await enqueue_job(session, kind="test.job", actor="staff:1", run_after=now + timedelta(hours=1), now=now)

    early = await stand.claim()
    stand.clock.advance(timedelta(hours=1))
    in_time = await stand.claim()

    assert early is None
    assert in_time is not None


async def test_a_job_nobody_here_knows_stays_queued(stand: Stand) -> None:
    job = await stand.yard.enqueue("elsewhere.job")

    claimed = await stand.claim()

    assert claimed is None
    assert (await stand.yard.read(job)).status == "QUEUED"


async def test_a_leased_job_is_left_alone_until_its_lease_ends(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    await stand.claim("one")

    stand.clock.advance(LEASE - timedelta(seconds=1))
    early = await stand.claim("two")
    stand.clock.advance(timedelta(seconds=2))
    late = await stand.claim("two")

    assert early is None
    assert late is not None
    assert (late.id, late.worker, late.fence, late.attempts) == (job.id, "two", 2, 2)


async def test_a_renewed_lease_holds_longer(stand: Stand) -> None:
    await stand.yard.enqueue("test.job")
    run = await stand.run_of("one")

    stand.clock.advance(LEASE - timedelta(seconds=1))
    await run.renew()
    stand.clock.advance(LEASE - timedelta(seconds=1))

    assert await stand.claim("two") is None


@pytest.mark.row(23)
async def test_the_job_of_a_dead_worker_is_taken_over_within_a_lease_when_the_clock_was_set_back(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    await stand.claim("one")

    stand.clock.advance(-HOUR)
    at_once = await stand.claim("two")
    stand.clock.advance(LEASE + timedelta(seconds=1))
    late = await stand.claim("two")

    assert at_once is None
    assert late is not None
    assert (late.id, late.worker, late.attempts) == (job.id, "two", 2)


@pytest.mark.row(23)
async def test_a_living_worker_keeps_its_job_when_the_clock_was_set_back(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    run = await stand.run_of("one")

    stand.clock.advance(-HOUR)
    at_once = await stand.claim("two")
    stand.clock.advance(LEASE - timedelta(seconds=1))
    await run.renew()
    stand.clock.advance(LEASE - timedelta(seconds=1))

    assert (at_once, await stand.claim("two")) == (None, None)
    assert (await stand.yard.read(job)).worker == "one"


@pytest.mark.row(23)
async def test_a_clock_that_is_a_little_behind_another_one_leaves_its_leases_as_they_are(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    await stand.claim("one")
    given = (await stand.yard.read(job)).lease_until

    stand.clock.advance(-LEASE / 6)
    await stand.claim("two")

    assert (await stand.yard.read(job)).lease_until == given


@pytest.mark.row(23)
async def test_a_job_that_was_to_begin_at_once_does_not_wait_for_a_clock_that_was_set_back(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")

    stand.clock.advance(-HOUR)
    claimed = await stand.claim()

    assert claimed is not None
    assert claimed.id == job.id


async def test_a_worker_that_lost_its_lease_commits_nothing(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    late = await stand.run_of("one")
    stand.clock.advance(LEASE + timedelta(seconds=1))
    current = await stand.run_of("two")

    with pytest.raises(LeaseLost):
        await stand.yard.note(late, "by the late one")
    with pytest.raises(LeaseLost):
        await late.save_checkpoint({"by": "the late one"})
    await stand.yard.note(current, "by the current one")

    assert await stand.yard.notes(job.id) == ["by the current one"]
    assert (await stand.yard.read(job)).checkpoint is None


async def test_a_worker_that_lost_its_lease_cannot_end_the_job(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    late = await stand.run_of("one")
    stand.clock.advance(LEASE + timedelta(seconds=1))
    await stand.claim("two")

    with pytest.raises(LeaseLost):
        async with stand.yard.database.writing() as session:
            await end_run(session, late.claim, status="SUCCEEDED", now=stand.clock.now())

    assert (await stand.yard.read(job)).status == "RUNNING"


async def test_a_late_worker_keeps_its_work_when_nobody_took_the_job(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    run = await stand.run_of("one")

    stand.clock.advance(LEASE * 3)
    await stand.yard.note(run, "late")

    assert await stand.yard.notes(job.id) == ["late"]
    assert await stand.claim("two") is None


async def test_the_effect_and_its_checkpoint_commit_together(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    run = await stand.run_of()

    with pytest.raises(ZeroDivisionError):  # noqa: PT012  # the session is what the error passes through
        async with run.writing():
            await run.save_checkpoint({"page": 1})
            raise ZeroDivisionError
    unkept = (await stand.yard.read(job)).checkpoint
    async with run.writing():
        await run.save_checkpoint({"page": 2})

    assert unkept is None
    assert (await stand.yard.read(job)).checkpoint == {"page": 2}
    assert run.checkpoint == {"page": 2}


async def test_a_checkpoint_can_be_saved_by_itself(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    run = await stand.run_of()

    await run.save_checkpoint({"page": 7})

    assert (await stand.yard.read(job)).checkpoint == {"page": 7}


async def test_a_second_writing_session_is_refused_instead_of_waiting_for_itself(stand: Stand) -> None:
    await stand.yard.enqueue("test.job")
    run = await stand.run_of()

    with pytest.raises(AlreadyWriting, match=r"test\.job"):
        async with run.writing(), run.writing():
            pass


async def test_eight_lost_leases_make_a_dead_letter(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")

    for _ in range(8):
        await stand.claim()
        stand.clock.advance(LEASE + timedelta(seconds=1))
    ninth = await stand.claim()
    dead = await stand.yard.read(job)

    assert ninth is None
    assert (dead.status, dead.attempts, dead.problem) == ("DEAD", 8, "Its worker stopped without a word.")
    assert (await stand.yard.events(job))[-1] == "job.dead"


async def test_a_cancelled_job_whose_worker_died_is_not_run_again(stand: Stand) -> None:
    job = await stand.yard.enqueue("test.job")
    await stand.claim()
    await stand.yard.cancel(job)

    stand.clock.advance(LEASE + timedelta(seconds=1))
    again = await stand.claim()

    assert again is None
    assert (await stand.yard.read(job)).status == "CANCELLED"


async def test_an_exclusive_kind_runs_one_at_a_time(stand: Stand) -> None:
    for kind in ("test.job", "test.job", "test.other"):
        await stand.yard.enqueue(kind)

    claims = await asyncio.gather(*(stand.claim(f"worker {n}", slots={"test.job": 1}) for n in range(6)))

    assert sorted(claim.kind for claim in claims if claim is not None) == ["test.job", "test.other"]
