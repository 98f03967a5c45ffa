"""What is asked before a customer is contacted, and what the company has decided about contacts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from regulars.consents.lattice import SELF, ConsentPolicy, Question
from regulars.consents.registry import ConsentRegistry
from regulars.consents.scopes import Scope
from regulars.contact.refusals import CaseRequired, OfferNotAllowed
from regulars.errors import InvalidInput, UnknownValue

__all__ = [
    "CLASSES",
    "CONSENTED",
    "TODAYS_POLICY",
    "ContactCap",
    "ContactClass",
    "ContactPolicy",
    "ContactRequest",
    "RuleRequest",
    "WallClockWindow",
    "as_rules_see_it",
    "checked_request",
]

ContactClass = Literal["legal", "transactional", "service", "followup", "marketing", "research"]
CLASSES: tuple[ContactClass, ...] = get_args(ContactClass)

CONSENTED: tuple[ContactClass, ...] = ("marketing", "research")
"""The classes that need a consent and count towards caps."""

DEFAULT_PURPOSES = {"marketing": "marketing.own", "research": "research"}


@dataclass(frozen=True)
class ContactCap:
    """At most ``limit`` contacts within ``window_h`` hours; None is no cap, 0 is never.

    ``channel`` and ``topic`` of ``*`` count all of them together.
    """

    limit: int | None
    window_h: int
    channel: str = "*"
    topic: str = "*"

    def covers(self, channel: str, topic: str) -> bool:
        """Tell whether a contact by this channel about this topic falls under the cap."""
        return Scope("*", self.channel, self.topic).covers(Scope("*", channel, topic))


@dataclass(frozen=True)
class WallClockWindow:
    """A stretch of each day by the clock on the wall, ``[start, end)`` as ``21:00``; over midnight if it ends earlier.

    A window that starts when it ends is none.
    """

    start: str
    end: str


@dataclass(frozen=True)
class ContactPolicy:
    """What the company has decided about contacts: one version, which is never changed afterwards."""

    version: str
    default_tz: str = "UTC"
    quiet_hours: Mapping[str, WallClockWindow] = field(default_factory=dict)
    caps: tuple[ContactCap, ...] = ()
    child_directed: bool = False
    retired_notices: frozenset[str] = frozenset()
    allowed_bases: frozenset[str] = frozenset({"express", "express_written"})

    @property
    def consents(self) -> ConsentPolicy:
        """Return the part that the ledger of consents is read by."""
        return ConsentPolicy(allowed_bases=self.allowed_bases, retired_notices=self.retired_notices)


TODAYS_POLICY = ContactPolicy(version="")
"""Stands for whatever policy holds when a request is decided."""


@dataclass(frozen=True, kw_only=True)
class ContactRequest:
    """A contact that somebody wants to make.

    ``contact_class`` is fixed by the reviewed template. ``purpose`` of None is the class's usual one. ``sender`` is
    ``self`` or a partner. ``profiling`` says that a score chose the customer, ``requested_alert`` that the customer
    asked to be told about just this topic. ``address`` is only compared and never kept. After ``expires_at`` the
    message is worth nothing.
    """

    channel: str
    contact_class: str
    purpose: str | None = None
    topic: str = "*"
    address: str | None = None
    sender: str = SELF
    campaign: str | None = None
    experiment: str | None = None
    case_id: str | None = None
    profiling: bool = False
    requested_alert: bool = False
    contains_offer: bool = False
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RuleRequest:
    """A request as rules see it: offers count as marketing, and the purpose is filled in.

    ``now`` is where our knowledge ends, also when a rule is asked about a later moment.
    """

    channel: str
    contact_class: str
    purpose: str
    topic: str
    sender: str
    campaign: str | None
    experiment: str | None
    case_id: str | None
    profiling: bool
    requested_alert: bool
    expires_at: datetime | None
    now: datetime
    policy: ContactPolicy

    def question(self, at: datetime) -> Question:
        """Return what the ledger of consents is asked for a contact at this moment."""
        return Question(Scope(self.purpose, self.channel, self.topic), at, self.now, self.sender)


def checked_request(request: ContactRequest, *, registry: ConsentRegistry) -> ContactRequest:
    """Return the request with its class and purpose as they count: whatever contains an offer is marketing.

    Raises ``UnknownValue`` for a channel, class or purpose that is not known, ``OfferNotAllowed`` for a legal notice
    with an offer, ``CaseRequired`` for a follow-up without a case, and ``InvalidInput`` for another form.
    """
    if request.contact_class not in CLASSES:
        raise UnknownValue("class of contact", request.contact_class, CLASSES, path=("class",))
    if request.channel == "*":
        raise InvalidInput("A contact goes by one channel. Name it.", path=("channel",))
    registry.check_channel(request.channel)
    registry.check_topic(request.topic)
    if request.purpose is not None:
        if request.purpose == "*":
            raise InvalidInput("A contact has one purpose. Name it.", path=("purpose",))
        registry.check_purpose(request.purpose)
    if request.contact_class == "legal" and request.contains_offer:
        raise OfferNotAllowed
    if request.contact_class == "followup" and not request.case_id:
        raise CaseRequired(None)
    return request


def as_rules_see_it(request: ContactRequest, *, policy: ContactPolicy, now: datetime) -> RuleRequest:
    """Return what rules decide upon."""
    is_offer = request.contains_offer and request.contact_class not in ("legal", "marketing")
    contact_class = "marketing" if is_offer else request.contact_class
    purpose = None if is_offer else request.purpose
    return RuleRequest(
        channel=request.channel,
        contact_class=contact_class,
        purpose=purpose or DEFAULT_PURPOSES.get(contact_class, contact_class),
        topic=request.topic,
        sender=request.sender,
        campaign=request.campaign,
        experiment=request.experiment,
        case_id=request.case_id,
        profiling=request.profiling,
        requested_alert=request.requested_alert,
        expires_at=request.expires_at,
        now=now,
        policy=policy,
    )
