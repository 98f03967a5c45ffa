from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from regulars.access.actors import SYSTEM
from regulars.clock import SettableClock
from regulars.consents.models import ConsentEvent
from regulars.consents.registry import core_consent_registry
from regulars.customers.changes import CustomerChanges
from regulars.customers.models import Customer, CustomerIdentity, CustomerWord
from regulars.customers.service import create_customer
from regulars.database import Database
from regulars.demo.loading import Telling, load_customers
from regulars.demo.marking import OtherCustomers, mark_as_demo
from regulars.demo.people import MAIL_DOMAIN
from regulars.demo.purchases import Purchase
from regulars.touchpoints.models import Touchpoint
from regulars.touchpoints.types import core_touchpoint_types
from regulars.traits.models import TraitDefinition, TraitValue

HISTORIES = {
    name: [Purchase(name, date(2025, 6, 1) + timedelta(days=days), Decimal("29.33")) for days in (0, 17, 217)]
    for name in ("0001", "0002", "0003")
}


async def load(
    database: Database, clock: SettableClock, telling: Telling, names: Sequence[str] = tuple(HISTORIES)
) -> int:
    async with database.writing() as session:
        await mark_as_demo(session, now=clock.now())
        return await load_customers(
            session,
            {name: HISTORIES[name] for name in names},
            telling=telling,
            types=core_touchpoint_types(),
            registry=core_consent_registry(),
            now=clock.now(),
        )


async def rows(database: Database, model: Any) -> Sequence[Any]:
    async with database.reading() as session:
        return (await session.scalars(select(model))).all()


async def count(database: Database, model: Any) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def test_real_purchases_become_orders_on_their_days(
    database: Database, clock: SettableClock, telling: Telling
) -> None:
    await load(database, clock, telling, ["0001"])

    orders = [touchpoint for touchpoint in await rows(database, Touchpoint) if touchpoint.type == "order"]
    days = sorted(order.occurred_at.astimezone(telling.zone).date() for order in orders)
    assert days == [purchase.day for purchase in HISTORIES["0001"]]
    assert {(order.source, order.amount, order.currency) for order in orders} == {("cdnow", Decimal("29.33"), "USD")}


async def test_everything_else_is_labelled_as_invented(
    database: Database, clock: SettableClock, telling: Telling
) -> None:
    await load(database, clock, telling)

    sources = {touchpoint.source for touchpoint in await rows(database, Touchpoint) if touchpoint.type != "order"}
    emails = [identity.value for identity in await rows(database, CustomerIdentity) if identity.kind == "email"]
    notes = await rows(database, TraitValue)
    assert sources == {"invented"}
    assert [email for email in emails if not email.endswith(f"@{MAIL_DOMAIN}")] == []
    assert {(note.text_value, note.provenance) for note in notes} == {("All of it.", "imported")}
    assert (len(emails), len(notes)) == (3, 3)


async def test_loading_again_changes_nothing(database: Database, clock: SettableClock, telling: Telling) -> None:
    models = (Customer, CustomerIdentity, CustomerWord, Touchpoint, ConsentEvent, TraitDefinition, TraitValue)
    await load(database, clock, telling)
    before = [await count(database, model) for model in models]

    loaded = await load(database, clock, telling)

    assert loaded == 0
    assert [await count(database, model) for model in models] == before


async def test_loading_that_was_broken_off_is_completed(
    database: Database, clock: SettableClock, telling: Telling
) -> None:
    await load(database, clock, telling, ["0002"])

    loaded = await load(database, clock, telling)

    assert loaded == 2
    assert await count(database, Customer) == 3


async def test_a_person_is_found_by_the_words_of_their_name(
    database: Database, clock: SettableClock, telling: Telling
) -> None:
    await load(database, clock, telling, ["0001"])

    words = {row.word for row in await rows(database, CustomerWord)}
    assert {"sara", "patel", "0001", MAIL_DOMAIN} <= words


async def test_a_database_with_other_customers_is_refused(
    database: Database, clock: SettableClock, telling: Telling
) -> None:
    async with database.writing() as session:
        changes = CustomerChanges(display_name="Ada")
        await create_customer(session, changes=changes, actor=SYSTEM, now=clock.now())

    with pytest.raises(OtherCustomers, match="REGULARS_DATABASE_URL"):
        await load(database, clock, telling)

    assert (await count(database, Customer), await count(database, TraitDefinition)) == (1, 0)


async def test_another_day_of_the_start_moves_nobody(
    database: Database, clock: SettableClock, telling: Telling
) -> None:
    since = await _marked(database, clock)
    clock.advance(timedelta(days=1))

    assert await _marked(database, clock) == since


async def _marked(database: Database, clock: SettableClock) -> object:
    async with database.writing() as session:
        return await mark_as_demo(session, now=clock.now())
