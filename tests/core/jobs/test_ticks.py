from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from regulars.jobs.ticks import newest_tick, next_tick
from regulars.plugins.contributions import Trigger, daily, every

pytestmark = pytest.mark.row(23)

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
APIA = ZoneInfo("Pacific/Apia")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "hour", "minute", "after", "expected"),
    [
        pytest.param(BERLIN, 3, 0, "2026-03-02T01:59:59", "2026-03-02T02:00:00", id="winter"),
        pytest.param(BERLIN, 3, 0, "2026-03-02T02:00:00", "2026-03-03T02:00:00", id="strictly later"),
        pytest.param(BERLIN, 3, 0, "2026-03-28T02:00:00", "2026-03-29T01:00:00", id="the first summer morning"),
        pytest.param(BERLIN, 2, 30, "2026-03-28T01:30:00", "2026-03-29T01:30:00", id="a skipped hour counts, later"),
        pytest.param(BERLIN, 2, 30, "2026-03-29T01:30:00", "2026-03-30T00:30:00", id="after the skipped hour"),
        pytest.param(BERLIN, 2, 30, "2026-10-24T00:30:00", "2026-10-25T00:30:00", id="an hour that comes twice"),
        pytest.param(BERLIN, 2, 30, "2026-10-25T00:30:00", "2026-10-26T01:30:00", id="counts the first time only"),
        pytest.param(BERLIN, 3, 0, "2028-02-28T02:00:00", "2028-02-29T02:00:00", id="leap day"),
        pytest.param(BERLIN, 3, 0, "2028-02-29T02:00:00", "2028-03-01T02:00:00", id="after the leap day"),
        pytest.param(BERLIN, 3, 0, "2027-02-28T02:00:00", "2027-03-01T02:00:00", id="no leap day"),
        pytest.param(BERLIN, 0, 15, "2026-12-31T23:00:00", "2026-12-31T23:15:00", id="the next year at home"),
        pytest.param(NEW_YORK, 2, 30, "2026-03-07T07:30:00", "2026-03-08T07:30:00", id="New York skips too"),
        pytest.param(NEW_YORK, 1, 30, "2026-11-01T05:30:00", "2026-11-02T06:30:00", id="New York repeats too"),
        pytest.param(LORD_HOWE, 2, 15, "2026-10-02T16:00:00", "2026-10-03T15:45:00", id="half an hour is skipped"),
        pytest.param(APIA, 3, 0, "2011-12-29T13:00:00", "2011-12-30T13:00:00", id="a whole day is skipped"),
        pytest.param(APIA, 3, 0, "2011-12-30T13:00:00", "2011-12-31T13:00:00", id="after the skipped day"),
    ],
)
def test_a_daily_tick_comes_once_a_day_of_the_zone(
    zone: ZoneInfo, hour: int, minute: int, after: str, expected: str
) -> None:
    tick = next_tick(daily(hour=hour, minute=minute), after=utc(after), zone=zone)

    assert tick == utc(expected)


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, LORD_HOWE], ids=str)
@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (1, 30), (2, 0), (2, 30), (3, 0), (23, 59)])
@pytest.mark.parametrize("year", [2026, 2028])
def test_a_year_has_as_many_daily_ticks_as_days(zone: ZoneInfo, hour: int, minute: int, year: int) -> None:
    days = [tick.astimezone(zone).date() for tick in ticks_of_a_year(daily(hour=hour, minute=minute), zone, year)]

    assert len(days) == len(set(days)) == (datetime(year + 1, 1, 1, tzinfo=UTC) - datetime(year, 1, 1, tzinfo=UTC)).days


@pytest.mark.parametrize("trigger", [daily(hour=2, minute=30), every(timedelta(minutes=7)), every(timedelta(days=3))])
def test_the_newest_tick_is_the_one_that_came_next(trigger: Trigger) -> None:
    start = utc("2026-10-25T00:29:00")
    tick = next_tick(trigger, after=start, zone=BERLIN)

    assert newest_tick(trigger, at=tick, zone=BERLIN) == tick
    assert newest_tick(trigger, at=tick + timedelta(seconds=1), zone=BERLIN) == tick
    assert newest_tick(trigger, at=tick - timedelta(microseconds=1), zone=BERLIN) <= start


def test_a_distance_is_the_same_for_everybody_and_takes_no_notice_of_the_clocks() -> None:
    trigger = every(timedelta(minutes=15))

    one = newest_tick(trigger, at=utc("2026-10-25T01:07:12"), zone=BERLIN)
    two = newest_tick(trigger, at=utc("2026-10-25T01:14:59"), zone=NEW_YORK)

    assert one == two == utc("2026-10-25T01:00:00")
    assert next_tick(trigger, after=one, zone=BERLIN) == utc("2026-10-25T01:15:00")


def ticks_of_a_year(trigger: Trigger, zone: ZoneInfo, year: int) -> list[datetime]:
    ticks = []
    moment = datetime(year, 1, 1, tzinfo=zone) - timedelta(microseconds=1)
    while (moment := next_tick(trigger, after=moment, zone=zone)).astimezone(zone).year == year:
        ticks.append(moment)
    return ticks
