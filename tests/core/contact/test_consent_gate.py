"""Row 14 of the test plan: for each purpose and each state of its consent, nothing goes out unless it was granted."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col
from tests.core.contact.senders import confirmed, reserved

from regulars.consents.models import ConsentEvent
from regulars.consents.registry import CORE_PURPOSES
from regulars.contact.models import ContactTouch
from regulars.testing.app import App

STATES: Mapping[str, list[Mapping[str, Any]]] = {
    "silent": [],
    "granted": [{"action": "grant"}],
    "withdrawn": [{"action": "grant"}, {"action": "withdraw", "days_ago": 1}],
    "reopened by staff": [{"action": "withdraw"}, {"action": "grant", "days_ago": 1, "origin": "staff"}],
    "pending": [{"action": "grant", "needs_confirmation": True}],
    "expired": [{"action": "grant", "expired_days_ago": 1}],
    "unproven": [{"action": "grant", "is_proven": False}],
    "soft": [{"action": "grant", "basis": "soft_opt_in"}],
    "for another channel": [{"action": "grant", "channel": "sms"}],
    "for a partner": [{"action": "grant", "recipient": "partner:acme"}],
}
OWN = [purpose for purpose in CORE_PURPOSES if purpose != "sharing"]


def entry(customer_id: UUID, purpose: str, given: Mapping[str, Any], now: datetime) -> ConsentEvent:
    at = now - timedelta(days=given.get("days_ago", 10))
    expired = given.get("expired_days_ago")
    return ConsentEvent(
        customer_id=customer_id,
        profile_id=customer_id,
        action=given["action"],
        purpose=purpose,
        channel=given.get("channel", "email"),
        topic="*",
        at=at,
        recorded_at=at,
        expires_at=None if expired is None else now - timedelta(days=expired),
        actor="test",
        origin=given.get("origin", "customer"),
        basis=given.get("basis", "express"),
        recipient=given.get("recipient"),
        needs_confirmation=given.get("needs_confirmation", False),
        is_proven=given.get("is_proven", True),
        words_hmac="",
    )


async def test_nothing_goes_out_unless_it_was_granted(app: App) -> None:
    places = list(product(OWN, STATES))
    customers = {place: await app.add_customer(" ".join(place)) for place in places}
    async with app.database.writing() as session:
        session.add_all(
            entry(customers[purpose, state], purpose, given, app.clock.now())
            for purpose, state in places
            for given in STATES[state]
        )

    held = {place: await reserved(app, customers[place], purpose=place[0]) for place in places}
    gone = {place: await confirmed(app, one) for place, one in held.items() if one["reservation"] is not None}

    assert set(gone) == {(purpose, "granted") for purpose in OWN}
    async with app.database.reading() as session:
        touched = set(await session.scalars(select(col(ContactTouch.customer_id))))
    assert touched == {customers[purpose, "granted"] for purpose in OWN}
