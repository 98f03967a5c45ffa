import asyncio
import itertools
import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from tests.core.jobs.conftest import QUICK

from regulars.errors import InvalidInput
from regulars.jobs.run import JobRun

if TYPE_CHECKING:
    from tests.core.jobs.conftest import Yard

SHORT_LEASE = replace(QUICK, lease=timedelta(milliseconds=400), heartbeat=timedelta(milliseconds=80))


async def test_a_job_runs_and_keeps_its_result(yard: "Yard") -> None:
    async def double(run: JobRun) -> dict[str, int]:
        return {"answer": run.input["n"] * 2}

    yard.define("test.job", double)
    job = await yard.enqueue("test.job", input={"n": 21})

    ended = await yard.finished(job, "SUCCEEDED")

    assert ended.result == {"answer": 42}
    assert (ended.worker, ended.lease_until, ended.problem) == (None, None, None)
    assert ended.ended_at is not None
    assert await yard.events(job) == ["job.queued", "job.started", "job.succeeded"]


async def test_a_run_knows_its_company_its_kind_and_its_attempt(yard: "Yard") -> None:
    async def tell(run: JobRun) -> dict[str, Any]:
        return {"zone": run.company.time_zone, "kind": run.kind, "attempt": run.attempt, "settings": run.settings}

    yard.define("test.job", tell)
    job = await yard.enqueue("test.job")

    ended = await yard.finished(job, "SUCCEEDED")

    assert ended.result == {"zone": "Europe/Berlin", "kind": "test.job", "attempt": 1, "settings": None}


async def test_after_a_fault_the_next_attempt_goes_on_from_the_checkpoint(yard: "Yard") -> None:
    async def two_pages(run: JobRun) -> None:
        page = (run.checkpoint or {"page": 0})["page"] + 1
        async with run.writing():
            await run.save_checkpoint({"page": page})
        assert page > 1, "the second page is missing"

    yard.define("test.job", two_pages)
    job = await yard.enqueue("test.job")

    ended = await yard.finished(job, "SUCCEEDED")

    assert (ended.attempts, ended.checkpoint, ended.problem) == (2, {"page": 2}, None)


async def test_a_job_that_always_fails_ends_as_a_visible_dead_letter(yard: "Yard") -> None:
    async def fail(run: JobRun) -> None:
        raise ZeroDivisionError("nothing to divide by\nsecret detail")

    yard.define("test.job", fail)
    job = await yard.enqueue("test.job")

    dead = await yard.finished(job, "DEAD")

    assert (dead.attempts, dead.problem) == (8, "ZeroDivisionError: nothing to divide by")
    assert (await yard.events(job))[-1] == "job.dead"


async def test_a_failed_job_waits_longer_before_each_attempt(yard: "Yard") -> None:
    async def fail(run: JobRun) -> None:
        raise ZeroDivisionError

    yard.define("test.job", fail)
    job = await yard.enqueue("test.job")

    async with yard.worker(replace(QUICK, first_delay=timedelta(minutes=10))):
        waiting = await yard.until_row(job, lambda row: row.problem is not None)

    assert waiting.status == "QUEUED"
    assert timedelta(minutes=9) < waiting.run_after - yard.clock.now() <= timedelta(minutes=10)


async def test_an_expected_error_is_not_tried_again(yard: "Yard") -> None:
    async def refuse(run: JobRun) -> None:
        raise InvalidInput("The file has no column e-mail. Name it in the mapping.")

    yard.define("test.job", refuse)
    job = await yard.enqueue("test.job")

    failed = await yard.finished(job, "FAILED")

    assert (failed.attempts, failed.problem) == (1, "The file has no column e-mail. Name it in the mapping.")
    assert await yard.events(job) == ["job.queued", "job.started", "job.failed"]


async def test_an_attempt_that_takes_too_long_is_broken_off_and_tried_again(yard: "Yard") -> None:
    async def slow_at_first(run: JobRun) -> None:
        async with run.writing():
            await asyncio.sleep(60 if run.attempt == 1 else 0)

    yard.define("test.job", slow_at_first, timeout=timedelta(milliseconds=200))
    job = await yard.enqueue("test.job")

    ended = await yard.finished(job, "SUCCEEDED")

    assert ended.attempts == 2


async def test_an_attempt_that_does_not_let_itself_be_broken_off_is_left_behind(yard: "Yard") -> None:
    released = asyncio.Event()

    async def stubborn(run: JobRun) -> None:
        while run.attempt == 1 and not released.is_set():
            try:
                await released.wait()
            except asyncio.CancelledError:
                continue
        await yard.note(run, f"attempt {run.attempt}")

    yard.define("test.job", stubborn, timeout=timedelta(milliseconds=200))
    job = await yard.enqueue("test.job")

    ended = await yard.finished(job, "SUCCEEDED")
    released.set()
    await asyncio.sleep(0.1)

    assert ended.attempts == 2
    assert await yard.notes(job.id) == ["attempt 2"]


async def test_a_running_job_sees_that_it_was_cancelled_and_can_clean_up(yard: "Yard") -> None:
    async def count(run: JobRun) -> None:
        try:
            for number in itertools.count():
                await run.progress(number)
                await asyncio.sleep(0.01)
        finally:
            await yard.note(run, "cleaned up")

    yard.define("test.job", count)
    job = await yard.enqueue("test.job")

    async with yard.worker(replace(QUICK, grace=timedelta(minutes=10))):
        await yard.until(job, "RUNNING")
        await yard.cancel(job)
        cancelled = await yard.until(job, "CANCELLED")

    assert cancelled.attempts == 1
    assert await yard.notes(job.id) == ["cleaned up"]
    assert await yard.events(job) == ["job.queued", "job.started", "job.cancel_requested", "job.cancelled"]


async def test_a_job_that_ignores_its_cancellation_is_broken_off(yard: "Yard") -> None:
    async def sleep(run: JobRun) -> None:
        await asyncio.sleep(60)

    yard.define("test.job", sleep)
    job = await yard.enqueue("test.job")

    async with yard.worker():
        await yard.until(job, "RUNNING")
        await yard.cancel(job)
        cancelled = await yard.until(job, "CANCELLED")

    assert cancelled.problem is None


async def test_progress_is_visible_while_the_job_runs(yard: "Yard") -> None:
    async def half(run: JobRun) -> None:
        await run.progress(5, 10, "half way")
        await asyncio.sleep(60)

    yard.define("test.job", half)
    job = await yard.enqueue("test.job")

    async with yard.worker():
        seen = await yard.until_row(job, lambda row: row.done > 0)

    assert (seen.status, seen.done, seen.total, seen.message) == ("RUNNING", 5, 10, "half way")


async def test_the_last_progress_is_kept_when_the_job_ends(yard: "Yard") -> None:
    async def finish(run: JobRun) -> None:
        await run.progress(9, 10)
        await run.progress(10, 10, "done")

    yard.define("test.job", finish)
    job = await yard.enqueue("test.job")

    ended = await yard.finished(job, "SUCCEEDED")

    assert (ended.done, ended.total, ended.message) == (10, 10, "done")


async def test_heavy_work_in_a_thread_does_not_cost_the_lease(yard: "Yard") -> None:
    async def compute(run: JobRun) -> dict[str, int]:
        return {"answer": await run.in_thread(_slow_sum, 20, 22)}

    yard.define("test.job", compute)
    job = await yard.enqueue("test.job")

    async with yard.worker(SHORT_LEASE), yard.worker(SHORT_LEASE):
        ended = await yard.until(job, "SUCCEEDED")

    assert (ended.result, ended.attempts) == ({"answer": 42}, 1)


async def test_an_error_in_the_thread_is_the_jobs(yard: "Yard") -> None:
    async def compute(run: JobRun) -> None:
        await run.in_thread(_refuse)

    yard.define("test.job", compute)
    job = await yard.enqueue("test.job")

    failed = await yard.finished(job, "FAILED")

    assert failed.problem == "No numbers."


async def test_a_worker_that_stops_gives_its_job_back(yard: "Yard") -> None:
    async def wait_at_first(run: JobRun) -> dict[str, Any]:
        if run.checkpoint is None:
            await run.save_checkpoint({"seen": True})
            await asyncio.sleep(60)
        return {"attempt": run.attempt}

    yard.define("test.job", wait_at_first)
    job = await yard.enqueue("test.job")

    async with yard.worker():
        await yard.until_row(job, lambda row: row.checkpoint is not None)
    given_back = await yard.read(job)
    ended = await yard.finished(job, "SUCCEEDED")

    assert (given_back.status, given_back.attempts, given_back.lease_until) == ("QUEUED", 0, None)
    assert ended.result == {"attempt": 1}


async def test_a_job_that_exits_the_process_does_not(yard: "Yard") -> None:
    async def leave(run: JobRun) -> None:
        if run.attempt == 1:
            raise SystemExit(3)

    yard.define("test.job", leave)
    job = await yard.enqueue("test.job")

    ended = await yard.finished(job, "SUCCEEDED")

    assert ended.attempts == 2


async def test_a_result_that_is_no_json_is_a_failure_that_says_so(yard: "Yard") -> None:
    async def return_a_set(run: JobRun) -> dict[str, Any]:
        return {"seen": {1, 2}}

    yard.define("test.job", return_a_set)
    job = await yard.enqueue("test.job")

    failed = await yard.finished(job, "FAILED")

    assert failed.problem is not None
    assert "no JSON object" in failed.problem


async def test_two_workers_share_the_jobs_and_run_each_once(yard: "Yard") -> None:
    async def leave_a_note(run: JobRun) -> None:
        await yard.note(run, "done")

    yard.define("test.job", leave_a_note)
    jobs = [await yard.enqueue("test.job") for _ in range(20)]

    async with yard.worker(slots=3), yard.worker(slots=3):
        for job in jobs:
            await yard.until(job, "SUCCEEDED")

    assert [await yard.notes(job.id) for job in jobs] == [["done"]] * 20


async def test_a_kind_that_becomes_known_later_is_run_then(yard: "Yard") -> None:
    async def run_late(run: JobRun) -> None:
        return None

    job = await yard.enqueue("test.later")

    async with yard.worker():
        await asyncio.sleep(0.1)
        before = await yard.read(job)
        yard.define("test.later", run_late)
        await yard.until(job, "SUCCEEDED")

    assert (before.status, before.attempts) == ("QUEUED", 0)


async def test_a_worker_outlives_a_database_that_is_out_of_order(yard: "Yard") -> None:
    async def run_later(run: JobRun) -> None:
        return None

    yard.define("test.job", run_later)
    job = await yard.enqueue("test.job")
    await rename(yard, "core_job", "core_job_away")

    async with yard.worker():
        await asyncio.sleep(0.2)
        await rename(yard, "core_job_away", "core_job")
        ended = await yard.until(job, "SUCCEEDED")

    assert ended.attempts == 1


async def rename(yard: "Yard", old: str, new: str) -> None:
    async with yard.database.writing() as session:
        await session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def _slow_sum(left: int, right: int) -> int:
    time.sleep(0.9)
    return left + right


def _refuse() -> None:
    raise InvalidInput("No numbers.")
