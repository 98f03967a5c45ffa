import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

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
    ("day", "expected"),
    [
        (datetime(2026, 3, 29, 12, tzinfo=UTC), "2026-03-29T01:30:00.000+00:00"),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), "2026-10-25T00:30:00.000+00:00"),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "2028-02-29T01:30:00.000+00:00"),
    ],
    ids=["clocks go forward", "clocks go back", "leap day"],
)
async def test_a_strange_day_has_one_row_too(yard: "Yard", day: datetime, expected: str) -> None:
    yard.define("test.tick", nothing, trigger=daily(hour=2, minute=30))

    for minute in range(0, 24 * 60, 30):
        await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=day + timedelta(minutes=minute - 12 * 60 - 30))

    assert [key for key in await keys(yard) if key[:10] == expected[:10]] == [expected]


async def test_a_tick_takes_the_place_of_those_nobody_started(yard: "Yard", clock: SettableClock) -> None:
    yard.define("test.tick", nothing, trigger=every(timedelta(minutes=5)))
    yard.clock = clock
    by_hand = await yard.enqueue("test.tick", key="by hand")

    (first,) = await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now())
    clock.advance(timedelta(minutes=5))
    (second,) = await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now())

    assert [(await yard.read(job)).status for job in (first, second, by_hand)] == ["CANCELLED", "QUEUED", "QUEUED"]
    assert await yard.events(first) == ["job.queued", "job.cancelled"]


async def test_a_job_without_a_trigger_never_starts_by_itself(yard: "Yard", clock: SettableClock) -> None:
    yard.define("test.tick", nothing)

    assert await enqueue_due(yard.database, yard.kinds, zone=BERLIN, now=clock.now()) == []


async def test_the_scheduler_makes_up_at_its_start_for_a_tick_that_was_missed(
    yard: "Yard", clock: SettableClock
) -> None:
    yard.define("test.tick", nothing, trigger=daily(hour=3))

    async with running_scheduler(yard.database, yard.kinds, clock=clock, time_zone="Europe/Berlin"):
        await _until_there_are(yard, 1)

    assert await keys(yard) == ["2026-03-02T02:00:00.000+00:00"]


async def test_the_scheduler_notices_a_kind_that_comes_later(yard: "Yard", clock: SettableClock) -> None:
    quick = timedelta(milliseconds=50)

    async with running_scheduler(yard.database, yard.kinds, clock=clock, time_zone="Europe/Berlin", refresh=quick):
        await asyncio.sleep(0.1)
        yard.define("test.tick", nothing, trigger=daily(hour=3))
        await _until_there_are(yard, 1)

    assert await keys(yard) == ["2026-03-02T02:00:00.000+00:00"]


async def _until_there_are(yard: "Yard", count: int) -> None:
    while len(await keys(yard)) < count:  # noqa: ASYNC110  # others write the rows
        await asyncio.sleep(0.02)
