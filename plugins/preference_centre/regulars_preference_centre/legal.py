"""When and how often the law allows marketing calls and messages: examples for tests, not legal advice."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache

from regulars import AllowedHours, ContactCap, WallClockWindow

__all__ = ["countries_with_law", "legal_caps", "legal_hours", "statutory_holidays"]

EVERY_DAY = range(7)
MONDAY_TO_FRIDAY = range(5)
FRENCH_DAY = (WallClockWindow("10:00", "13:00"), WallClockWindow("14:00", "20:00"))

HOURS: dict[tuple[str, str], AllowedHours] = {
    ("US", "voice"): {day: (WallClockWindow("08:00", "21:00"),) for day in EVERY_DAY},
    ("US", "sms"): {day: (WallClockWindow("08:00", "21:00"),) for day in EVERY_DAY},
    ("US-FL", "voice"): {day: (WallClockWindow("08:00", "20:00"),) for day in EVERY_DAY},
    ("US-FL", "sms"): {day: (WallClockWindow("08:00", "20:00"),) for day in EVERY_DAY},
    ("FR", "voice"): dict.fromkeys(MONDAY_TO_FRIDAY, FRENCH_DAY),
}

CAPS: dict[tuple[str, str], ContactCap] = {
    ("US-FL", "voice"): ContactCap(3, 24, "voice"),
    ("US-FL", "sms"): ContactCap(3, 24, "sms"),
    ("FR", "voice"): ContactCap(4, 30 * 24, "voice"),
}


def legal_hours(jurisdiction: str | None, channel: str) -> AllowedHours | None:
    """Return when contacts by this channel are allowed; None where the law says nothing."""
    return next((HOURS[place, channel] for place in _places(jurisdiction) if (place, channel) in HOURS), None)


def legal_caps(jurisdiction: str | None, channel: str) -> tuple[ContactCap, ...]:
    """Return how often a customer may be contacted by this channel at most."""
    return tuple(CAPS[place, channel] for place in _places(jurisdiction)[:1] if (place, channel) in CAPS) or tuple(
        CAPS[place, channel] for place in _places(jurisdiction)[1:] if (place, channel) in CAPS
    )


def countries_with_law(channel: str) -> Sequence[str]:
    """Return the countries in which the law says something about contacts by this channel."""
    return sorted({place.partition("-")[0] for place, of_channel in (*HOURS, *CAPS) if of_channel == channel})


@lru_cache(maxsize=64)
def statutory_holidays(jurisdiction: str | None, year: int) -> frozenset[date]:
    """Return the days on which nobody may be called: in France the eleven of the Code du travail, article L3133-1."""
    if not _places(jurisdiction) or _places(jurisdiction)[-1] != "FR":
        return frozenset()
    easter = _easter_sunday(year)
    moving = {easter + timedelta(days=days) for days in (1, 39, 50)}  # Easter Monday, Ascension, Whit Monday
    fixed = {
        date(year, month, day) for month, day in ((1, 1), (5, 1), (5, 8), (7, 14), (8, 15), (11, 1), (11, 11), (12, 25))
    }
    return frozenset(moving | fixed)


def _places(jurisdiction: str | None) -> tuple[str, ...]:
    """Return the jurisdiction and its country, the narrower one first."""
    if not jurisdiction:
        return ()
    return tuple(dict.fromkeys((jurisdiction, jurisdiction.partition("-")[0])))


def _easter_sunday(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar.

    Source: the algorithm in Meeus (1991), Astronomical Algorithms, chapter 8.
    """
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, day = divmod(h + j - 7 * m + 114, 31)
    return date(year, month, day + 1)
