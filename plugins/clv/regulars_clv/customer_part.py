"""What customers see of their score on their own page: the range in words, how it changed, and how it is made."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from regulars import PluginContext, SlotPart, SlotVisit
from regulars_clv.customer_words import customer_words, use_of_scores
from regulars_clv.fits import newest_fit
from regulars_clv.models import ClvPastScore, ClvScore
from regulars_clv.range_chart import MonthRange, range_chart
from regulars_clv.scores import past_scores

__all__ = ["show_score"]

MONTHS_SHOWN = 6
A_MOMENT = timedelta(seconds=1)
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£"}
RIGHT_TO_LEFT = ("ar",)


async def show_score(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
    """Return the customer's score as a range, its history and its method; None while nobody is scored at all."""
    score = await ctx.session.get(ClvScore, visit.customer_id)
    model = await newest_fit(ctx.session)
    if model is None:
        return None
    words = customer_words(visit.language)
    zone = ZoneInfo(ctx.company.time_zone)
    method = words["method"].format(
        customers=_counted(model.customers), until=_day(model.data_until - A_MOMENT, zone, words)
    )
    use = use_of_scores(ctx, visit.language)
    shared = {"w": words, "method": method, "version": model.version, "use": use}
    if score is None or score.low is None or score.high is None:
        return SlotPart("score.html", {**shared, "state": "none" if score is None else "unknown"})
    past = await past_scores(ctx.session, customer_id=visit.customer_id, most=MONTHS_SHOWN)
    ranges = [_month(one, visit.language, words) for one in past if one.low is not None and one.high is not None]
    return SlotPart(
        "score.html",
        {
            **shared,
            "state": "known",
            "low": _money(score.low, score.currency, visit.language, ROUND_FLOOR),
            "high": _money(score.high, score.currency, visit.language, ROUND_CEILING),
            "level": f"{round(score.level * 100)}",
            "months": score.horizon_months,
            "is_stale": score.is_stale,
            "day": _day(score.as_of, zone, words),
            "currency": score.currency,
            "ranges": ranges,
            "charts": _charts(ranges, visit.language) if len(ranges) > 1 else {},
            "changes": _changes(past, words),
        },
    )


def _charts(ranges: Sequence[MonthRange], language: str) -> Mapping[str, Any]:
    is_right_to_left = language in RIGHT_TO_LEFT
    return {
        "wide": range_chart(ranges, width=560, height=210, is_right_to_left=is_right_to_left, are_all_written=True),
        "slim": range_chart(ranges, width=260, height=190, is_right_to_left=is_right_to_left, are_all_written=False),
    }


def _month(past: ClvPastScore, language: str, words: Mapping[str, Any]) -> MonthRange:
    low, high = max(past.low or Decimal(0), Decimal(0)), max(past.high or Decimal(0), Decimal(0))
    year, _, month = past.month.partition("-")
    return MonthRange(
        month=f"{words['months'][int(month) - 1]} {year}",
        low=float(low),
        high=float(high),
        low_words=_money(low, past.currency, language, ROUND_FLOOR),
        high_words=_money(high, past.currency, language, ROUND_CEILING),
    )


def _changes(past: Sequence[ClvPastScore], words: Mapping[str, Any]) -> Sequence[str]:
    """Return the months in which another version of the method took over, in words."""
    return [
        words["changed"].format(
            month=f"{words['months'][int(after.month[5:]) - 1]} {after.month[:4]}", version=after.model_version
        )
        for before, after in pairwise(past)
        if before.model_version.partition("-")[0] != after.model_version.partition("-")[0]
    ]


def _money(amount: Decimal, currency: str, language: str, rounding: str) -> str:
    """Return an amount in whole units, never better than it is: lower bounds are rounded down, upper ones up."""
    whole = int(amount.to_integral_value(rounding=rounding))
    text, sign = _counted(abs(whole)), "−" if whole < 0 else ""
    symbol = SYMBOLS.get(currency)
    if symbol is None:
        return f"{sign}{text} {currency}"
    return f"{sign}{symbol}{text}" if language == "en" else f"{sign}{text} {symbol}"


def _counted(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _day(moment: datetime, zone: ZoneInfo, words: Mapping[str, Any]) -> str:
    there = moment.astimezone(zone)
    return str(words["day"].format(day=there.day, month=words["long_months"][there.month - 1], year=there.year))
