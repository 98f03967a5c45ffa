"""Days and moments on the page, for people and for programs."""

from dataclasses import dataclass
from datetime import datetime

from regulars_preference_centre.page.dates import day_in_words, moment_in_words
from regulars_preference_centre.page.visit import Visit

__all__ = ["Stamp", "day_of", "moment_of"]


@dataclass(frozen=True)
class Stamp:
    """A day or a moment: ``exact`` for programs, ``words`` for people."""

    exact: str
    words: str


def day_of(visit: Visit, moment: datetime) -> Stamp:
    """Return the day of a moment, where the customer lives."""
    day = moment.astimezone(visit.zone).date()
    return Stamp(day.isoformat(), day_in_words(day, visit.language))


def moment_of(visit: Visit, moment: datetime) -> Stamp:
    """Return a moment, by the clocks where the customer lives."""
    exact = moment.astimezone(visit.zone).isoformat(timespec="minutes")
    return Stamp(exact, moment_in_words(moment, visit.language, visit.zone))
