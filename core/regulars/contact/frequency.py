"""Count contacts against caps, each over a rolling window; pure, beside the need that reads what was sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Uuid, bindparam, or_
from sqlmodel import col

from regulars.contact.models import ContactTouch
from regulars.contact.needs import need_rows
from regulars.contact.requests import CONSENTED, ContactCap
from regulars.customers.models import Customer

__all__ = ["COUNTED_STATES", "TOUCHES", "KnownTouch", "cap_stands_until", "is_never"]

COUNTED_STATES = ("reserved", "confirmed", "sent", "bounced", "failed", "unknown")
"""What counts towards caps; a reservation only until it expires."""


OWN_SLOT = bindparam("contact_own_slot", type_=Uuid)


@dataclass(frozen=True)
class KnownTouch:
    """A contact that took a slot; ``expires_at`` is set while it is only reserved."""

    at: datetime
    channel: str
    topic: str
    expires_at: datetime | None = None

    def counts_until(self, cap: ContactCap) -> datetime:
        """Return when it stops to count towards the cap."""
        left = self.at + timedelta(hours=cap.window_h)
        return left if self.expires_at is None else min(left, self.expires_at)


def _touches(rows: Sequence[Mapping[str, Any]]) -> tuple[KnownTouch, ...]:
    return tuple(
        KnownTouch(row["at"], row["channel"], row["topic"], row["expires_at"] if row["state"] == "reserved" else None)
        for row in rows
    )


TOUCHES = need_rows(
    {
        "at": ContactTouch.at,
        "channel": ContactTouch.channel,
        "topic": ContactTouch.topic,
        "state": ContactTouch.state,
        "expires_at": ContactTouch.expires_at,
    },
    where=(col(ContactTouch.customer_id) == Customer.id)
    & col(ContactTouch.contact_class).in_(CONSENTED)
    & col(ContactTouch.state).in_(COUNTED_STATES)
    & or_(OWN_SLOT.is_(None), col(ContactTouch.id) != OWN_SLOT),
    read=_touches,
)
"""The need of rules that count: every marketing and research contact of the customer that took a slot."""


def cap_stands_until(
    caps: Sequence[ContactCap], touches: Sequence[KnownTouch], *, channel: str, topic: str, at: datetime
) -> datetime | None:
    """Return when enough contacts have left all windows that one more fits; None when one fits now.

    Each cap that covers the channel and the topic holds by itself. A cap without limit holds nothing up, and one of 0
    has no end, so neither is looked at here. A contact counts for ``now - window < at <= now``.
    """
    ends = [
        end
        for cap in caps
        if cap.limit and cap.covers(channel, topic)
        if (end := _full_until(cap, cap.limit, touches, at)) is not None
    ]
    return max(ends, default=None)


def is_never(caps: Sequence[ContactCap], *, channel: str, topic: str) -> bool:
    """Tell whether a cap of 0 covers the channel and the topic."""
    return any(cap.limit == 0 and cap.covers(channel, topic) for cap in caps)


def _full_until(cap: ContactCap, limit: int, touches: Sequence[KnownTouch], at: datetime) -> datetime | None:
    counted = sorted(
        touch.counts_until(cap)
        for touch in touches
        if touch.at <= at < touch.counts_until(cap) and cap.covers(touch.channel, touch.topic)
    )
    too_many = len(counted) - limit
    return counted[too_many] if too_many >= 0 else None
