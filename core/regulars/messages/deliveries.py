"""What takes messages out of the house: a delivery for each channel, and what it may answer."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from regulars.messages.templates import MessageContent

__all__ = ["Deliveries", "Delivery", "DeliveryAway", "Handover", "HandoverResult", "Outbound", "Taken", "Turned"]


class DeliveryAway(Exception):
    """A delivery cannot be reached; nothing was handed over, so it is tried again later."""


@dataclass(frozen=True)
class Outbound:
    """A message as it leaves: ``id`` is the key under which a delivery takes it once.

    ``stop_link`` is the address that takes a one-click POST; None for mails that have no stream.
    """

    id: UUID
    channel: str
    customer_id: UUID | None
    address: str | None
    language: str
    topic: str
    content: MessageContent
    stop_link: str | None


@dataclass(frozen=True)
class Taken:
    """The provider has it. ``provider_id`` is its name for it, where it gave one."""

    provider_id: str | None = None


@dataclass(frozen=True)
class Turned:
    """The provider surely does not have it.

    ``later``: it may take it another time; ``bounced``: nobody is reached under this address; ``failed``: neither.
    """

    kind: Literal["later", "bounced", "failed"]
    reason: str


HandoverResult = Taken | Turned


class Handover(Protocol):
    """An open way to a provider."""

    async def send(self, message: Outbound) -> HandoverResult:
        """Hand one message over. Whatever it raises leaves in doubt whether the provider has it."""
        ...


class Delivery(Protocol):
    """A way by which messages leave. Its ``name`` is kept with each message.

    ``honours_keys`` says that the same id handed over twice arrives once; where that is not promised, a message that
    is in doubt is never sent again.
    """

    name: str
    honours_keys: bool

    def open(self) -> AbstractAsyncContextManager[Handover]:
        """Open the way; raises ``DeliveryAway`` when it is closed, before anything is handed over."""
        ...


Deliveries = Mapping[str, Delivery]
"""The delivery of each channel; a channel without one keeps its messages waiting."""
