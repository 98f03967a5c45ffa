"""The one shape in which an event is told: to handlers, subscriptions and webhooks alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

__all__ = ["EventEnvelope"]


@dataclass(frozen=True)
class EventEnvelope:
    """Something that changed.

    ``id`` stays the same when the event is told again. ``subject`` names the thing (``customer:<uuid>``), ``actor`` who
    changed it, ``data`` only ids and facts that are no personal data.
    """

    id: UUID
    type: str
    occurred_at: datetime
    subject: str
    actor: str
    data: Mapping[str, Any]
