import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from tests.core.jobs.conftest import QUICK

from regulars.clock import SettableClock
from regulars.jobs.run import JobRun
from regulars.jobs.scheduler import enqueue_due, running_scheduler
from regulars.jobs.service import list_jobs
from regulars.plugins.contributions import daily, every

if TYPE_CHECKING:
    from tests.core.jobs.conftest import Yard

BERLIN = ZoneInfo("Europe/Berlin")


async def nothing(run: JobRun) -> None:
    return None


async def keys(yard: "Yard", kind: str = "test.tick") -> list[str]:
    async with yard.database.reading() as session:
        return sorted(job.key for job in await list_jobs(session, kind=kind))


def in_berlin() -> str:
    return "Europe/Berlin"


async def test_a_tick_makes_one_row_whoever_notices_it(yard: "Yard", clock: SettableClock) -> None:
    yard.define("test.tick", nothing, trigger=daily(hour=3))

    due = [enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now()) for _ in range(5)]
    await asyncio.gather(*due)

    assert await keys(yard) == ["2026-03-02T02:00:00.000+00:00"]


async def test_nothing_is_due_between_two_ticks(yard: "Yard", clock: SettableClock) -> None:
    yard.define("test.tick", nothing, trigger=daily(hour=3))

    first = await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now())
    clock.advance(timedelta(hours=13, minutes=59))
    second = await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now())
    clock.advance(timedelta(minutes=1))
    third = await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now())

    assert [len(first), len(second), len(third)] == [1, 0, 1]


@pytest.mark.parametrize(
    ("day", "day_before", "expected"),
    [
        (datetime(2026, 3, 29, 12, tzinfo=UTC), "2026-03-28T01:30:00.000+00:00", "2026-03-29T01:30:00.000+00:00"),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), "2026-10-24T00:30:00.000+00:00", "2026-10-25T00:30:00.000+00:00"),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "2028-02-28T01:30:00.000+00:00", "2028-02-29T01:30:00.000+00:00"),
    ],
    ids=["clocks go forward", "clocks go back", "leap day"],
)
async def test_a_strange_day_has_one_row_too(yard: "Yard", day: datetime, day_before: str, expected: str) -> None:
    yard.define("test.tick", nothing, trigger=daily(hour=2, minute=30))

    await notice_all_day(yard, day)

    assert await keys(yard) == [day_before, expected]


async def test_a_tick_takes_the_place_of_those_nobody_started(yard: "Yard", clock: SettableClock) -> None:
    yard.define("test.tick", nothing, trigger=every(timedelta(minutes=5)))
    yard.clock = clock
    by_hand = await yard.enqueue("test.tick", key="1 by hand")

    (first,) = await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now())
    clock.advance(timedelta(minutes=5))
    (second,) = await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now())

    assert [(await yard.read(job)).status for job in (first, second, by_hand)] == ["CANCELLED", "QUEUED", "QUEUED"]
    assert await yard.events(first) == ["job.queued", "job.cancelled"]


async def test_a_tick_that_was_started_is_not_replaced(yard: "Yard", clock: SettableClock) -> None:
    async def fail(run: JobRun) -> None:
        raise ZeroDivisionError

    yard.define("test.tick", fail, trigger=every(timedelta(minutes=5)))
    yard.clock = clock
    (first,) = await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now())
    async with yard.worker(replace(QUICK, first_delay=timedelta(hours=1))):
        await yard.until_row(first, lambda row: row.problem is not None)

    clock.advance(timedelta(minutes=5))
    await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now())

    assert (await yard.read(first)).status == "QUEUED"


async def test_a_job_without_a_trigger_never_starts_by_itself(yard: "Yard", clock: SettableClock) -> None:
    yard.define("test.tick", nothing)

    assert await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now()) == []


async def test_the_scheduler_makes_up_at_its_start_for_a_tick_that_was_missed(
    yard: "Yard", clock: SettableClock
) -> None:
    yard.define("test.tick", nothing, trigger=daily(hour=3))

    async with running_scheduler(yard.database, yard.kinds, clock=clock, time_zone=in_berlin):
        await _until_there_are(yard, 1)

    assert await keys(yard) == ["2026-03-02T02:00:00.000+00:00"]


async def test_the_scheduler_notices_a_kind_that_comes_later(yard: "Yard", clock: SettableClock) -> None:
    quick = timedelta(milliseconds=50)

    async with running_scheduler(yard.database, yard.kinds, clock=clock, time_zone=in_berlin, refresh=quick):
        await asyncio.sleep(0.1)
        yard.define("test.tick", nothing, trigger=daily(hour=3))
        await _until_there_are(yard, 1)

    assert await keys(yard) == ["2026-03-02T02:00:00.000+00:00"]


async def notice_all_day(yard: "Yard", day: datetime) -> None:
    """Ask every half an hour from an hour before the day, in UTC, to its end."""
    hours = [timedelta(minutes=30) * half for half in range(-26, 24)]
    for distance in hours:
        await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=day + distance)


async def _until_there_are(yard: "Yard", count: int) -> None:
    while len(await keys(yard)) < count:  # noqa: ASYNC110  # others write the rows
        await asyncio.sleep(0.02)
