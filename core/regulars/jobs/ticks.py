"""Compute when a timed job is due, in the company's time zone."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from regulars.plugins.contributions import Trigger

__all__ = ["newest_tick", "next_tick"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def newest_tick(trigger: Trigger, *, at: datetime, zone: ZoneInfo) -> datetime:
    """Return the last moment, in UTC, at or before ``at`` when the trigger was due.

    Everybody who asks gets the same moment, so it can serve as a key. Distances are counted from 1970.
    """
    if trigger.distance is not None:
        return at.astimezone(UTC) - (at - EPOCH) % trigger.distance
    today = at.astimezone(zone).date()
    # A tick can slip past midnight (a zone that skips 23:30–00:30), hence the day before yesterday.
    return max(tick for tick in _ticks_around(trigger, today, zone) if tick <= at)


def next_tick(trigger: Trigger, *, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first moment, in UTC, after ``after`` when the trigger is due."""
    if trigger.distance is not None:
        return newest_tick(trigger, at=after, zone=zone) + trigger.distance
    today = after.astimezone(zone).date()
    return min(tick for tick in _ticks_around(trigger, today, zone) if tick > after)


def _ticks_around(trigger: Trigger, day: date, zone: ZoneInfo) -> list[datetime]:
    assert trigger.hour is not None
    wall = time(trigger.hour, trigger.minute)
    return [_moment(day + DAY * shift, wall, zone) for shift in (-2, -1, 0, 1, 2)]


def _moment(day: date, wall: time, zone: ZoneInfo) -> datetime:
    # Once per local day whatever the clocks do: an hour that comes twice counts the first time (fold 0), one that is
    # skipped counts as much later as the clocks were moved. A cron trigger runs twice on the first of these days.
    return datetime.combine(day, wall, zone).astimezone(UTC)
