"""Wall clocks in many time zones: when a stretch of the day begins and ends there; pure.

Zones and times by the clock on the wall are what is stored, never offsets. On days when clocks are changed, a time that
comes twice and one that never comes are each read to the customer's advantage.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from regulars.contact.requests import WallClockWindow

__all__ = ["AllowedHours", "allowed_again", "instant_of", "quiet_until", "wall_time"]

DAY = timedelta(days=1)
MOST_DAYS = 30

Side = Literal["first", "last"]

AllowedHours = dict[int, Sequence[WallClockWindow]]
"""Stretches in which a contact is allowed, by day of the week from 0 for Monday; a missing day has none."""


def wall_time(text: str) -> time | None:
    """Return a time of day written as ``21:00`` or ``21:00:30``; None for anything else."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(part.isascii() and part.isdigit() and len(part) == 2 for part in parts):
        return None
    hour, minute, second = (int(part) for part in (*parts, "00")[:3])
    return time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


@lru_cache(maxsize=20_000)
def instant_of(day: date, clock: time, zone: str, side: Side) -> datetime:
    """Return the moment, in UTC, at which the clock on the wall shows this time.

    Of a time that comes twice, ``side`` says which; one that is skipped is the moment of the jump.
    """
    wall = datetime.combine(day, clock)
    where = ZoneInfo(zone)
    early, late = (wall.replace(tzinfo=where, fold=fold).astimezone(UTC) for fold in (0, 1))
    if early <= late:
        return early if side == "first" else late
    return _jump_between(late, early, where)


def quiet_until(windows: Iterable[WallClockWindow], zones: Sequence[str], at: datetime) -> datetime | None:
    """Return when the quiet hours that hold at this moment end; None when it is not quiet.

    It is quiet when it is so in any of the zones, and until the latest end among them.
    """
    ends = [end for window in windows for zone in zones if (end := _window_end(window, zone, at)) is not None]
    return max(ends, default=None)


def allowed_again(
    hours: AllowedHours, holidays: "frozenset[date]", zones: Sequence[str], at: datetime
) -> datetime | None:
    """Return from when on a contact is allowed again in all zones; None when it is allowed at this moment.

    On ``holidays`` nothing is allowed. A stretch that opens at a time that comes twice opens the second time, and one
    that closes so closes the first time.
    """
    openings = [opening for zone in zones if (opening := _next_opening(hours, holidays, zone, at)) is not None]
    return max(openings, default=None)


def _jump_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    offset = before.astimezone(zone).utcoffset()
    first, last = int(before.timestamp()), int(after.timestamp())
    while last - first > 1:
        middle = (first + last) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == offset:
            first = middle
        else:
            last = middle
    return datetime.fromtimestamp(last, UTC)


@lru_cache(maxsize=20_000)
def _span(window: WallClockWindow, zone: str, day: date, opening: Side, closing: Side) -> tuple[datetime, datetime]:
    start, end = _checked_time(window.start), _checked_time(window.end)
    last_day = day + DAY if end < start else day
    return instant_of(day, start, zone, opening), instant_of(last_day, end, zone, closing)


def _checked_time(text: str) -> time:
    clock = wall_time(text)
    assert clock is not None, f"{text!r} was checked when it was written"
    return clock


def _window_end(window: WallClockWindow, zone: str, at: datetime) -> datetime | None:
    if window.start == window.end:
        return None
    today = at.astimezone(ZoneInfo(zone)).date()
    spans = (_span(window, zone, today + days * DAY, "first", "last") for days in (-2, -1, 0, 1))
    return max((end for start, end in spans if start <= at < end), default=None)


def _next_opening(hours: AllowedHours, holidays: "frozenset[date]", zone: str, at: datetime) -> datetime | None:
    today = at.astimezone(ZoneInfo(zone)).date()
    for days in range(-1, MOST_DAYS):
        day = today + days * DAY
        if day in holidays:
            continue
        for window in hours.get(day.weekday(), ()):
            start, end = _span(window, zone, day, "last", "first")
            if start <= at < end:
                return None
            if start > at and start < end:
                return start
    raise AssertionError("these hours allow nothing for a month")
