"""Let customers confirm what was granted for them: by a link to their address, and a button behind it."""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.consents.confirmations import confirm_consent
from regulars.consents.models import ConsentEvent
from regulars.consents.refusals import ConfirmationRefused
from regulars.consents.registry import core_consent_registry
from regulars.consents.scopes import Scope
from regulars.customers.claims import IdentityTaken, verify_identity
from regulars.customers.identities import Identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.errors import NotFound
from regulars.selfservice.refusals import LinkUnknown
from regulars.selfservice.signed import read_signed, write_signed

__all__ = ["WaitingGrant", "confirm_by_link", "confirmation_link", "grant_behind_link", "waiting_grant"]

LABEL = b"regulars double opt-in\0"
LIFETIME = timedelta(days=7)
CONFIRMED = "Confirmed by the link that was sent to their address"
CLOSED = ("erased", "deceased")
ID_BYTES, TIME_BYTES, MARK_BYTES = 16, 6, 16


@dataclass(frozen=True)
class WaitingGrant:
    """A grant that counts only once its customer confirms it; ``language`` is that of the text they were shown."""

    event_id: UUID
    customer_id: UUID
    scope: Scope
    language: str | None
    is_confirmed: bool


async def waiting_grant(session: AsyncSession, *, event_id: UUID) -> WaitingGrant | None:
    """Return the grant with this entry in the ledger; None for an entry that needs no confirmation."""
    entry = await session.get(ConsentEvent, event_id)
    if entry is None or entry.action != "grant" or not entry.needs_confirmation or entry.confirmed_at is not None:
        return None
    done = await session.scalar(select(col(ConsentEvent.id)).where(col(ConsentEvent.confirms_id) == event_id).limit(1))
    scope = Scope(entry.purpose, entry.channel, entry.topic)
    return WaitingGrant(entry.id, entry.customer_id, scope, entry.language, done is not None)


def confirmation_link(*, event_id: UUID, address: Identity, secret: str, now: datetime) -> str:
    """Return the token of a link to this address, named by a digest alone; it holds for seven days."""
    until = int((now + LIFETIME).timestamp()).to_bytes(TIME_BYTES, "big")
    return write_signed(LABEL, event_id.bytes + until + _mark(address, secret), secret=secret)


async def grant_behind_link(session: AsyncSession, *, link: str, secret: str, now: datetime) -> WaitingGrant:
    """Return the grant that a link confirms, confirmed already or not; changes nothing.

    Raises ``LinkUnknown`` for a link that was forged, is too old, or went to an address that is not the customer's any
    more.
    """
    grant, _ = await _behind(session, link, secret, now)
    return grant


async def confirm_by_link(session: AsyncSession, *, link: str, secret: str, now: datetime) -> WaitingGrant:
    """Confirm the grant, now that somebody who reads the address pressed a button; the address is proved by it, too.

    Confirming twice is no error. Raises ``LinkUnknown`` where ``grant_behind_link`` does, and for what was withdrawn or
    ran out since.
    """
    grant, identity = await _behind(session, link, secret, now)
    try:
        await confirm_consent(
            session,
            event_id=grant.event_id,
            reason=CONFIRMED,
            registry=core_consent_registry(),
            actor=SYSTEM,
            now=now,
        )
        await verify_identity(session, identity_id=identity.id, actor=SYSTEM, now=now)
    except (ConfirmationRefused, IdentityTaken, NotFound) as error:
        raise LinkUnknown from error
    return grant


async def _behind(
    session: AsyncSession, link: str, secret: str, now: datetime
) -> tuple[WaitingGrant, CustomerIdentity]:
    content = read_signed(LABEL, link, secret=secret)
    event_id = UUID(bytes=content[:ID_BYTES])
    until, mark = content[ID_BYTES : ID_BYTES + TIME_BYTES], content[ID_BYTES + TIME_BYTES :]
    if now >= datetime.fromtimestamp(int.from_bytes(until, "big"), UTC):
        raise LinkUnknown
    grant = await waiting_grant(session, event_id=event_id)
    if grant is None:
        raise LinkUnknown
    customer = await session.get_one(Customer, grant.customer_id)
    held = select(CustomerIdentity).where(
        col(CustomerIdentity.customer_id) == grant.customer_id, col(CustomerIdentity.retired_at).is_(None)
    )
    for row in await session.scalars(held):
        own = Identity(row.kind, row.value, row.normalised, row.source)
        if customer.status not in CLOSED and hmac.compare_digest(_mark(own, secret), mark):
            return grant, row
    raise LinkUnknown


def _mark(address: Identity, secret: str) -> bytes:
    name = "\0".join((address.kind, address.source, address.normalised)).encode()
    return hmac.digest(secret.encode(), b"regulars confirmed address\0" + name, "sha256")[:MARK_BYTES]
