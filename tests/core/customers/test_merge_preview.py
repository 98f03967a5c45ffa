from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from regulars.consents.models import ConsentEvent
from regulars.consents.service import rebuild_states
from regulars.customers.changes import CustomerChanges
from regulars.customers.identities import read_identity
from regulars.customers.merge_pairs import AlreadyMerged
from regulars.customers.merge_preview import MergeConflict, MergePreview, MovedRows, preview_merge
from regulars.customers.models import CustomerMerge
from regulars.database import Database
from regulars.touchpoints.models import Touchpoint
from regulars.traits.models import TraitDefinition, TraitValue

NewCustomer = Callable[..., Awaitable[UUID]]
Merge = Callable[..., Awaitable[CustomerMerge]]

EMAIL = read_identity("email", "anna@example.org")
CRM_ID = read_identity("external", "C-1", source="crm")
SHOP_ID = read_identity("external", "4711", source="shop")


async def preview(database: Database, survivor_id: UUID, merged_id: UUID, now: datetime) -> MergePreview:
    async with database.reading() as session:
        return await preview_merge(session, survivor_id=survivor_id, merged_id=merged_id, now=now)


def consent(customer_id: UUID, action: str, channel: str, at: datetime) -> ConsentEvent:
    return ConsentEvent(
        customer_id=customer_id,
        profile_id=customer_id,
        action=action,
        purpose="marketing.own",
        channel=channel,
        topic="*",
        at=at,
        recorded_at=at,
        actor="customer",
        is_proven=True,
        notice_version="1",
        language="en",
    )


def points(customer_id: UUID, key: str, value: int, now: datetime) -> TraitValue:
    return TraitValue(
        customer_id=customer_id,
        profile_id=customer_id,
        key=key,
        number_value=Decimal(value),
        provenance="imported",
        source="till",
        as_of=now,
    )


async def test_a_preview_names_the_survivor_and_writes_nothing(
    database: Database, new_customer: NewCustomer, now: datetime
) -> None:
    visitor, known = await new_customer(EMAIL), await new_customer(CRM_ID)

    seen = await preview(database, visitor, known, now)
    again = await preview(database, visitor, known, now)

    assert (seen.survivor_id, seen.merged_id, seen.needs_explicit) == (known, visitor, False)
    assert again == seen


async def test_a_preview_says_when_only_a_person_may_ask(
    database: Database, new_customer: NewCustomer, now: datetime
) -> None:
    one, other = await new_customer(CRM_ID), await new_customer(SHOP_ID)

    assert (await preview(database, one, other, now)).needs_explicit


async def test_a_preview_counts_what_would_move(database: Database, new_customer: NewCustomer, now: datetime) -> None:
    survivor, merged = await new_customer(CRM_ID), await new_customer(EMAIL)
    async with database.writing() as session:
        session.add(TraitDefinition(key="points", title="", type="number", provenance="imported", created_at=now))
        await session.flush()
        session.add(points(merged, "points", 1, now))
        session.add(consent(merged, "grant", "email", now))
        session.add(consent(merged, "withdraw", "email", now))
        session.add_all(
            Touchpoint(customer_id=id, profile_id=id, type="visit", occurred_at=now, received_at=now, source="shop")
            for id in (survivor, merged, merged, merged)
        )

    seen = await preview(database, survivor, merged, now)

    assert seen.moves == MovedRows(identities=1, touchpoints=3, consent_events=2, trait_values=1)


async def test_a_preview_names_what_the_two_say_differently(
    database: Database, new_customer: NewCustomer, now: datetime
) -> None:
    own = CustomerChanges(display_name="Anna", language="de", age="adult", status="active")
    other = CustomerChanges(display_name="Anne", jurisdiction="DE", age="minor", status="restricted")
    survivor, merged = await new_customer(changes=own), await new_customer(changes=other)
    async with database.writing() as session:
        for key in ("points", "size"):
            session.add(TraitDefinition(key=key, title="", type="number", provenance="imported", created_at=now))
        await session.flush()
        session.add_all([points(survivor, "points", 1, now), points(merged, "points", 2, now)])
        session.add_all([points(survivor, "size", 38, now), points(merged, "size", 38, now)])

    seen = await preview(database, survivor, merged, now)

    assert seen.conflicts == (
        MergeConflict("display_name", kept="Anna", dropped="Anne"),
        MergeConflict("age", kept="minor", dropped="adult"),
        MergeConflict("status", kept="restricted", dropped="active"),
    )
    assert seen.conflicting_traits == ("points",)


async def test_a_preview_names_the_guardian_only_where_two_minors_differ(
    database: Database, new_customer: NewCustomer, now: datetime
) -> None:
    agreed = await new_customer(changes=CustomerChanges(age="minor", has_guardian_consent=True))
    not_agreed = await new_customer(changes=CustomerChanges(age="minor"))
    nobody_asked = await new_customer()

    assert (await preview(database, agreed, not_agreed, now)).conflicts == (
        MergeConflict("has_guardian_consent", kept="False", dropped="True"),
    )
    assert (await preview(database, agreed, nobody_asked, now)).conflicts == ()


async def test_a_preview_names_what_would_no_longer_be_allowed(
    database: Database, new_customer: NewCustomer, now: datetime
) -> None:
    survivor, merged = await new_customer(), await new_customer()
    async with database.writing() as session:
        session.add(consent(survivor, "grant", "email", now - timedelta(days=1)))
        session.add(consent(survivor, "grant", "sms", now - timedelta(days=1)))
        session.add(consent(merged, "withdraw", "email", now - timedelta(days=9)))
        await session.flush()
        for customer_id in (survivor, merged):
            await rebuild_states(session, customer_id=customer_id)

    seen = await preview(database, survivor, merged, now)

    assert [(narrowed.purpose, narrowed.channel, narrowed.topic) for narrowed in seen.narrowed_consents] == [
        ("marketing.own", "email", "*")
    ]
    assert seen.narrowed_consents[0].reason.startswith("Withdrawn")


async def test_a_preview_of_somebody_who_is_part_of_another_is_refused(
    database: Database, new_customer: NewCustomer, merge: Merge, now: datetime
) -> None:
    first, second, third = await new_customer(), await new_customer(), await new_customer()
    await merge(second, first)

    with pytest.raises(AlreadyMerged) as refusal:
        await preview(database, third, first, now)

    assert refusal.value.conflicting_id == str(second)
