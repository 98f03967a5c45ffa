"""Remember for a few seconds who came in with which credential, so that not every request asks the database."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from regulars.plugins.manifest import Permission

__all__ = ["Recent"]

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class _Seen(Generic[Found]):
    """What was found out, when, and until when it holds."""

    found: Found
    at: datetime
    until: datetime
    permissions: Sequence[Permission]


class Recent(Generic[Found]):
    """What was found out of credentials, by their hash, for at most ``lifetime``.

    A credential that was taken back therefore lives on for at most that long. An expired one ends at once, and other
    permissions count at once.
    """

    def __init__(self, *, lifetime: timedelta = timedelta(seconds=5), capacity: int = 10_000) -> None:
        self._lifetime, self._capacity = lifetime, capacity
        self._seen: OrderedDict[str, _Seen[Found]] = OrderedDict()

    def get(self, credential: str, *, now: datetime, permissions: Sequence[Permission]) -> Found | None:
        """Return what was found out a moment ago; None when somebody has to look."""
        seen = self._seen.get(credential)
        if seen is None or seen.permissions is not permissions:
            return None
        # A clock that was set back must not prolong the life of a revoked key.
        return seen.found if seen.at <= now < seen.until else None

    def remember(
        self,
        credential: str,
        found: Found,
        *,
        now: datetime,
        expires_at: datetime,
        permissions: Sequence[Permission],
    ) -> None:
        """Keep it; what was not seen for the longest time is forgotten first."""
        self._seen[credential] = _Seen(found, now, min(now + self._lifetime, expires_at), permissions)
        self._seen.move_to_end(credential)
        if len(self._seen) > self._capacity:
            self._seen.popitem(last=False)
