"""Where a message goes, and in which language."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.customers.models import Customer, CustomerIdentity
from regulars.messages.models import Message
from regulars.suppressions.addresses import address_on_channel
from regulars.suppressions.lookups import suppressions_of_addresses

__all__ = ["NO_ADDRESS", "address_of", "is_reachable_alone", "language_of", "needs_address"]

KINDS = {"email": "email", "sms": "phone", "voice": "phone", "whatsapp": "phone"}
NO_ADDRESS = "no_address"
STANDS_AGAINST_ANY = ("hard_bounce", "reassigned", "complaint")


async def address_of(session: AsyncSession, message: Message) -> str | None:
    """Return the address that the message names, else the customer's newest on its channel, verified ones first.

    None where there is none; channels that go by the customer alone, such as post, need none.
    """
    if message.address is not None or message.customer_id is None:
        return message.address
    kind = KINDS.get(message.channel)
    if kind is None:
        return None
    newest = (
        select(col(CustomerIdentity.value))
        .where(
            col(CustomerIdentity.customer_id) == message.customer_id,
            col(CustomerIdentity.kind) == kind,
            col(CustomerIdentity.retired_at).is_(None),
        )
        .order_by(
            col(CustomerIdentity.verified_at).is_(None),
            col(CustomerIdentity.created_at).desc(),
            col(CustomerIdentity.id).desc(),
        )
        .limit(1)
    )
    return await session.scalar(newest)


def needs_address(channel: str) -> bool:
    """Tell whether nothing can go by this channel without an address."""
    return channel in KINDS


async def is_reachable_alone(session: AsyncSession, message: Message) -> bool:
    """Tell whether a mail to nobody in particular may go: only the suppression list is asked."""
    assert message.address is not None
    address = address_on_channel(message.channel, message.address)
    found = await suppressions_of_addresses(session, identities=[address], channel=message.channel)
    return not any(entry.kind in STANDS_AGAINST_ANY for entry in found.get(address, ()))


async def language_of(session: AsyncSession, message: Message, *, usual: str) -> str:
    """Return the language that the message names, else the customer's, else the company's usual one."""
    if message.language is None and message.customer_id is not None:
        spoken = await session.scalar(select(col(Customer.language)).where(col(Customer.id) == message.customer_id))
        return spoken or usual
    return message.language or usual
