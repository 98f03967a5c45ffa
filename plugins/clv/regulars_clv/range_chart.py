"""Draw ranges by month as bars from the lower to the upper bound: positions for a wide and a slim picture. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Bar", "Chart", "MonthRange", "Tick", "range_chart"]

TOP, LEFT, NARROWEST = 26.0, 34.0, 14.0
STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class MonthRange:
    """The bounds of a month, ``0 <= low <= high``, and how the month and the bounds are written."""

    month: str
    low: float
    high: float
    low_words: str
    high_words: str


@dataclass(frozen=True)
class Bar:
    """One month: a rectangle, and the places of its words. A ``None`` is not written, for want of room."""

    x: float
    y: float
    height: float
    middle: float
    high_y: float
    low_y: float
    month: str | None
    low_words: str | None
    high_words: str | None


@dataclass(frozen=True)
class Tick:
    """A line across the picture at a value."""

    y: float
    value: float


@dataclass(frozen=True)
class Chart:
    """A picture of this size, with the line of zero at ``base`` and the words of months at ``months_y``."""

    width: int
    height: int
    base: float
    months_y: float
    bar_width: float
    bars: Sequence[Bar]
    ticks: Sequence[Tick]


def range_chart(
    ranges: Sequence[MonthRange], *, width: int, height: int, is_right_to_left: bool, are_all_written: bool
) -> Chart:
    """Return where everything stands, time in reading direction, zero drawn, the scale from zero to a round number.

    With ``are_all_written`` each bar has its figures; else the first and the last have them, and every second month
    its name.
    """
    base = height - TOP
    top = _round_above(max(one.high for one in ranges))
    scale = (base - TOP) / top
    step = (width - LEFT - 10) / len(ranges)
    bars = []
    for index, one in enumerate(ranges):
        place = len(ranges) - 1 - index if is_right_to_left else index
        middle = LEFT + step * (place + 0.5)
        is_end = index in (0, len(ranges) - 1)
        high_y, low_y = base - one.high * scale, base - one.low * scale
        is_written = are_all_written or is_end
        bars.append(
            Bar(
                x=round(middle - NARROWEST / 2, 1),
                y=round(high_y, 1),
                height=round(max(low_y - high_y, 2.0), 1),
                middle=round(middle, 1),
                high_y=round(high_y - 6, 1),
                low_y=round(min(low_y + 15, base - 3), 1) if one.low * scale > 18 else round(low_y - 4, 1),
                month=one.month if are_all_written or is_end or _is_second(index, len(ranges)) else None,
                low_words=one.low_words if is_written and one.low * scale > 18 else None,
                high_words=one.high_words if is_written else None,
            )
        )
    ticks = [Tick(round(base - value * scale, 1), value) for value in (top / 2, top)]
    return Chart(width, height, base, base + 18, NARROWEST, bars, ticks)


def _round_above(value: float) -> float:
    """Return the next number of the form 1, 2, 5 or 10 times a power of ten, at least 10."""
    power = 10.0 ** max(math.floor(math.log10(value)) if value > 0 else 1, 1)
    return next((step * power for step in STEPS if step * power >= value), 10 * power)


def _is_second(index: int, count: int) -> bool:
    """Tell whether a month, counted back from the last, has room for its name beside the first and the last."""
    return (count - 1 - index) % 2 == 0 and index > 1
