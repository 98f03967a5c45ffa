import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM, Actor
from regulars.audit.models import LedgerWords
from regulars.consents.changes import ConsentChange
from regulars.consents.models import ConsentEvent, ConsentState
from regulars.consents.refusals import EvidenceRequired, ReopeningRefused
from regulars.consents.registry import ConsentRegistry
from regulars.consents.service import record_consent
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.errors import ExpectedError, NotFound
from regulars.events.models import Event
from regulars.tables import new_id

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
STAFF = Actor("staff", id=new_id())
SHOP = Actor("service", id=new_id())

Record = Callable[..., Awaitable[ConsentEvent]]


def oneself(customer: Customer) -> Actor:
    return Actor("customer", id=customer.id, customer_id=customer.id)


async def states(session: AsyncSession) -> dict[tuple[str, str, str], str]:
    rows = await session.scalars(select(ConsentState))
    return {(row.purpose, row.channel, row.topic): row.status for row in rows}


async def ledger(session: AsyncSession) -> list[ConsentEvent]:
    return list(await session.scalars(select(ConsentEvent).order_by(col(ConsentEvent.id))))


async def test_a_grant_is_kept_with_its_whole_scope_both_times_and_its_evidence(
    session: AsyncSession, record: Record, customer: Customer
) -> None:
    given = {
        "topic": "books",
        "at": NOW - HOUR,
        "expires_at": NOW + HOUR,
        "recipient": "partner:acme",
        "session": "up",
        "needs_confirmation": True,
        "confirmed_at": NOW,
        "text_sha256": "0" * 64,
        "basis": "express_written",
    }

    await record("grant", actor=SHOP, evidence={"form": "checkout"}, **given)

    session.expunge_all()
    [row] = await ledger(session)
    assert (row.customer_id, row.profile_id, row.action) == (customer.id, customer.id, "grant")
    assert (row.purpose, row.channel) == ("marketing.own", "email")
    assert (row.recorded_at, row.actor, row.origin) == (NOW, SHOP.label, "customer")
    assert (row.notice_version, row.language) == ("n1", "en")
    assert {name: getattr(row, name) for name in given} == given
    words = await session.get_one(LedgerWords, row.id)
    assert (words.reason, words.evidence, row.is_proven) == ("said so", {"form": "checkout"}, True)


async def test_what_stands_and_an_event_are_written_with_the_ledger(
    session: AsyncSession, record: Record, customer: Customer
) -> None:
    row = await record("grant")

    [state] = await session.scalars(select(ConsentState))
    [event] = await session.scalars(select(Event))
    assert (state.customer_id, state.status, state.since, state.event_id) == (customer.id, "granted", NOW, row.id)
    assert (event.type, event.subject, event.actor) == ("consent.granted", f"customer:{customer.id}", "system")
    assert event.data == {
        "consentEventId": str(row.id),
        "purpose": "marketing.own",
        "channel": "email",
        "topic": "*",
    }


async def test_a_withdrawal_of_everything_closes_every_scope(session: AsyncSession, record: Record) -> None:
    await record("grant")
    await record("grant", "research", "sms")

    await record("withdraw", "*", "*", now=NOW + HOUR)

    assert set((await states(session)).values()) == {"withdrawn"}
    assert len(await states(session)) == 3


async def test_the_customers_own_confirmed_act_opens_its_scope_alone(
    session: AsyncSession, record: Record, customer: Customer
) -> None:
    await record("grant", "research", "sms")
    await record("withdraw", "*", "*", now=NOW + HOUR)

    await record("grant", actor=oneself(customer), session="up", now=NOW + 2 * HOUR)

    assert await states(session) == {
        ("research", "sms", "*"): "withdrawn",
        ("*", "*", "*"): "withdrawn",
        ("marketing.own", "email", "*"): "granted",
    }


@pytest.mark.parametrize(
    ("actor", "details"),
    [(STAFF, {}), (STAFF, {"origin": "import"}), (SHOP, {"origin": "staff"}), (SHOP, {"origin": "import"})],
)
async def test_nobody_else_reopens_what_the_customer_closed(
    session: AsyncSession, record: Record, actor: Actor, details: dict[str, Any]
) -> None:
    await record("withdraw", "marketing", now=NOW)

    with pytest.raises(ReopeningRefused, match="withdrew marketing by email on 2026-03-02") as refusal:
        await record("grant", actor=actor, now=NOW + HOUR, **details)

    assert refusal.value.code == "FORBIDDEN_TRANSITION"
    assert len(await ledger(session)) == 1
    assert len(list(await session.scalars(select(Event)))) == 1


async def test_staff_may_grant_what_the_customer_never_closed(session: AsyncSession, record: Record) -> None:
    await record("withdraw", "marketing", "sms")

    row = await record("grant", actor=STAFF, now=NOW + HOUR)

    assert row.origin == "staff"
    assert (await states(session))["marketing.own", "email", "*"] == "granted"


async def test_an_import_may_tell_late_what_was_granted_before_the_withdrawal(
    session: AsyncSession, record: Record
) -> None:
    await record("withdraw", "marketing")

    await record("grant", actor=SHOP, origin="import", at=NOW - HOUR, now=NOW + HOUR)

    assert len(await ledger(session)) == 2
    assert set((await states(session)).values()) == {"withdrawn"}


async def test_bad_input_writes_nothing(session: AsyncSession, record: Record) -> None:
    with pytest.raises(EvidenceRequired):
        await record("grant", notice_version=None)

    assert await ledger(session) == []
    assert await states(session) == {}
    assert list(await session.scalars(select(Event))) == []


async def test_a_purpose_that_a_plugin_brought_is_known(
    session: AsyncSession, registry: ConsentRegistry, customer: Customer
) -> None:
    more = registry.with_those_of("loyalty", purposes=["loyalty"], channels=["counter"])
    change = ConsentChange(customer.id, "withdraw", "loyalty.cards", "counter", "left")

    row = await record_consent(session, change=change, registry=more, actor=SYSTEM, now=NOW)

    assert (row.purpose, row.channel) == ("loyalty.cards", "counter")


async def test_a_customer_grants_only_in_an_up_session(
    session: AsyncSession, record: Record, customer: Customer
) -> None:
    with pytest.raises(ExpectedError) as refusal:
        await record("grant", actor=oneself(customer))

    assert refusal.value.code == "UP_SESSION_REQUIRED"
    assert await ledger(session) == []


async def test_a_customer_withdraws_without_any_session(record: Record, customer: Customer) -> None:
    row = await record("withdraw", actor=oneself(customer), notice_version=None, language=None)

    assert (row.action, row.session, row.origin) == ("withdraw", None, "customer")


async def test_a_customer_changes_nothing_of_somebody_else(session: AsyncSession, record: Record) -> None:
    bert = Customer(created_at=NOW, updated_at=NOW)
    session.add(bert)
    await session.flush()

    with pytest.raises(NotFound):
        await record("withdraw", actor=oneself(bert))

    assert await ledger(session) == []


async def test_a_fast_clock_loses_no_withdrawal(session: AsyncSession, record: Record) -> None:
    await record("grant")

    row = await record("withdraw", at=NOW + 23 * HOUR, now=NOW + HOUR)

    assert row.at == NOW + HOUR
    assert set((await states(session)).values()) == {"withdrawn"}


async def test_a_grant_that_names_its_notice_is_proven_by_it(session: AsyncSession, record: Record) -> None:
    row = await record("grant")

    assert row.is_proven
    assert (await session.get_one(LedgerWords, row.id)).evidence == {"kind": "notice"}


async def test_a_withdrawal_for_a_merged_customer_lands_on_the_survivor(
    session: AsyncSession, record: Record, customer: Customer
) -> None:
    former = Customer(created_at=NOW, updated_at=NOW, merged_into_id=customer.id)
    session.add(former)
    await session.flush()

    row = await record("withdraw", customer_id=former.id)

    assert (row.customer_id, row.profile_id) == (customer.id, former.id)
    assert [state.customer_id for state in await session.scalars(select(ConsentState))] == [customer.id]


async def test_a_deleted_customer_can_still_withdraw_but_not_grant(session: AsyncSession, record: Record) -> None:
    leaver = Customer(created_at=NOW, updated_at=NOW, deleted_at=NOW)
    session.add(leaver)
    await session.flush()

    await record("withdraw", customer_id=leaver.id)
    with pytest.raises(NotFound):
        await record("grant", customer_id=leaver.id, now=NOW + HOUR)

    assert [row.action for row in await ledger(session)] == ["withdraw"]


async def test_nothing_is_recorded_for_an_unknown_customer(session: AsyncSession, record: Record) -> None:
    with pytest.raises(NotFound):
        await record("withdraw", customer_id=new_id())

    assert await ledger(session) == []


async def test_changes_at_the_same_time_leave_what_the_whole_ledger_says(
    database: Database, registry: ConsentRegistry, customer: Customer
) -> None:
    async def change(action: Any, channel: str) -> None:
        wanted = ConsentChange(
            customer.id, action, "marketing.own", channel, "said so", notice_version="n1", language="en"
        )
        async with database.writing() as session:
            await record_consent(session, change=wanted, registry=registry, actor=SYSTEM, now=NOW)

    await asyncio.gather(
        change("grant", "email"), change("withdraw", "*"), change("grant", "sms"), change("grant", "push")
    )

    async with database.reading() as session:
        assert set((await states(session)).values()) == {"withdrawn"}
        assert len(await states(session)) == 4
