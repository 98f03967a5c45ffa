"""Check a grant or a withdrawal before it is written, and make the ledger's row of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from regulars.access.actors import Actor
from regulars.checks import check_json, check_moment, check_text, check_zoned
from regulars.consents.lattice import SELF
from regulars.consents.ledger import ACTIONS, BASES, ORIGINS, Action, Basis, Origin
from regulars.consents.models import ConsentEvent
from regulars.consents.refusals import EvidenceRequired, UpSessionRequired
from regulars.consents.registry import ConsentRegistry
from regulars.consents.scopes import Scope
from regulars.errors import InvalidInput, OutOfRange, UnknownValue

__all__ = ["ConsentChange", "ConsentWords", "allowed_transitions", "ledger_row"]

SHA256 = re.compile(r"[0-9a-f]{64}")
LONGEST_REASON = 1000
LARGEST_EVIDENCE_BYTES = 16 * 1024


@dataclass(frozen=True)
class ConsentChange:
    """A grant or a withdrawal that somebody wants recorded.

    ``customer_id`` may be of a customer who was merged since. ``at`` of None is now; ``origin`` of None follows from
    the actor. ``session`` says that the customer has signed in afresh; it is set by whoever checked that, never taken
    from an input. ``confirmed_at`` is when a double opt-in was completed, ``confirms_id`` the entry that waited for it.
    ``evidence`` holds no personal data.
    """

    customer_id: UUID
    action: Action
    purpose: str
    channel: str
    reason: str
    topic: str = "*"
    at: datetime | None = None
    expires_at: datetime | None = None
    origin: Origin | None = None
    basis: Basis = "express"
    recipient: str | None = None
    session: Literal["up"] | None = None
    needs_confirmation: bool = False
    confirmed_at: datetime | None = None
    confirms_id: UUID | None = None
    evidence: Mapping[str, Any] | None = None
    notice_version: str | None = None
    language: str | None = None
    text_sha256: str | None = None


@dataclass(frozen=True)
class ConsentWords:
    """What is kept beside the ledger, where it can be erased: why, and what proves it."""

    reason: str
    evidence: Mapping[str, Any] | None


def ledger_row(
    change: ConsentChange, *, customer_id: UUID, registry: ConsentRegistry, actor: Actor, now: datetime
) -> tuple[ConsentEvent, ConsentWords]:
    """Return the ledger's row for the change, unsaved, and its words; ``customer_id`` is as whom they count today.

    A time up to a day ahead counts as now, so that a fast clock loses no withdrawal.
    Raises ``UnknownValue`` for a purpose, channel, basis or origin that is not known, ``UpSessionRequired`` for a grant
    by a customer who has not signed in afresh, ``EvidenceRequired`` for a grant without notice, language or partner,
    ``OutOfRange`` for an end before the beginning, and ``InvalidInput`` for everything else that cannot be kept.
    """
    if change.action not in ACTIONS:
        raise UnknownValue("action", change.action, ACTIONS, path=("action",))
    if change.basis not in BASES:
        raise UnknownValue("basis", change.basis, BASES, path=("basis",))
    scope = Scope(
        registry.check_purpose(change.purpose),
        registry.check_channel(change.channel),
        registry.check_topic(change.topic),
    )
    origin = _origin(change, actor)
    is_grant = change.action == "grant"
    if is_grant:
        _check_grant(change, scope, actor)
    elif change.expires_at is not None:
        raise InvalidInput("A withdrawal does not expire. Leave expiresAt out.", path=("expiresAt",))
    at = now if change.at is None else min(check_moment(change.at, path=("at",), now=now), now)
    evidence = None if change.evidence is None else dict(change.evidence)
    check_json(evidence, path=("evidence",), most_bytes=LARGEST_EVIDENCE_BYTES)
    # A grant that names its notice is proven by it; without evidence are histories that prove nothing.
    evidence = {"kind": "notice"} if is_grant and not evidence else evidence
    words = ConsentWords(check_text(change.reason, path=("reason",), longest=LONGEST_REASON), evidence)
    row = ConsentEvent(
        customer_id=customer_id,
        profile_id=change.customer_id,
        action=change.action,
        purpose=scope.purpose,
        channel=scope.channel,
        topic=scope.topic,
        at=at,
        recorded_at=now,
        expires_at=_end(change, at),
        actor=actor.label,
        origin=origin,
        basis=change.basis,
        recipient=_recipient(change),
        session=change.session,
        needs_confirmation=is_grant and change.needs_confirmation,
        confirmed_at=_confirmation(change, at, now),
        confirms_id=change.confirms_id,
        is_proven=evidence is not None,
        notice_version=_short(change.notice_version, "noticeVersion"),
        language=_short(change.language, "language"),
        text_sha256=_digest(change),
    )
    return row, words


def allowed_transitions(status: str, *, actor: Actor, session: Literal["up"] | None = None) -> tuple[Action, ...]:
    """Return what this actor may do next with a scope of this status; the write accepts all of it."""
    may_grant = session == "up" if actor.kind == "customer" else actor.kind != "anonymous"
    if status == "withdrawn":
        return ("grant",) if may_grant and actor.kind != "staff" else ()
    if status in ("granted", "pending"):
        return ("withdraw",)
    return ("grant", "withdraw") if may_grant else ("withdraw",)


def _origin(change: ConsentChange, actor: Actor) -> str:
    """Return whose act it was: what staff write down is never the customer's own act."""
    if change.origin is not None and change.origin not in ORIGINS:
        raise UnknownValue("origin", change.origin, ORIGINS, path=("origin",))
    possible = {"customer": ("customer",), "anonymous": ("customer",), "staff": ("staff", "import")}.get(
        actor.kind, ORIGINS
    )
    origin = change.origin or possible[0]
    if origin not in possible:
        raise InvalidInput(
            f"An actor of kind {actor.kind} cannot record what {origin} did. Leave origin out.", path=("origin",)
        )
    return origin


def _check_grant(change: ConsentChange, scope: Scope, actor: Actor) -> None:
    if actor.kind in ("customer", "anonymous") and change.session != "up":
        raise UpSessionRequired
    if actor.kind == "staff" and change.session is not None:
        raise InvalidInput("Only the customer's own sign-in is an up session. Leave it out.", path=("session",))
    if change.notice_version is None:
        raise EvidenceRequired("version of the notice", path=("noticeVersion",))
    if change.language is None:
        raise EvidenceRequired("language", path=("language",))
    if Scope("sharing", "*").covers(scope) and change.recipient is None:
        raise EvidenceRequired("partner as its recipient", path=("recipient",))


def _end(change: ConsentChange, at: datetime) -> datetime | None:
    if change.expires_at is None:
        return None
    end = check_zoned(change.expires_at, path=("expiresAt",))
    if end <= at:
        raise OutOfRange("The grant would end before it begins. Give a later expiresAt.", path=("expiresAt",))
    return end


def _confirmation(change: ConsentChange, at: datetime, now: datetime) -> datetime | None:
    if change.confirmed_at is None:
        return None
    confirmed_at = min(check_moment(change.confirmed_at, path=("confirmedAt",), now=now), now)
    if change.action == "withdraw":
        raise InvalidInput("A withdrawal needs no confirmation. Leave confirmedAt out.", path=("confirmedAt",))
    if confirmed_at < at:
        raise OutOfRange("The grant was confirmed before it was made. Check both times.", path=("confirmedAt",))
    return confirmed_at


def _recipient(change: ConsentChange) -> str | None:
    recipient = _short(change.recipient, "recipient")
    if recipient == SELF:
        raise InvalidInput("A recipient is a partner. Leave it out for your own use.", path=("recipient",))
    return recipient


def _short(text: str | None, name: str) -> str | None:
    return None if text is None else check_text(text, path=(name,), longest=100)


def _digest(change: ConsentChange) -> str | None:
    if change.text_sha256 is not None and not SHA256.fullmatch(change.text_sha256):
        raise InvalidInput("textSha256 is 64 small hexadecimal digits.", path=("textSha256",))
    return change.text_sha256
