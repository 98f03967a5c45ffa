"""Times on the wall, as people type them: quiet hours and days. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from regulars import InvalidInput

__all__ = ["InvalidTime", "QuietHours", "day_begins", "read_day", "read_quiet_hours"]

CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
FURTHEST_DAYS = 366 * 2

QuietHours = tuple[str, str] | None
"""From and to, as ``HH:MM``; across midnight where the end is earlier. None is none."""


class InvalidTime(InvalidInput):
    """A time or a day was typed that no clock or calendar shows."""

    code = "INVALID_TIME"


def read_quiet_hours(begin: str, end: str) -> QuietHours:
    """Return the hours in which nothing may come; None where both are empty, or where they are equal.

    Raises ``InvalidTime`` naming the field.
    """
    if not begin.strip() and not end.strip():
        return None
    checked = _clock(begin, "quietFrom"), _clock(end, "quietTo")
    return None if checked[0] == checked[1] else checked


def read_day(text: str, *, field: str, today: date) -> date:
    """Return a day after ``today``, within two years; raises ``InvalidTime`` naming the field."""
    try:
        day = date.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidTime(f"{text!r} is no day. Write it as 2027-03-31.", path=(field,)) from error
    if not today < day <= today + timedelta(days=FURTHEST_DAYS):
        raise InvalidTime("Choose a day after today, within two years.", path=(field,))
    return day


def day_begins(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins where the customer lives."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _clock(text: str, field: str) -> str:
    match = CLOCK.fullmatch(text.strip()[:5])
    if match is None:
        raise InvalidTime(f"{text!r} is no time of day. Write it as 20:30.", path=(field,))
    return match.group()
