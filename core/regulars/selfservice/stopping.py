"""Stop what the link in a message stops, whoever clicks it: a token can only lower what is sent."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.changes import ConsentChange
from regulars.consents.models import ConsentEvent, ConsentState
from regulars.consents.registry import ConsentRegistry
from regulars.consents.scopes import Scope
from regulars.consents.service import record_consent
from regulars.customers.finding import counts_today_as
from regulars.customers.models import Customer
from regulars.customers.survivors import locked_survivors
from regulars.events.service import record_event
from regulars.selfservice.refusals import LinkUnknown

__all__ = ["language_behind", "stop_scope"]

ERASED = "erased"
REASON = "Used the stop link of a message"
STANDING = ("granted", "pending")


async def language_behind(session: AsyncSession, *, customer_id: UUID) -> str | None:
    """Return the language of the customer behind a token, None where it is not known.

    Raises ``LinkUnknown`` when nobody, or nobody any more, is behind it.
    """
    asked = aliased(Customer)
    query = select(col(Customer.status), col(Customer.language)).join(asked, col(Customer.id) == counts_today_as(asked))
    found = (await session.execute(query.where(col(asked.id) == customer_id))).one_or_none()
    if found is None or found.status == ERASED:
        raise LinkUnknown
    language: str | None = found.language
    return language


async def stop_scope(
    session: AsyncSession, *, customer_id: UUID, scope: Scope, registry: ConsentRegistry, now: datetime
) -> ConsentEvent | None:
    """Withdraw the scope for the customer as whom this id counts today; None when it was withdrawn before.

    A second click writes nothing into the ledger, and an event says that it happened. Raises ``LinkUnknown`` for a
    customer who is not known or was erased.
    """
    customer = (await locked_survivors(session, [customer_id])).get(customer_id)
    if customer is None or customer.status == ERASED:
        raise LinkUnknown
    actor = Actor("customer", customer_id, customer_id=customer_id)
    if await _is_stopped(session, customer.id, scope):
        await record_event(
            session,
            type="consent.withdrawal_repeated",
            subject=f"customer:{customer.id}",
            actor=actor.label,
            data={"purpose": scope.purpose, "channel": scope.channel, "topic": scope.topic},
            now=now,
        )
        return None
    change = ConsentChange(
        customer_id, "withdraw", scope.purpose, scope.channel, REASON, topic=scope.topic, origin="customer"
    )
    return await record_consent(session, change=change, registry=registry, actor=actor, now=now)


async def _is_stopped(session: AsyncSession, customer_id: UUID, scope: Scope) -> bool:
    rows = await session.scalars(select(ConsentState).where(col(ConsentState.customer_id) == customer_id))
    inside = {Scope(row.purpose, row.channel, row.topic): row.status for row in rows}
    is_open = any(status in STANDING and scope.covers(each) for each, status in inside.items())
    return inside.get(scope) == "withdrawn" and not is_open
