"""Stop calling what keeps failing, and try it again after a growing pause."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from regulars.clock import Clock

__all__ = ["Breakers", "OpenBreaker"]

FAILURES = 5
WINDOW = timedelta(minutes=1)
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(frozen=True)
class OpenBreaker:
    """A hook of a plugin that is not called until a moment."""

    plugin_id: str
    hook: str
    until: datetime


@dataclass
class _Breaker:
    failures: deque[datetime] = field(default_factory=lambda: deque(maxlen=FAILURES))
    pause: timedelta = FIRST_PAUSE
    open_until: datetime | None = None


class Breakers:
    """One breaker for each plugin and hook: five failures in a minute open it for 30 s, doubling up to 15 minutes.

    After the pause calls are let through again: the first that fails opens it for twice as long, the first that
    succeeds makes it as new.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._breakers: dict[tuple[str, str], _Breaker] = {}

    @property
    def has_failures(self) -> bool:
        """Tell whether the failure of any call is still counted; without one no hook rests."""
        return bool(self._breakers)

    def open_until(self, plugin_id: str, hook: str) -> datetime | None:
        """Return until when the hook may not be called; None when it may."""
        breaker = self._breakers.get((plugin_id, hook))
        if breaker is None or breaker.open_until is None or breaker.open_until <= self._clock.now():
            return None
        return breaker.open_until

    def succeeded(self, plugin_id: str, hook: str) -> None:
        """Take note of a call that ended well."""
        breaker = self._breakers.get((plugin_id, hook))
        if breaker is not None and breaker.open_until is not None and breaker.open_until <= self._clock.now():
            del self._breakers[plugin_id, hook]

    def failed(self, plugin_id: str, hook: str) -> OpenBreaker | None:
        """Take note of a call that failed; return the breaker when this opened it."""
        now = self._clock.now()
        breaker = self._breakers.setdefault((plugin_id, hook), _Breaker())
        breaker.failures.append(now)
        if breaker.open_until is None:
            if len(breaker.failures) < FAILURES or now - breaker.failures[0] > WINDOW:
                return None
        elif breaker.open_until <= now:
            breaker.pause = min(breaker.pause * 2, LONGEST_PAUSE)
        else:
            return None
        breaker.open_until = now + breaker.pause
        return OpenBreaker(plugin_id, hook, breaker.open_until)

    def open_now(self) -> frozenset[OpenBreaker]:
        """Return the hooks that are not called at this moment."""
        return frozenset(
            OpenBreaker(plugin_id, hook, until)
            for plugin_id, hook in self._breakers
            if (until := self.open_until(plugin_id, hook)) is not None
        )

    def reset(self, plugin_id: str) -> None:
        """Forget every failure of a plugin."""
        for key in [key for key in self._breakers if key[0] == plugin_id]:
            del self._breakers[key]
