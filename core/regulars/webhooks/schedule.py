"""When a delivery is tried again: after pauses that grow, over about 75 hours."""

from datetime import timedelta
from random import Random

from regulars.events.deliveries import DELAYS

__all__ = ["DISABLED_AFTER", "SPREAD", "pause_after"]

SPREAD = 0.2
"""Each pause is up to a fifth shorter or longer, so that what failed together does not come back together."""

DISABLED_AFTER = sum(DELAYS, timedelta()) * (1 - SPREAD)
"""A webhook that has taken nothing for so long when a delivery is given up is disabled: the shortest time in which a
delivery can fail to the end.
"""


def pause_after(attempt: int, *, chance: Random) -> timedelta | None:
    """Return how long to wait after this attempt (the first is 1) has failed, or None when it was the last."""
    if attempt > len(DELAYS):
        return None
    return DELAYS[attempt - 1] * chance.uniform(1 - SPREAD, 1 + SPREAD)
