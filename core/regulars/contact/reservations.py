"""The four steps of a contact: reserve a slot, confirm before the hand-over, report what became of it, or release.

Whoever sends calls them: the dispatcher of messages inside, and programs outside. Every step first locks the customer,
as recording a consent does: whatever commits first is seen by the other, even if that one was asked for earlier.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.checks import check_text
from regulars.consents.registry import ConsentRegistry
from regulars.contact.frequency import TOUCHES, cap_stands_until
from regulars.contact.memory import Decided, kept_request
from regulars.contact.models import ContactDecision, ContactTouch
from regulars.contact.refusals import IdempotencyConflict, ReservationClosed
from regulars.contact.requests import CONSENTED, ContactCap, ContactRequest
from regulars.contact.rule_set import ContactRules
from regulars.contact.rules import CORE
from regulars.contact.service import OwnSlot, address_digest, decide_contact, store_decision
from regulars.contact.slots import confirm_slot, take_slot
from regulars.contact.verdicts import Blocker, Decision, needs_of
from regulars.customers.moments import moment_after_others
from regulars.customers.survivors import locked_survivors
from regulars.errors import NotFound
from regulars.events.service import record_event
from regulars.tables import new_id

__all__ = [
    "HOLD",
    "STATE_OF",
    "ContactOutcome",
    "Stepped",
    "confirm_contact",
    "release_contact",
    "report_contact",
    "reserve_contact",
    "take_back_contact",
]

HOLD = timedelta(minutes=10)
"""How long a reservation holds its slot."""

ContactOutcome = Literal["SENT", "BOUNCED", "FAILED", "UNKNOWN"]

STATE_OF: dict[ContactOutcome, str] = {"SENT": "sent", "BOUNCED": "bounced", "FAILED": "failed", "UNKNOWN": "unknown"}
HANDED_OVER = ("confirmed", "sent", "bounced", "failed", "unknown")


@dataclass(frozen=True)
class Stepped:
    """What a step came to: the decision that was kept, and the reservation, where there is one."""

    decision: ContactDecision
    reservation: ContactTouch | None


async def reserve_contact(
    session: AsyncSession,
    *,
    customer_id: UUID,
    request: ContactRequest,
    rules: ContactRules,
    registry: ConsentRegistry,
    actor: Actor,
    now: datetime,
    idempotency_key: str | None = None,
) -> Stepped:
    """Decide, and take the slot in the same transaction; there is a reservation when the outcome is ALLOW.

    The same key gives the same reservation; a refusal has no effect that could be repeated, so it is decided anew.
    Raises what ``checked_request`` raises, and ``IdempotencyConflict`` for a key that was used for another contact.
    """
    digest = await _digest(session, customer_id, request)
    if idempotency_key is not None:
        check_text(idempotency_key, path=("idempotencyKey",))
    locked = (await locked_survivors(session, [customer_id])).get(customer_id)
    earlier = await _earlier(session, actor, idempotency_key, digest)
    if earlier is not None:
        return earlier
    if locked is not None:
        now = await moment_after_others(session, customer_id=locked.id, now=now)
    decided = await decide_contact(
        session, customer_id=customer_id, request=request, rules=rules, registry=registry, now=now
    )
    if decided.decision.outcome != "ALLOW" or locked is None:
        return Stepped(await store_decision(session, decided=decided, step="reserve", actor=actor, now=now), None)
    caps = _caps(decided, rules)
    row = await store_decision(session, decided=decided, step="reserve", actor=actor, now=now)
    touch = {
        "id": new_id(),
        "customer_id": locked.id,
        "profile_id": customer_id,
        "decision_id": row.id,
        "state": "reserved",
        "at": now,
        "reserved_at": now,
        "expires_at": now + HOLD,
        "channel": row.channel,
        "contact_class": row.contact_class,
        "purpose": row.purpose,
        "topic": row.topic,
        "campaign": row.campaign,
        "request": {**kept_request(decided.request), "address_digest": await address_digest(session, request)},
        "request_digest": digest,
        "idempotency_key": idempotency_key,
        "is_over_cap": False,
        "actor": actor.label,
    }
    try:
        async with session.begin_nested():
            is_taken = await take_slot(session, touch=touch, caps=caps, now=now)
    except IntegrityError:  # another contact took the key meanwhile
        assert idempotency_key is not None
        raise IdempotencyConflict(idempotency_key) from None
    if not is_taken:
        full = _full(decided, caps, now)
        return Stepped(await _correct(session, row, full), None)
    reservation = await session.get_one(ContactTouch, touch["id"])
    await _tell(session, "contact.reserved", reservation, actor, now)
    return Stepped(row, reservation)


async def confirm_contact(
    session: AsyncSession,
    *,
    reservation_id: UUID,
    rules: ContactRules,
    registry: ConsentRegistry,
    actor: Actor,
    now: datetime,
) -> Stepped:
    """Decide again before the hand-over, not counting the reservation itself; only after ALLOW may it be sent.

    The commit of this step is where the send starts. Any other outcome releases the slot; a hold that ran out is denied
    as ``reservation_expired``. Raises ``NotFound``, and ``ReservationClosed`` for a reservation that was confirmed or
    released before, so that nothing is sent twice.
    """
    touch = await _locked(session, reservation_id)
    if touch.state != "reserved":
        raise ReservationClosed(touch.id, touch.state, "confirmed")
    now = await moment_after_others(session, customer_id=touch.customer_id, now=now)
    decided = await decide_contact(
        session,
        customer_id=touch.customer_id,
        request=_request_of(touch),
        rules=rules,
        registry=registry,
        now=now,
        own_slot=OwnSlot(touch.id, touch.request["address_digest"]),
    )
    row = await store_decision(session, decided=decided, step="confirm", actor=actor, now=now)
    if touch.expires_at <= now:
        await _correct(session, row, _expired(touch))
    elif row.outcome == "ALLOW":
        caps = _caps(decided, rules)
        if not await confirm_slot(session, touch=touch, caps=caps, now=now):
            await _correct(session, row, _full(decided, caps, now))
    await session.refresh(touch)
    if row.outcome != "ALLOW":
        touch.state = "expired" if row.rule == EXPIRED else "released"
        touch.ended_at = now
        await session.flush()
    await _tell(session, f"contact.{touch.state}", touch, actor, now)
    return Stepped(row, touch)


async def report_contact(
    session: AsyncSession, *, reservation_id: UUID, outcome: ContactOutcome, actor: Actor, now: datetime
) -> ContactTouch:
    """Keep what became of a contact, and return it; telling the same again changes nothing.

    What was handed over although its hold had run out, or was released, counts all the same, and is flagged
    ``is_over_cap``. Raises ``NotFound``.
    """
    touch = await _locked(session, reservation_id)
    state = STATE_OF[outcome]
    if touch.state == state:
        return touch
    has_slot = touch.state in HANDED_OVER or (touch.state == "reserved" and now < touch.expires_at)
    if touch.state not in HANDED_OVER:
        touch.at = now
    touch.is_over_cap = touch.is_over_cap or not has_slot
    touch.state, touch.ended_at = state, now
    await session.flush()
    await _tell(session, f"contact.{state}", touch, actor, now)
    return touch


async def release_contact(session: AsyncSession, *, reservation_id: UUID, actor: Actor, now: datetime) -> ContactTouch:
    """Give a slot back that is not needed, and return the reservation; releasing twice changes nothing.

    Raises ``NotFound``, and ``ReservationClosed`` once it was confirmed: report what became of it instead.
    """
    touch = await _locked(session, reservation_id)
    if touch.state in HANDED_OVER:
        raise ReservationClosed(touch.id, touch.state, "released")
    if touch.state == "reserved":
        touch.state = "released" if now < touch.expires_at else "expired"
        touch.ended_at = now
        await session.flush()
        await _tell(session, f"contact.{touch.state}", touch, actor, now)
    return touch


async def take_back_contact(
    session: AsyncSession, *, reservation_id: UUID, actor: Actor, now: datetime
) -> ContactTouch:
    """Free the slot of a contact that was confirmed and that the provider surely did not take; twice changes nothing.

    Raises ``NotFound``, and ``ReservationClosed`` once something else became of it.
    """
    touch = await _locked(session, reservation_id)
    if touch.state not in ("confirmed", "released"):
        raise ReservationClosed(touch.id, touch.state, "taken back")
    if touch.state == "confirmed":
        touch.state, touch.ended_at = "released", now
        await session.flush()
        await _tell(session, "contact.released", touch, actor, now)
    return touch


EXPIRED = "reservation_expired"


async def _locked(session: AsyncSession, reservation_id: UUID) -> ContactTouch:
    touch = await session.get(ContactTouch, reservation_id)
    if touch is None:
        raise NotFound("reservation", reservation_id, path=("reservationId",))
    await locked_survivors(session, [touch.customer_id])
    await session.refresh(touch)
    return touch


async def _digest(session: AsyncSession, customer_id: UUID, request: ContactRequest) -> str:
    asked = {**asdict(request), "customer": str(customer_id), "address": await address_digest(session, request)}
    return hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def _earlier(session: AsyncSession, actor: Actor, key: str | None, digest: str) -> Stepped | None:
    if key is None:
        return None
    same = select(ContactTouch).where(col(ContactTouch.actor) == actor.label, col(ContactTouch.idempotency_key) == key)
    touch = await session.scalar(same.execution_options(populate_existing=True))
    if touch is None:
        return None
    if touch.request_digest != digest:
        raise IdempotencyConflict(key)
    assert touch.decision_id is not None
    return Stepped(await session.get_one(ContactDecision, touch.decision_id), touch)


def _caps(decided: Decided, rules: ContactRules) -> Sequence[ContactCap]:
    """Return the caps of all rules; a rule whose caps cannot be told was asked before, so this is a fault."""
    applicable = rules.of_class(decided.request.contact_class).rules
    return [
        cap
        for rule in applicable
        if rule.caps is not None
        for cap in rule.caps(needs_of(rule, applicable, decided.known, decided.request), decided.request)
    ]


def _full(decided: Decided, caps: Sequence[ContactCap], now: datetime) -> Decision:
    request = decided.request
    until = cap_stands_until(caps, decided.known.get(TOUCHES, ()), channel=request.channel, topic=request.topic, at=now)
    reason = "The customer was contacted as often as is allowed."
    blocker = Blocker("frequency_cap", CORE, "DEFER", until, None, reason, ())
    return Decision("DEFER", "frequency_cap", until, None, (blocker,))


def _expired(touch: ContactTouch) -> Decision:
    reason = f"The hold ran out on {touch.expires_at:%Y-%m-%d at %H:%M:%S} UTC. Reserve anew."
    return Decision(
        "DENY", EXPIRED, None, None, (Blocker(EXPIRED, CORE, "DENY", None, None, reason, (str(touch.id),)),)
    )


async def _correct(session: AsyncSession, row: ContactDecision, decision: Decision) -> ContactDecision:
    """Write what the slot decided over what the rules did; such a decision is not made again by rules."""
    row.outcome, row.rule, row.until, row.wake_on = decision.outcome, decision.rule, decision.until, decision.wake_on
    row.needs = {**row.needs, "by_slot": True}
    row.blockers = [
        {**asdict(blocker), "until": None if blocker.until is None else blocker.until.isoformat()}
        for blocker in decision.blockers
    ]
    await session.flush()
    return row


def _request_of(touch: ContactTouch) -> ContactRequest:
    kept: dict[str, Any] = {name: value for name, value in touch.request.items() if name != "address_digest"}
    expires_at = kept.pop("expires_at")
    if kept["contact_class"] not in CONSENTED:  # as rules see it, its purpose is its class, which no registry knows
        kept["purpose"] = None
    return ContactRequest(**kept, expires_at=None if expires_at is None else datetime.fromisoformat(expires_at))


async def _tell(session: AsyncSession, type: str, touch: ContactTouch, actor: Actor, now: datetime) -> None:
    await record_event(
        session,
        type=type,
        subject=f"customer:{touch.customer_id}",
        actor=actor.label,
        data={"reservationId": str(touch.id), "channel": touch.channel, "class": touch.contact_class},
        now=now,
    )
