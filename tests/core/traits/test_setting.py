from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.errors import InvalidInput, NotFound, NotUnique, UnknownValue
from regulars.events.models import Event
from regulars.owned_names import NameTaken
from regulars.tables import new_id
from regulars.traits.models import TraitDefinition, TraitValue
from regulars.traits.registry import TraitRegistry, trait_registry
from regulars.traits.service import define_trait, known_traits, set_traits
from regulars.traits.values import OtherProvenance, TraitInput

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

Define = Callable[..., Awaitable[TraitDefinition]]
SetTraits = Callable[..., Awaitable[list[str]]]


def value(key: str, given: Any, *, provenance: Any = "imported", **details: Any) -> TraitInput:
    return TraitInput(key, given, provenance, **({"source": "crm"} | details))


@pytest.fixture
def put(session: AsyncSession, registry: TraitRegistry, customer: Customer) -> SetTraits:
    async def written(*values: TraitInput, customer_id: UUID = customer.id, now: datetime = NOW) -> list[str]:
        return await set_traits(
            session, customer_id=customer_id, values=values, registry=registry, actor=SYSTEM, now=now
        )

    return written


async def kept(session: AsyncSession) -> dict[str, Any]:
    await session.flush()
    rows = await session.scalars(select(TraitValue).execution_options(populate_existing=True))
    found = {}
    for row in rows:
        candidates = (row.text_value, row.number_value, row.boolean_value, row.time_value)
        found[row.key] = next(candidate for candidate in candidates if candidate is not None)
    return found


async def test_a_company_defines_a_trait(session: AsyncSession, define: Define) -> None:
    await define("shoes.size", "number", "declared", is_personal=True)

    await session.flush()
    session.expunge_all()
    [definition] = await session.scalars(select(TraitDefinition))
    [event] = await session.scalars(select(Event))
    assert (definition.key, definition.title, definition.type) == ("shoes.size", "Shoes.Size", "number")
    assert (definition.provenance, definition.is_personal, definition.created_at) == ("declared", True, NOW)
    assert (event.type, event.data) == ("trait.defined", {"key": "shoes.size"})


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"key": "shoe size"}, InvalidInput),
        ({"key": "shoes", "type": "colour"}, UnknownValue),
        ({"key": "shoes", "provenance": "rumoured"}, UnknownValue),
    ],
)
async def test_a_definition_of_another_form_is_refused(
    session: AsyncSession, define: Define, given: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await define(**given)

    assert list(await session.scalars(select(TraitDefinition))) == []


async def test_a_key_that_is_taken_is_refused_naming_its_owner(session: AsyncSession, define: Define) -> None:
    await define("shoes")

    with pytest.raises(NotUnique, match="already defined by the company"):
        await define("shoes", "number")
    with pytest.raises(NotUnique, match="already defined by the plugin scoring"):
        await define("scoring.tier")

    [definition] = await session.scalars(select(TraitDefinition))
    assert definition.type == "text"


async def test_what_the_company_defined_is_known_beside_what_plugins_bring(
    session: AsyncSession, define: Define, registry: TraitRegistry
) -> None:
    await define("shoes")

    known = await known_traits(session, registry=registry)

    assert known.owners["shoes"] == "the company"
    assert known.owners["scoring.tier"] == "scoring"


async def test_a_plugin_whose_key_the_company_defined_before_is_refused(
    session: AsyncSession, registry: TraitRegistry
) -> None:
    await define_trait(
        session,
        key="scoring.tier",
        title="Tier",
        type="text",
        provenance="imported",
        registry=trait_registry({}),
        actor=SYSTEM,
        now=NOW,
    )

    with pytest.raises(NameTaken, match="defined by scoring and by the company"):
        await known_traits(session, registry=registry)


async def test_values_of_every_type_are_kept(session: AsyncSession, define: Define, put: SetTraits) -> None:
    await define("colour")
    await define("size", "number")
    await define("is_member", "boolean")
    await define("since", "time")

    written = await put(
        value("colour", "blue"), value("size", Decimal("41.5")), value("is_member", False), value("since", NOW)
    )

    assert written == ["colour", "size", "is_member", "since"]
    assert await kept(session) == {"colour": "blue", "size": Decimal("41.5"), "is_member": False, "since": NOW}


async def test_an_event_names_the_keys_and_no_value(
    session: AsyncSession, define: Define, put: SetTraits, customer: Customer
) -> None:
    await define("colour")

    await put(value("colour", "blue"))

    event = (await session.scalars(select(Event).where(col(Event.type) == "traits.changed"))).one()
    assert (event.subject, event.data) == (f"customer:{customer.id}", {"keys": ["colour"]})


async def test_an_observed_value_is_not_written_into_a_declared_trait(
    session: AsyncSession, define: Define, put: SetTraits
) -> None:
    await define("purchase_plans", "text", "declared")
    await define("colour")

    with pytest.raises(OtherProvenance, match="holds only what the customer said"):
        await put(value("colour", "blue"), value("purchase_plans", "a car", provenance="observed"))

    assert await kept(session) == {}


async def test_the_database_itself_refuses_an_observed_value_of_a_declared_trait(
    database: Database, customer: Customer
) -> None:
    plans = TraitDefinition(key="plans", title="Plans", type="text", provenance="declared", created_at=NOW)
    async with database.writing() as session:
        session.add(plans)

    with pytest.raises(IntegrityError):
        async with database.writing() as session:
            session.add(
                TraitValue(
                    customer_id=customer.id,
                    key="plans",
                    profile_id=customer.id,
                    text_value="a car",
                    provenance="observed",
                    source="web",
                    as_of=NOW,
                )
            )

    async with database.reading() as session:
        assert await kept(session) == {}


@pytest.mark.parametrize("columns", [{}, {"text_value": "a", "boolean_value": True}])
async def test_the_database_itself_refuses_a_value_of_no_type_or_of_two(
    database: Database, customer: Customer, columns: dict[str, Any]
) -> None:
    async with database.writing() as session:
        session.add(TraitDefinition(key="a", title="A", type="text", provenance="imported", created_at=NOW))

    told: dict[str, Any] = {"provenance": "imported", "source": "crm", "as_of": NOW}
    with pytest.raises(IntegrityError):
        async with database.writing() as session:
            session.add(TraitValue(customer_id=customer.id, key="a", profile_id=customer.id, **told, **columns))

    async with database.reading() as session:
        assert await kept(session) == {}


async def test_a_newer_value_replaces_an_older_one_and_never_the_reverse(
    session: AsyncSession, define: Define, put: SetTraits
) -> None:
    await define("colour")
    await put(value("colour", "blue", as_of=NOW))

    late = await put(value("colour", "red", as_of=NOW - HOUR))
    assert (late, await kept(session)) == ([], {"colour": "blue"})

    newer = await put(value("colour", "green", as_of=NOW + HOUR))
    assert (newer, await kept(session)) == (["colour"], {"colour": "green"})


async def test_none_clears_a_value(session: AsyncSession, define: Define, put: SetTraits) -> None:
    await define("colour")
    await put(value("colour", "blue"))

    cleared = await put(value("colour", None))
    again = await put(value("colour", None))

    assert (cleared, again) == (["colour"], [])
    assert await kept(session) == {}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["coluor"], "Did you mean 'colour'"),
        (["colour", "colour"], "given twice"),
        (["scoring.tier"], "kept by the plugin scoring"),
    ],
)
async def test_a_key_that_cannot_be_set_is_refused_and_nothing_is_written(
    session: AsyncSession, define: Define, put: SetTraits, keys: list[str], message: str
) -> None:
    await define("colour")

    with pytest.raises(InvalidInput, match=message):
        await put(*(value(key, "blue") for key in keys))

    assert await kept(session) == {}


async def test_a_value_for_a_merged_customer_is_kept_as_that_profiles(
    session: AsyncSession, define: Define, put: SetTraits, customer: Customer, former: Customer
) -> None:
    await define("colour")

    await put(value("colour", "blue"), customer_id=former.id)

    [row] = await session.scalars(select(TraitValue))
    assert (row.customer_id, row.profile_id) == (customer.id, former.id)


async def test_nothing_is_set_for_an_unknown_customer(session: AsyncSession, define: Define, put: SetTraits) -> None:
    await define("colour")

    with pytest.raises(NotFound):
        await put(value("colour", "blue"), customer_id=new_id())

    assert await kept(session) == {}
