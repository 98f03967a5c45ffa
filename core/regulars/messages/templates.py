"""What a message says: drafts, reviewed templates that fix its class, and the words that a template makes of both."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from regulars.consents.lattice import SELF
from regulars.contact.requests import ContactClass

if TYPE_CHECKING:
    from regulars.plugins.context import PluginContext

__all__ = ["MessageContent", "MessageDraft", "MessageTemplate", "MessageToWrite", "Write"]


@dataclass(frozen=True, kw_only=True)
class MessageDraft:
    """A message that somebody wants sent.

    ``key`` names it within its source: the same key is the same message. ``template`` is the id of a reviewed template.
    ``customer_id`` of None needs an ``address``, and is only for templates of transactional mails. Without an
    ``address`` it goes to the customer's own. The rest is what the contact decision asks.
    """

    key: str
    template: str
    channel: str
    customer_id: UUID | None = None
    address: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    language: str | None = None
    purpose: str | None = None
    topic: str = "*"
    campaign: str | None = None
    experiment: str | None = None
    case_id: str | None = None
    sender: str = SELF
    profiling: bool = False
    requested_alert: bool = False
    not_before: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class MessageToWrite:
    """A message whose words are needed now: to whom it goes, in which language, and what it is filled with.

    ``stop_link`` leads to where the reader stops this stream without a log-in; None for mails that have no stream.
    """

    id: UUID
    customer_id: UUID | None
    channel: str
    address: str | None
    language: str
    topic: str
    payload: Mapping[str, Any]
    stop_link: str | None


@dataclass(frozen=True)
class MessageContent:
    """The words of a message; ``html`` says the same as ``text``."""

    subject: str
    text: str
    html: str | None = None


Write = Callable[["PluginContext", MessageToWrite], Awaitable[MessageContent | None]]
"""Writes the words just before the hand-over, in a transaction of its own; None withdraws the message."""


@dataclass(frozen=True)
class MessageTemplate:
    """A reviewed kind of message: its class and whether it contains an offer are fixed here and nowhere else.

    ``id`` starts with the plugin's.
    """

    id: str
    contact_class: ContactClass
    write: Write
    contains_offer: bool = False
