"""How often: the levels that the page offers, and what each means as a cap. Pure."""

from dataclasses import dataclass

__all__ = ["LEVELS", "Level", "level_named", "level_of"]

DAY_H = 24


@dataclass(frozen=True)
class Level:
    """A choice of how often: ``most`` messages in ``window_h`` hours; ``most`` of None leaves it to the house."""

    name: str
    most: int | None
    window_h: int = 7 * DAY_H


LEVELS = (
    Level("as_now", None),
    Level("weekly", 1),
    Level("fortnightly", 1, 14 * DAY_H),
    Level("four_weekly", 1, 28 * DAY_H),
    Level("none", 0),
)
"""From the most to the fewest."""

_BY_NAME = {level.name: level for level in LEVELS}


def level_named(name: str) -> Level | None:
    """Return the level with this name, or None."""
    return _BY_NAME.get(name)


def level_of(most: int | None, window_h: int) -> Level | None:
    """Return the level that means this cap; None for numbers of the customer's own."""
    same = (level for level in LEVELS if level.most == most and (not most or level.window_h == window_h))
    return next(same, None)
