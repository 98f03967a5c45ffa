"""Until when a privacy request must be answered; pure."""

from calendar import monthrange
from datetime import datetime

__all__ = ["one_month_after"]


def one_month_after(moment: datetime) -> datetime:
    """Return the end of the month that GDPR article 12(3) gives: the same day of the next month, or its last day.

    Source: Regulation (EEC, Euratom) 1182/71, article 3(2)(c).
    """
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))
