"""The steps of one message: decide and reserve, confirm, and write down how the hand-over went.

Each step is one transaction of its own. ``sending`` is committed before anything leaves, so a process that dies
meanwhile leaves a message that is known to be in doubt.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.consents.registry import ConsentRegistry
from regulars.contact.models import ContactDecision
from regulars.contact.reservations import (
    ContactOutcome,
    confirm_contact,
    release_contact,
    report_contact,
    reserve_contact,
    take_back_contact,
)
from regulars.contact.rule_set import ContactRules
from regulars.contact.service import decide_contact
from regulars.crash_points import CrashPoint, reach
from regulars.events.service import record_event
from regulars.messages.addressing import NO_ADDRESS, address_of, is_reachable_alone, needs_address
from regulars.messages.deliveries import HandoverResult, Taken
from regulars.messages.models import Message
from regulars.messages.service import contact_request_of

__all__ = [
    "ASK_AGAIN",
    "Claimed",
    "claim_messages",
    "confirm_message",
    "doubt",
    "give_back",
    "reserve_message",
    "settle",
]

ASK_AGAIN = timedelta(hours=1)
"""When a message whose end nobody knows is decided anew, though nothing was heard about its customer."""

LATER = tuple(timedelta(minutes=minutes) for minutes in (5, 30, 120, 360, 720, 1440, 1440))
"""How long to wait after each hand-over that was turned away for now; after the last it has failed."""

ALONE = "address_suppressed"
TOO_LATE = "expires_before_eligible"


@dataclass(frozen=True)
class Claimed:
    """A message that is ours until the lease ends, under the turn by which it was taken."""

    id: UUID
    turn: int
    channel: str
    state: str


async def claim_messages(session: AsyncSession, *, most: int, lease: timedelta, now: datetime) -> list[Claimed]:
    """Return the messages that have waited longest, now ours for as long as the lease."""
    due = (
        select(col(Message.id))
        .where(col(Message.next_at) <= now)
        .order_by(col(Message.next_at), col(Message.id))
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    claimed = await session.execute(
        update(Message)
        .where(col(Message.id).in_(select(due.c.id)))
        .values(turn=col(Message.turn) + 1, next_at=now + lease)
        .returning(col(Message.id), col(Message.turn), col(Message.channel), col(Message.state))
        .execution_options(synchronize_session=False)
    )
    return [Claimed(row.id, row.turn, row.channel, row.state) for row in claimed]


async def reserve_message(
    session: AsyncSession, claimed: Claimed, *, rules: ContactRules, registry: ConsentRegistry, now: datetime
) -> Message | None:
    """Return the message with its slot taken; None when it may not go now, which is written down with the reason."""
    message = await _ours(session, claimed)
    if message is None:
        return None
    if message.expires_at is not None and message.expires_at <= now:
        await _end(session, message, "suppressed", TOO_LATE, "It would come too late.", now)
        return None
    address = await address_of(session, message)
    if address is None and needs_address(message.channel):
        await _end(session, message, "suppressed", NO_ADDRESS, "The customer has no address for it.", now)
        return None
    if message.customer_id is None:
        return message if await _may_go_alone(session, message, now) else None
    if message.reservation_id is not None:  # of a process that died before it could confirm
        await release_contact(session, reservation_id=message.reservation_id, actor=SYSTEM, now=now)
        message.reservation_id = None
    request = contact_request_of(message, address=address)
    if message.state == "deferred":
        decided = await decide_contact(
            session, customer_id=message.customer_id, request=request, rules=rules, registry=registry, now=now
        )
        if (decided.decision.outcome, decided.decision.rule) == ("DEFER", message.rule):
            _wait(message, decided.decision.until, decided.decision.wake_on, now)
            return None
    step = await reserve_contact(
        session,
        customer_id=message.customer_id,
        request=request,
        rules=rules,
        registry=registry,
        actor=SYSTEM,
        now=now,
        idempotency_key=f"message:{message.id}:{claimed.turn}",
    )
    message.decision_id = step.decision.id
    if step.reservation is None:
        await _refused(session, message, step.decision, now)
        return None
    message.reservation_id = step.reservation.id
    reach(CrashPoint.MESSAGE_RESERVED)
    return message


async def confirm_message(
    session: AsyncSession,
    claimed: Claimed,
    *,
    delivery: str,
    rules: ContactRules,
    registry: ConsentRegistry,
    now: datetime,
) -> bool:
    """Decide again, and note that the message is on its way; False when it may not go after all.

    The commit of this step is where the send starts.
    """
    message = await _ours(session, claimed)
    if message is None:
        return False
    if message.reservation_id is not None:
        step = await confirm_contact(
            session, reservation_id=message.reservation_id, rules=rules, registry=registry, actor=SYSTEM, now=now
        )
        message.decision_id = step.decision.id
        if step.decision.outcome != "ALLOW":
            message.reservation_id = None
            await _refused(session, message, step.decision, now)
            return False
    elif not await _may_go_alone(session, message, now):
        return False
    message.state, message.delivery, message.handed_over_at = "sending", delivery, now
    message.rule = message.reason = message.wake_on = None
    message.attempts += 1
    await session.flush()
    reach(CrashPoint.MESSAGE_CONFIRMED)
    return True


async def settle(session: AsyncSession, claimed: Claimed, result: HandoverResult, *, now: datetime) -> None:
    """Write down how the hand-over went, for the message and for its slot."""
    message = await _ours(session, claimed)
    if message is None:
        return
    if isinstance(result, Taken):
        message.provider_id = result.provider_id
        await _report(session, message, "SENT", now)
        await _end(session, message, "sent", None, None, now)
        reach(CrashPoint.MESSAGE_SETTLED)
    elif result.kind == "later" and message.attempts <= len(LATER):
        if message.reservation_id is not None:
            await take_back_contact(session, reservation_id=message.reservation_id, actor=SYSTEM, now=now)
        message.state, message.reservation_id, message.reason = "pending", None, result.reason
        message.next_at = now + LATER[message.attempts - 1]
        await session.flush()
    else:
        state = "bounced" if result.kind == "bounced" else "failed"
        await _report(session, message, "BOUNCED" if state == "bounced" else "FAILED", now)
        await _end(session, message, state, None, result.reason, now)


async def doubt(session: AsyncSession, claimed: Claimed, reason: str, *, now: datetime) -> None:
    """Note that nobody knows whether the message left: it counts as sent, and is never sent again."""
    message = await _ours(session, claimed)
    if message is not None:
        await _report(session, message, "UNKNOWN", now)
        await _end(session, message, "unknown", None, reason, now)


async def give_back(
    session: AsyncSession, claimed: Claimed, reason: str, *, state: str | None = None, wait: timedelta, now: datetime
) -> None:
    """Give the slot back before anything left: the message waits, or has ended in ``state``."""
    message = await _ours(session, claimed)
    if message is None:
        return
    if message.reservation_id is not None:
        await release_contact(session, reservation_id=message.reservation_id, actor=SYSTEM, now=now)
        message.reservation_id = None
    if state is not None:
        await _end(session, message, state, None, reason, now)
        return
    message.reason, message.next_at = reason, now + wait
    await session.flush()


async def _ours(session: AsyncSession, claimed: Claimed) -> Message | None:
    same_turn = (col(Message.id) == claimed.id) & (col(Message.turn) == claimed.turn)
    return await session.scalar(select(Message).where(same_turn, col(Message.ended_at).is_(None)).with_for_update())


async def _may_go_alone(session: AsyncSession, message: Message, now: datetime) -> bool:
    if await is_reachable_alone(session, message):
        return True
    await _end(session, message, "suppressed", ALONE, "Nothing may be sent to this address.", now)
    return False


async def _refused(session: AsyncSession, message: Message, decision: ContactDecision, now: datetime) -> None:
    reason = next((str(blocker["reason"]) for blocker in decision.blockers), None)
    if decision.outcome == "DENY" and decision.rule != "reservation_expired":
        await _end(session, message, "suppressed", decision.rule, reason, now)
        return
    message.state, message.rule, message.reason = "deferred", decision.rule, reason
    _wait(message, decision.until, decision.wake_on, now)
    if decision.rule == "reservation_expired":
        message.next_at = now
    await session.flush()
    await _tell(session, message, now)


def _wait(message: Message, until: datetime | None, wake_on: str | None, now: datetime) -> None:
    message.wake_on = wake_on if until is None else None
    message.next_at = until or now + ASK_AGAIN


async def _end(
    session: AsyncSession, message: Message, state: str, rule: str | None, reason: str | None, now: datetime
) -> None:
    message.state, message.rule, message.reason = state, rule, reason
    message.next_at = message.wake_on = None
    message.ended_at = now
    await session.flush()
    await _tell(session, message, now)


async def _report(session: AsyncSession, message: Message, outcome: ContactOutcome, now: datetime) -> None:
    if message.reservation_id is not None:
        await report_contact(session, reservation_id=message.reservation_id, outcome=outcome, actor=SYSTEM, now=now)


async def _tell(session: AsyncSession, message: Message, now: datetime) -> None:
    subject = "message" if message.customer_id is None else "customer"
    await record_event(
        session,
        type=f"message.{message.state}",
        subject=f"{subject}:{message.customer_id or message.id}",
        actor=SYSTEM.label,
        data={"messageId": str(message.id), "channel": message.channel, "source": message.source},
        now=now,
    )
