"""Let customers in: links that are sent to an address of theirs, and the short sessions that these open."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.customers.finding import current_customer
from regulars.customers.identities import Identity
from regulars.customers.models import Customer, CustomerIdentity
from regulars.errors import NotFound
from regulars.selfservice.models import CustomerSession, MagicLink
from regulars.selfservice.refusals import AddressUnknown, LinkUnknown, TooManyLinks

__all__ = ["OpenedSession", "end_session", "end_sessions", "find_session", "make_magic_link", "open_session"]

LINK_LIFETIME = timedelta(minutes=15)
SESSION_LIFETIME = timedelta(minutes=30)
MOST_LINKS_AN_HOUR = 5
TOKEN_BYTES = 24
CLOSED = ("erased", "deceased")


@dataclass(frozen=True)
class OpenedSession:
    """A session that is open: the customer as whom it counts today, and when it ends."""

    id: UUID
    customer: Customer
    opened_at: datetime
    expires_at: datetime


async def make_magic_link(
    session: AsyncSession, *, customer_id: UUID, address: Identity, secret: str, now: datetime
) -> str:
    """Return the token of a new link, 192 random bits in base64url; every earlier link of the customer is void.

    It holds for 15 minutes and opens one session. Raises ``NotFound``, ``AddressUnknown`` when the address is not the
    customer's, and ``TooManyLinks`` after five links within an hour.
    """
    customer = await _welcome_customer(session, customer_id)
    if not await _has_address(session, customer.id, _hash(_written(address), secret), secret):
        raise AddressUnknown
    recent = select(func.count()).where(
        col(MagicLink.customer_id) == customer.id, col(MagicLink.created_at) > now - timedelta(hours=1)
    )
    if (await session.scalar(recent) or 0) >= MOST_LINKS_AN_HOUR:
        raise TooManyLinks(most=MOST_LINKS_AN_HOUR)
    earlier = (
        update(MagicLink)
        .where(col(MagicLink.customer_id) == customer.id, col(MagicLink.superseded_at).is_(None))
        .values(superseded_at=now)
    )
    await session.execute(earlier)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(
        MagicLink(
            customer_id=customer.id,
            token_hash=_hash(token, secret),
            address_hash=_hash(_written(address), secret),
            created_at=now,
            expires_at=now + LINK_LIFETIME,
        )
    )
    await session.flush()
    return token


async def open_session(session: AsyncSession, *, token: str, secret: str, now: datetime) -> tuple[str, OpenedSession]:
    """Spend a link and return the token of the session that it opens, which lasts for 30 minutes.

    Of two who use one link at the same moment one succeeds. Raises ``LinkUnknown`` for a link that was never given
    out, was used, is too old, was followed by another, or went to an address that is not the customer's any more.
    """
    spent = (
        update(MagicLink)
        .where(
            col(MagicLink.token_hash) == _hash(token, secret),
            col(MagicLink.used_at).is_(None),
            col(MagicLink.superseded_at).is_(None),
            col(MagicLink.expires_at) > now,
        )
        .values(used_at=now)
        .returning(MagicLink)
    )
    link = (await session.execute(spent)).scalar_one_or_none()
    if link is None:
        raise LinkUnknown
    try:
        customer = await _welcome_customer(session, link.customer_id)
    except NotFound as error:
        raise LinkUnknown from error
    if not await _has_address(session, customer.id, link.address_hash, secret):
        raise LinkUnknown
    opened = secrets.token_urlsafe(TOKEN_BYTES)
    row = CustomerSession(
        customer_id=customer.id,
        link_id=link.id,
        token_hash=_hash(opened, secret),
        created_at=now,
        expires_at=now + SESSION_LIFETIME,
    )
    session.add(row)
    await session.flush()
    return opened, OpenedSession(row.id, customer, row.created_at, row.expires_at)


async def find_session(session: AsyncSession, *, token: str, secret: str, now: datetime) -> OpenedSession | None:
    """Return the session with this token; None when there is none, or when it has ended."""
    row = await session.scalar(
        select(CustomerSession).where(
            col(CustomerSession.token_hash) == _hash(token, secret),
            col(CustomerSession.ended_at).is_(None),
            col(CustomerSession.expires_at) > now,
        )
    )
    if row is None:
        return None
    try:
        customer = await _welcome_customer(session, row.customer_id)
    except NotFound:
        return None
    return OpenedSession(row.id, customer, row.created_at, row.expires_at)


async def end_session(session: AsyncSession, *, token: str, secret: str, now: datetime) -> None:
    """End the session with this token; one that has ended, or never was, is no error."""
    ending = (
        update(CustomerSession)
        .where(col(CustomerSession.token_hash) == _hash(token, secret), col(CustomerSession.ended_at).is_(None))
        .values(ended_at=now)
    )
    await session.execute(ending)


async def end_sessions(session: AsyncSession, *, customer_id: UUID, now: datetime) -> None:
    """End every session of a customer that is open."""
    theirs = (col(CustomerSession.customer_id) == customer_id) & col(CustomerSession.ended_at).is_(None)
    await session.execute(update(CustomerSession).where(theirs).values(ended_at=now))


async def _welcome_customer(session: AsyncSession, customer_id: UUID) -> Customer:
    customer = await current_customer(session, customer_id=customer_id)
    if customer.status in CLOSED:
        raise NotFound("customer", customer_id)
    return customer


async def _has_address(session: AsyncSession, customer_id: UUID, address_hash: str, secret: str) -> bool:
    held = select(CustomerIdentity).where(
        col(CustomerIdentity.customer_id) == customer_id, col(CustomerIdentity.retired_at).is_(None)
    )
    identities = await session.scalars(held)
    return any(
        hmac.compare_digest(_hash(_name(row.kind, row.source, row.normalised), secret), address_hash)
        for row in identities
    )


def _written(address: Identity) -> str:
    return _name(address.kind, address.source, address.normalised)


def _name(kind: str, source: str, normalised: str) -> str:
    return "\0".join((kind, source, normalised))


def _hash(text: str, secret: str) -> str:
    return hmac.digest(secret.encode(), b"regulars customer link\0" + text.encode(), "sha256").hex()
