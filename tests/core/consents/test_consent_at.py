from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.lattice import ConsentAnswer, ConsentPolicy
from regulars.consents.models import ConsentEvent, ConsentState
from regulars.consents.registry import ConsentRegistry
from regulars.consents.service import consent_at, rebuild_states
from regulars.customers.models import Customer, CustomerMerge
from regulars.errors import NotFound, UnknownValue
from regulars.tables import new_id

FIRST, THIRD, FIFTH, TENTH = (datetime(2026, 3, day, 9, tzinfo=UTC) for day in (1, 3, 5, 10))
LATER = datetime(2026, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

Record = Callable[..., Awaitable[ConsentEvent]]
Ask = Callable[..., Awaitable[ConsentAnswer]]


@pytest.fixture
def ask(session: AsyncSession, registry: ConsentRegistry, customer: Customer) -> Ask:
    async def asked(customer_id: UUID = customer.id, **details: Any) -> ConsentAnswer:
        usual: dict[str, Any] = {
            "purpose": "marketing.own",
            "channel": "email",
            "valid_at": LATER,
            "known_at": LATER,
            "registry": registry,
        }
        return await consent_at(session, customer_id=customer_id, **(usual | details))

    return asked


@pytest_asyncio.fixture
async def former(session: AsyncSession) -> Customer:
    berta = Customer(created_at=FIRST, updated_at=FIRST)
    session.add(berta)
    await session.flush()
    return berta


async def merge(session: AsyncSession, survivor: Customer, merged: Customer, at: datetime) -> CustomerMerge:
    done = CustomerMerge(
        survivor_id=survivor.id, merged_id=merged.id, merged_at=at, actor="system", reason="same", before={}
    )
    session.add(done)
    await session.execute(update(Customer).where(col(Customer.id) == merged.id).values(merged_into_id=survivor.id))
    whose = col(ConsentEvent.profile_id) == merged.id
    await session.execute(update(ConsentEvent).where(whose).values(customer_id=survivor.id))
    await rebuild_states(session, customer_id=survivor.id)
    return done


async def unmerge(session: AsyncSession, done: CustomerMerge, at: datetime) -> None:
    done.undone_at = at
    await session.execute(update(Customer).where(col(Customer.id) == done.merged_id).values(merged_into_id=None))
    whose = col(ConsentEvent.profile_id) == done.merged_id
    await session.execute(update(ConsentEvent).where(whose).values(customer_id=done.merged_id))
    await rebuild_states(session, customer_id=done.survivor_id)
    await rebuild_states(session, customer_id=done.merged_id)


async def states(session: AsyncSession) -> dict[tuple[UUID, str], str]:
    rows = await session.scalars(select(ConsentState))
    return {(row.customer_id, row.channel): row.status for row in rows}


async def test_what_held_and_what_was_known_are_two_questions(record: Record, ask: Ask) -> None:
    grant = await record("grant", at=FIRST, now=FIFTH)
    await record("withdraw", now=TENTH)

    as_known_today = await ask(valid_at=THIRD)
    as_known_that_day = await ask(valid_at=THIRD, known_at=THIRD)
    today = await ask()

    assert (as_known_today.status, as_known_that_day.status, today.status) == ("granted", "none", "withdrawn")
    assert as_known_today.entry is not None
    assert as_known_today.entry.id == grant.id
    assert "given on 2026-03-01 at 09:00 UTC, recorded on 2026-03-05 at 09:00 UTC" in as_known_today.reason


async def test_a_letter_keyed_late_counts_from_its_stamp_once_it_is_known(record: Record, ask: Ask) -> None:
    await record("grant", now=FIRST)
    await record("withdraw", at=THIRD, now=TENTH)

    assert (await ask(valid_at=FIFTH, known_at=FIFTH)).status == "granted"
    assert (await ask(valid_at=FIFTH, known_at=TENTH)).status == "withdrawn"


async def test_a_grant_without_evidence_in_the_ledger_does_not_count(
    session: AsyncSession, ask: Ask, customer: Customer
) -> None:
    session.add(
        ConsentEvent(
            customer_id=customer.id,
            profile_id=customer.id,
            action="grant",
            purpose="marketing.own",
            channel="email",
            topic="*",
            at=FIRST,
            recorded_at=FIRST,
            actor="system",
            origin="import",
        )
    )

    assert (await ask()).rule == "consent_unproven"


async def test_the_companys_policy_decides_what_counts(record: Record, ask: Ask) -> None:
    await record("grant", basis="soft_opt_in")

    assert (await ask()).rule == "no_consent"
    assert (await ask(policy=ConsentPolicy(allowed_bases=frozenset({"soft_opt_in"})))).rule == "allowed"


async def test_a_partner_is_asked_about_by_name(record: Record, ask: Ask) -> None:
    await record("grant", "sharing.partner", recipient="partner:acme")

    assert (await ask(purpose="sharing.partner", sender="partner:acme")).status == "granted"
    assert (await ask(purpose="sharing.partner", sender="partner:bolt")).rule == "partner_not_opted_in"


async def test_an_unknown_customer_purpose_or_channel_is_an_error_not_a_no(ask: Ask) -> None:
    with pytest.raises(NotFound):
        await ask(new_id())
    with pytest.raises(UnknownValue, match="Did you mean 'email'"):
        await ask(channel="e-mail")
    with pytest.raises(UnknownValue):
        await ask(purpose="reserch")


async def test_a_merge_keeps_the_narrower_answer(
    session: AsyncSession, record: Record, ask: Ask, customer: Customer, former: Customer
) -> None:
    await record("withdraw", now=FIRST, customer_id=former.id)
    await record("grant", now=THIRD)

    await merge(session, customer, former, FIFTH)

    assert (await ask()).status == "withdrawn"
    assert (await ask(former.id)).status == "withdrawn"
    assert await states(session) == {(customer.id, "email"): "withdrawn"}


async def test_a_grant_after_the_merge_opens_again(
    session: AsyncSession, record: Record, ask: Ask, customer: Customer, former: Customer
) -> None:
    await record("withdraw", now=FIRST, customer_id=former.id)
    await record("grant", now=THIRD)
    await merge(session, customer, former, FIFTH)

    await record("grant", now=TENTH)

    assert (await ask()).status == "granted"
    assert await states(session) == {(customer.id, "email"): "granted"}


async def test_a_merge_brings_the_others_grants_where_nothing_was_withdrawn(
    session: AsyncSession, record: Record, customer: Customer, former: Customer
) -> None:
    await record("grant", now=FIRST, customer_id=former.id)
    await record("grant", channel="sms", now=FIRST)

    await merge(session, customer, former, FIFTH)

    assert await states(session) == {(customer.id, "email"): "granted", (customer.id, "sms"): "granted"}


async def test_an_unmerge_gives_both_their_own_answers_back(
    session: AsyncSession, record: Record, ask: Ask, customer: Customer, former: Customer
) -> None:
    await record("withdraw", now=FIRST, customer_id=former.id)
    await record("grant", now=THIRD)
    done = await merge(session, customer, former, FIFTH)

    await unmerge(session, done, TENTH)

    assert (await ask()).status == "granted"
    assert (await ask(former.id)).status == "withdrawn"
    assert await states(session) == {(customer.id, "email"): "granted", (former.id, "email"): "withdrawn"}


async def test_what_was_known_before_a_merge_or_during_an_undone_one_can_still_be_told(
    session: AsyncSession, record: Record, ask: Ask, customer: Customer, former: Customer
) -> None:
    await record("withdraw", now=FIRST, customer_id=former.id)
    await record("grant", now=THIRD)
    done = await merge(session, customer, former, FIFTH)
    await unmerge(session, done, TENTH)

    before, during, after = (FIFTH - HOUR, FIFTH + HOUR, TENTH + HOUR)

    assert [(await ask(known_at=moment)).status for moment in (before, during, after)] == [
        "granted",
        "withdrawn",
        "granted",
    ]


async def test_a_withdrawal_that_names_the_former_id_closes_the_survivor(
    session: AsyncSession, record: Record, ask: Ask, customer: Customer, former: Customer
) -> None:
    await record("grant", now=FIRST)
    await merge(session, customer, former, FIFTH)

    await record("withdraw", now=TENTH, customer_id=former.id, actor=Actor("customer", customer_id=former.id))

    assert (await ask()).status == "withdrawn"


async def test_rebuilding_from_the_ledger_changes_nothing_that_is_right(
    session: AsyncSession, record: Record, customer: Customer
) -> None:
    await record("grant", now=FIRST)
    await record("withdraw", channel="sms", now=THIRD)
    before = await states(session)

    await rebuild_states(session, customer_id=customer.id)

    assert await states(session) == before
