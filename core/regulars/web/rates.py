"""Charge requests, and tell clients what is left to them.

Source: draft-ietf-httpapi-ratelimit-headers, RateLimit header fields for HTTP.
"""

import math
from functools import lru_cache

from regulars.access.actors import Actor
from regulars.access.allowances import Allowances, Balance, payer_of
from regulars.access.refusals import AllowanceSpent
from regulars.clock import Clock

__all__ = ["RequestCharge", "rate_headers", "refused_rate_headers"]

POLICY = "points"


class RequestCharge:
    """Takes points from whoever sent one request; without ``allowances`` it counts nothing."""

    def __init__(self, allowances: Allowances | None, *, actor: Actor, address: str | None, clock: Clock) -> None:
        self._allowances, self._actor, self._address, self._clock = allowances, actor, address, clock
        self._balance: Balance | None = None

    def __call__(self, points: int) -> int | None:
        """Take points, at least one, and return how many are left; raises ``AllowanceSpent``."""
        if self._allowances is None:
            return None
        payer = payer_of(self._actor, self._address)
        self._balance = self._allowances.charge(payer, max(1, points), now=self._clock.now())
        return self._balance.points

    @property
    def is_taken(self) -> bool:
        """Tell whether anything was taken."""
        return self._balance is not None

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers that tell what is left; none where nothing was taken."""
        return {} if self._balance is None else rate_headers(self._balance)


def rate_headers(balance: Balance) -> dict[str, str]:
    """Return the headers of an answer: how many points are left, and the seconds until all of them are back."""
    return {
        "ratelimit-policy": _policy(balance.allowance.burst, balance.allowance.per_second),
        "ratelimit": f'"{POLICY}";r={balance.points};t={balance.full_in_s}',
    }


def refused_rate_headers(error: AllowanceSpent) -> dict[str, str]:
    """Return the headers of a refusal: how long to wait."""
    return {
        "retry-after": str(error.wait_s),
        "ratelimit-policy": _policy(error.burst, error.per_second),
        "ratelimit": f'"{POLICY}";r=0;t={error.wait_s}',
    }


@lru_cache(maxsize=16)
def _policy(burst: float, per_second: float) -> str:
    return f'"{POLICY}";q={math.floor(burst)};w={math.ceil(burst / per_second)}'
