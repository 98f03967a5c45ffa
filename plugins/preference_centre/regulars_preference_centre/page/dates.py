"""Days and times as people read them in each language. Pure."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

__all__ = ["day_in_words", "moment_in_words"]

MONTHS = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "de": (
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
    "ar": (
        *("يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو"),
        *("يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"),
    ),
}


def day_in_words(day: date, language: str) -> str:
    """Return a day such as ``12 May 2026``, ``12. Mai 2026``."""
    dot = "." if language == "de" else ""
    return f"{day.day}{dot} {MONTHS[language][day.month - 1]} {day.year}"


def moment_in_words(moment: datetime, language: str, zone: ZoneInfo) -> str:
    """Return a moment as it was where the customer lives: ``12 May 2026, 18:04``."""
    there = moment.astimezone(zone)
    return f"{day_in_words(there.date(), language)}{'،' if language == 'ar' else ','} {there:%H:%M}"
