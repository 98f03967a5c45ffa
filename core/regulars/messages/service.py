"""Take messages to be sent, and cancel them."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.checks import check_json, check_text
from regulars.consents.registry import ConsentRegistry
from regulars.contact.requests import ContactRequest, checked_request
from regulars.customers.finding import customer_to_change
from regulars.errors import NotFound, OutOfRange, UnknownValue
from regulars.events.service import record_event
from regulars.messages.models import Message
from regulars.messages.refusals import CustomerNeeded, MessageKeyTaken, MessageUnderway
from regulars.messages.templates import MessageDraft, MessageTemplate
from regulars.tables import new_id

__all__ = [
    "AcceptedDraft",
    "cancel_message",
    "check_draft",
    "contact_request_of",
    "enqueue_message",
    "message_row",
    "tell_of",
]

LARGEST_PAYLOAD_BYTES = 64 * 1024
CANCELLABLE = ("pending", "deferred")

_ASKED = (
    *("channel", "contact_class", "purpose", "topic", "sender", "campaign"),
    *("experiment", "case_id", "profiling", "requested_alert", "contains_offer"),
)


async def enqueue_message(
    session: AsyncSession,
    *,
    draft: MessageDraft,
    source: str,
    templates: Mapping[str, MessageTemplate],
    registry: ConsentRegistry,
    actor: str,
    now: datetime,
) -> Message:
    """Take a message and return its row; the same draft under the same key is the same message.

    It is sent once the transaction is committed and the contact decision allows it. Raises ``UnknownValue`` for a
    template, channel or purpose that is not known, ``MessageKeyTaken`` for a key that names another message,
    ``CustomerNeeded``, ``NotFound`` for an unknown customer, and ``OutOfRange`` for an end before the beginning.
    """
    accepted = check_draft(draft, templates=templates, registry=registry, now=now)
    earlier = await _earlier(session, draft, source)
    if earlier is not None:
        return earlier
    customer_id = None
    if draft.customer_id is not None:
        customer_id = (await customer_to_change(session, customer_id=draft.customer_id)).id
        earlier = await _earlier(session, draft, source)  # somebody who had the customer may have written it
        if earlier is not None:
            return earlier
    message = Message(**message_row(draft, accepted, source=source, customer_id=customer_id, now=now))
    session.add(message)
    await session.flush()
    await tell_of(session, "message.enqueued", message, actor, now)
    return message


@dataclass(frozen=True)
class AcceptedDraft:
    """A draft that can be taken: its template, what the contact decision will be asked, and when it may go first."""

    template: MessageTemplate
    request: ContactRequest
    begins: datetime


def check_draft(
    draft: MessageDraft, *, templates: Mapping[str, MessageTemplate], registry: ConsentRegistry, now: datetime
) -> AcceptedDraft:
    """Return the draft with all that follows from it; raises what ``enqueue_message`` raises before it reads a row."""
    template = templates.get(draft.template)
    if template is None:
        raise UnknownValue("template of messages", draft.template, templates, path=("template",))
    check_text(draft.key, path=("key",), longest=200)
    check_json(dict(draft.payload), path=("payload",), most_bytes=LARGEST_PAYLOAD_BYTES)
    request = checked_request(
        ContactRequest(
            channel=draft.channel,
            contact_class=template.contact_class,
            purpose=draft.purpose,
            topic=draft.topic,
            sender=draft.sender,
            campaign=draft.campaign,
            experiment=draft.experiment,
            case_id=draft.case_id,
            profiling=draft.profiling,
            requested_alert=draft.requested_alert,
            contains_offer=template.contains_offer,
        ),
        registry=registry,
    )
    begins = draft.not_before or now
    if draft.expires_at is not None and draft.expires_at <= begins:
        raise OutOfRange("The message would be out of date before it may be sent.", path=("expiresAt",))
    if draft.customer_id is None and (draft.address is None or template.contact_class != "transactional"):
        raise CustomerNeeded
    return AcceptedDraft(template, request, begins)


def message_row(
    draft: MessageDraft, accepted: AcceptedDraft, *, source: str, customer_id: UUID | None, now: datetime
) -> dict[str, Any]:
    """Return the values of the row of a draft; ``customer_id`` is as whom its customer counts today."""
    request = accepted.request
    return {
        "id": new_id(),
        "customer_id": customer_id,
        "profile_id": draft.customer_id,
        "source": source,
        "key": draft.key,
        "digest": _digest(draft),
        "channel": request.channel,
        "contact_class": request.contact_class,
        "topic": request.topic,
        "campaign": request.campaign,
        "template": accepted.template.id,
        "address": draft.address,
        "language": draft.language,
        "request": {name: getattr(request, name) for name in _ASKED},
        "payload": dict(draft.payload),
        "state": "pending",
        "turn": 0,
        "attempts": 0,
        "next_at": accepted.begins,
        "expires_at": draft.expires_at,
        "created_at": now,
    }


async def cancel_message(session: AsyncSession, *, message_id: UUID, actor: Actor, now: datetime) -> Message:
    """Stop a message that has not been handed over, and return it; cancelling twice is no error.

    Raises ``NotFound``, and ``MessageUnderway`` once it was handed over or has ended otherwise.
    """
    message = await session.scalar(select(Message).where(col(Message.id) == message_id).with_for_update())
    if message is None:
        raise NotFound("message", message_id, path=("id",))
    if message.state == "cancelled":
        return message
    if message.state not in CANCELLABLE:
        raise MessageUnderway(message.id, message.state)
    message.state, message.next_at, message.wake_on, message.ended_at = "cancelled", None, None, now
    message.turn += 1
    await session.flush()
    await tell_of(session, "message.cancelled", message, actor.label, now)
    return message


def contact_request_of(message: Message, *, address: str | None) -> ContactRequest:
    """Return what the contact decision is asked about a message."""
    return ContactRequest(**message.request, address=address, expires_at=message.expires_at)


async def _earlier(session: AsyncSession, draft: MessageDraft, source: str) -> Message | None:
    same = select(Message).where(col(Message.source) == source, col(Message.key) == draft.key)
    message = await session.scalar(same)
    if message is not None and message.digest != _digest(draft):
        raise MessageKeyTaken(draft.key, message.id)
    return message


def _digest(draft: MessageDraft) -> str:
    # An id that was read from PostgreSQL is of a class of its driver's, which orjson does not take for a UUID.
    return hashlib.sha256(orjson.dumps(asdict(draft), default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()


async def tell_of(session: AsyncSession, type: str, message: Message, actor: str, now: datetime) -> None:
    """Record the event that something became of a message."""
    subject = "message" if message.customer_id is None else "customer"
    await record_event(
        session,
        type=type,
        subject=f"{subject}:{message.customer_id or message.id}",
        actor=actor,
        data={"messageId": str(message.id), "channel": message.channel, "source": message.source},
        now=now,
    )
