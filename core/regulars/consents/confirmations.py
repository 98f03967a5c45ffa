"""Complete a double opt-in: a grant that waited for its confirmation is followed by the same one, confirmed."""

from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.changes import ConsentChange
from regulars.consents.ledger import Basis
from regulars.consents.models import ConsentEvent
from regulars.consents.refusals import ConfirmationRefused
from regulars.consents.registry import ConsentRegistry
from regulars.consents.service import ledger_entry, record_consent
from regulars.customers.survivors import locked_survivors
from regulars.errors import NotFound

__all__ = ["confirm_consent"]


async def confirm_consent(
    session: AsyncSession, *, event_id: UUID, reason: str, registry: ConsentRegistry, actor: Actor, now: datetime
) -> ConsentEvent:
    """Return the confirmed grant: a new entry over the scope, notice and times of the one that waited.

    Confirming twice gives the same entry. Only the customer's own act confirms, as told by a service that saw it.
    Raises ``NotFound`` for an unknown entry or somebody else's, and ``ConfirmationRefused`` for an entry that waits for
    no confirmation, for what was withdrawn or ran out since, and for staff.
    """
    waiting = await session.get(ConsentEvent, event_id)
    if waiting is None:
        raise NotFound("consent", event_id, path=("id",))
    # Whoever confirms or withdraws for the same customer at this moment comes before or after.
    await locked_survivors(session, {waiting.customer_id})
    _check(waiting, actor, now)
    done = await session.scalar(select(ConsentEvent).where(col(ConsentEvent.confirms_id) == waiting.id).limit(1))
    if done is not None:
        return done
    if await _was_withdrawn(session, waiting):
        raise ConfirmationRefused(waiting.id, "the customer has withdrawn it since")
    change = ConsentChange(
        customer_id=waiting.profile_id,
        action="grant",
        purpose=waiting.purpose,
        channel=waiting.channel,
        topic=waiting.topic,
        reason=reason,
        at=waiting.at,
        expires_at=waiting.expires_at,
        origin="customer",
        basis=cast("Basis", waiting.basis),
        recipient=waiting.recipient,
        needs_confirmation=True,
        confirmed_at=now,
        confirms_id=waiting.id,
        evidence={"kind": "double_opt_in"},
        notice_version=waiting.notice_version,
        language=waiting.language,
        text_sha256=waiting.text_sha256,
    )
    return await record_consent(session, change=change, registry=registry, actor=actor, now=now)


def _check(waiting: ConsentEvent, actor: Actor, now: datetime) -> None:
    if actor.kind == "staff":
        raise ConfirmationRefused(waiting.id, "only the customer's own act confirms it")
    if waiting.action != "grant" or not waiting.needs_confirmation or waiting.confirmed_at is not None:
        raise ConfirmationRefused(waiting.id, "it waits for no confirmation")
    if waiting.expires_at is not None and waiting.expires_at <= now:
        raise ConfirmationRefused(waiting.id, "it has expired")


async def _was_withdrawn(session: AsyncSession, waiting: ConsentEvent) -> bool:
    later = select(ConsentEvent).where(
        col(ConsentEvent.customer_id) == waiting.customer_id,
        col(ConsentEvent.action) == "withdraw",
        col(ConsentEvent.at) >= waiting.at,
    )
    waits = ledger_entry(waiting)
    withdrawn = [ledger_entry(row) for row in await session.scalars(later)]
    return any(entry.scope.covers(waits.scope) and entry.recipient in (None, waits.recipient) for entry in withdrawn)
