"""Customers of a shop whose processes run, and messages to them, written straight into its database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import update
from tests.real.herald import TEMPLATES

from regulars.access.actors import SYSTEM
from regulars.consents.changes import ConsentChange
from regulars.consents.registry import core_consent_registry
from regulars.consents.service import record_consent
from regulars.contact import models as _contacts  # noqa: F401  # messages refer to their tables
from regulars.customers.models import CustomerIdentity
from regulars.database import Database
from regulars.messages.service import enqueue_message
from regulars.messages.templates import MessageDraft
from regulars.testing.shop import add_customer

__all__ = ["add_willing_customers", "enqueue"]


async def add_willing_customers(database: Database, addresses: Sequence[str]) -> list[UUID]:
    """Return new customers who want the newsletter, each with one of these addresses, which are verified."""
    async with database.writing() as session:
        now = datetime.now(UTC)
        customers = [
            await add_customer(session, name=None, email=address, external_id=None, now=now) for address in addresses
        ]
        await session.execute(update(CustomerIdentity).values(verified_at=now))
        for customer in customers:
            said = ConsentChange(
                customer_id=customer,
                action="grant",
                purpose="marketing.own",
                channel="email",
                reason="said so",
                notice_version="n1",
                language="en",
            )
            await record_consent(session, change=said, registry=core_consent_registry(), actor=SYSTEM, now=now)
    return customers


async def enqueue(
    database: Database, customers: Sequence[UUID], *, each: int, template: str = "herald.news"
) -> list[UUID]:
    """Return the ids of new messages, ``each`` to every customer; those to one customer do not follow one another."""
    templates = {one.id: one for one in TEMPLATES}
    async with database.writing() as session:
        now = datetime.now(UTC)
        taken = [
            await enqueue_message(
                session,
                draft=MessageDraft(
                    key=f"{template}:{customer}:{number}",
                    template=template,
                    channel="email",
                    customer_id=customer,
                    payload={"number": number},
                ),
                source="herald",
                templates=templates,
                registry=core_consent_registry(),
                actor="system",
                now=now,
            )
            for number in range(each)
            for customer in customers
        ]
    return [message.id for message in taken]
