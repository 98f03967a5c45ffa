"""What waited for the customer's lock is recorded after what it waited for."""

import asyncio
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import SYSTEM
from regulars.consents.changes import ConsentChange
from regulars.consents.ledger import Action
from regulars.consents.models import ConsentEvent
from regulars.consents.service import record_consent
from regulars.contact.requests import ContactRequest
from regulars.contact.reservations import confirm_contact, reserve_contact
from regulars.testing.app import App

SECOND = timedelta(seconds=1)
NEWSLETTER = ContactRequest(channel="email", contact_class="marketing")


async def record(session: AsyncSession, app: App, anna: UUID, action: Action, now: datetime) -> ConsentEvent:
    change = ConsentChange(
        customer_id=anna,
        action=action,
        purpose="marketing.own",
        channel="email",
        reason="said so",
        notice_version="n1",
        language="en",
    )
    return await record_consent(session, change=change, registry=app.server.consent_registry, actor=SYSTEM, now=now)


@pytest.fixture
async def reserved(app: App) -> tuple[UUID, UUID]:
    """Give a customer who granted the newsletter, and the slot that was reserved for it."""
    anna, now, server = await app.add_customer("Anna"), app.clock.now(), app.server
    async with app.database.writing() as session:
        await record(session, app, anna, "grant", now - SECOND)
        stepped = await reserve_contact(
            session,
            customer_id=anna,
            request=NEWSLETTER,
            rules=server.contact_rules,
            registry=server.consent_registry,
            actor=SYSTEM,
            now=now,
        )
    assert stepped.reservation is not None
    return anna, stepped.reservation.id


async def test_a_withdrawal_that_waited_for_a_confirm_is_recorded_after_it(
    app: App, reserved: tuple[UUID, UUID]
) -> None:
    (anna, reservation), now, server = reserved, app.clock.now(), app.server

    async def withdraw() -> ConsentEvent:
        async with app.database.writing() as session:
            return await record(session, app, anna, "withdraw", now + SECOND)

    async with app.database.writing() as session:
        confirmed = await confirm_contact(
            session,
            reservation_id=reservation,
            rules=server.contact_rules,
            registry=server.consent_registry,
            actor=SYSTEM,
            now=now + 2 * SECOND,
        )
        waiting = asyncio.create_task(withdraw())
        await asyncio.sleep(0.05)
    withdrawal = await waiting

    assert confirmed.reservation is not None
    assert confirmed.reservation.confirmed_at == now + 2 * SECOND
    assert confirmed.reservation.confirmed_at < withdrawal.recorded_at == withdrawal.at


async def test_a_grant_that_waited_for_a_withdrawal_lifts_nothing(app: App, reserved: tuple[UUID, UUID]) -> None:
    (anna, reservation), now, server = reserved, app.clock.now(), app.server
    async with app.database.writing() as session:
        await record(session, app, anna, "withdraw", now + 2 * SECOND)

    async with app.database.writing() as session:
        grant = await record(session, app, anna, "grant", now + SECOND)
        confirmed = await confirm_contact(
            session,
            reservation_id=reservation,
            rules=server.contact_rules,
            registry=server.consent_registry,
            actor=SYSTEM,
            now=now + SECOND,
        )

    assert grant.recorded_at == now + SECOND
    assert (confirmed.decision.outcome, confirmed.decision.rule) == ("DENY", "withdrawn")
