"""The as-of and ledger scenarios of the case file, each by its id, on the real server."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.audit.models import Seal
from regulars.clock import SettableClock
from regulars.consents.models import ConsentEvent
from regulars.testing.app import App

GRANT = """mutation ($id: ID!, $at: DateTime) { consentGrant(input: {
  customerId: $id, purpose: "marketing.own", channel: "email", reason: "Asked for it", at: $at,
  noticeVersion: "n1", language: "en"}) { consent { id } errors { code message } } }"""
WITHDRAW = """mutation ($id: ID!, $at: DateTime) { consentWithdraw(input: {
  customerId: $id, purpose: "marketing.own", channel: "email", reason: "By post", at: $at
}) { consent { id } errors { code message } } }"""
VERIFY = "{ consentLedgerVerify { isWhole sealed unsealed firstBrokenSeq problem } }"


def march(day: int) -> datetime:
    return datetime(2026, 3, day, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(march(1))


@pytest.fixture
async def anna(app: App) -> UUID:
    return await app.add_customer("Anna")


async def record(app: App, mutation: str, customer_id: UUID, *, recorded: datetime, at: datetime | None = None) -> None:
    app.clock.advance(recorded - app.clock.now())
    told = await app.gql(mutation, {"id": str(customer_id), "at": (at or recorded).isoformat()}, as_=service(app))
    (payload,) = told.values()
    assert payload["errors"] == []


def service(app: App) -> Actor:
    """Return a program that tells what customers did themselves."""
    return Actor("service", UUID(int=3), "shop", app.actor("privacy").permissions)


async def test_s01_what_was_the_consent_on_3_march(app: App, anna: UUID) -> None:
    await record(app, GRANT, anna, recorded=march(5), at=march(1))
    await record(app, WITHDRAW, anna, recorded=march(10))

    told = await app.gql(
        """query ($id: ID!, $at: DateTime) { consentAt(
          customerId: $id, purpose: "marketing.own", channel: "email", validAt: $at
        ) { status at recordedAt reason } }""",
        {"id": str(anna), "at": march(3).isoformat()},
    )

    assert told["consentAt"] == {
        "status": "granted",
        "at": "2026-03-01T09:00:00.000000Z",
        "recordedAt": "2026-03-05T09:00:00.000000Z",
        "reason": "Granted: marketing.own by email, given on 2026-03-01 at 09:00 UTC, recorded on 2026-03-05 at 09:00"
        " UTC under notice n1.",
    }


async def test_s02_a_withdrawal_by_post_that_was_keyed_after_the_send(app: App, anna: UUID) -> None:
    await record(app, GRANT, anna, recorded=march(1))
    await record(app, WITHDRAW, anna, recorded=march(6), at=march(2))

    told = await app.gql(
        """query ($id: ID!, $at: DateTime!) { consentAudit(
          customerId: $id, purpose: "marketing.own", channel: "email", at: $at
        ) { verdict lagSeconds knownThen { status } knownNow { status } } }""",
        {"id": str(anna), "at": march(4).isoformat()},
    )

    assert told["consentAudit"] == {
        "verdict": "late_withdrawal",
        "lagSeconds": timedelta(days=4).total_seconds(),
        "knownThen": {"status": "granted"},
        "knownNow": {"status": "withdrawn"},
    }


@pytest.mark.parametrize("change", [update(ConsentEvent).values(channel="sms"), delete(ConsentEvent)])
async def test_s04_the_database_itself_refuses_to_change_or_delete_a_row(app: App, anna: UUID, change: Any) -> None:
    await record(app, GRANT, anna, recorded=march(1))

    with pytest.raises(IntegrityError, match="only added to"):
        async with app.database.writing() as session:
            await session.execute(change)

    async with app.database.reading() as session:
        assert [row.channel for row in await session.scalars(select(ConsentEvent))] == ["email"]


async def test_s05_a_row_that_was_altered_behind_the_databases_back_is_named(app: App, anna: UUID) -> None:
    for day in (1, 2, 3):
        await record(app, GRANT, anna, recorded=march(day))
    assert (await app.gql(VERIFY))["consentLedgerVerify"]["isWhole"]
    async with app.database.writing() as session:
        await session.execute(text(WITHOUT_TRIGGER[app.database.dialect]))
        middle = select(col(ConsentEvent.id)).where(col(ConsentEvent.at) == march(2))
        altered = await session.scalar(middle)
        await session.execute(update(ConsentEvent).where(col(ConsentEvent.id) == altered).values(language="eN"))

    verdict = (await app.gql(VERIFY))["consentLedgerVerify"]

    async with app.database.reading() as session:
        seq = await session.scalar(select(col(Seal.seq)).where(col(Seal.row_id) == altered))
    assert (verdict["isWhole"], verdict["firstBrokenSeq"]) == (False, seq)


WITHOUT_TRIGGER = {
    "sqlite": "DROP TRIGGER core_consent_event_is_not_updated",
    "postgresql": "ALTER TABLE core_consent_event DISABLE TRIGGER USER",
}


async def test_s06_two_writers_append_at_once_without_fork_or_gap(app: App, anna: UUID) -> None:
    berta = await app.add_customer("Berta")
    people = [{"id": str(id), "at": None} for id in (anna, berta)] * 50

    await asyncio.gather(*(app.gql(GRANT, person, as_=service(app)) for person in people))

    verdict = (await app.gql(VERIFY))["consentLedgerVerify"]
    async with app.database.reading() as session:
        seals = list(await session.scalars(select(Seal).order_by(col(Seal.seq))))
    assert (verdict["isWhole"], verdict["unsealed"]) == (True, 0)
    assert [seal.seq for seal in seals] == list(range(1, len(seals) + 1))
    assert len([seal for seal in seals if seal.kind == "consent"]) == 100
