from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.models import ConsentEvent, ConsentState
from regulars.consents.service import rebuild_states
from regulars.customers.changes import CustomerChanges
from regulars.customers.claims import add_identity
from regulars.customers.identities import Identity, read_identity
from regulars.customers.models import Customer, CustomerIdentity, CustomerMerge, CustomerWord
from regulars.customers.service import create_customer
from regulars.customers.survivors import locked_survivors
from regulars.database import Database
from regulars.tables import Table, new_id
from regulars.touchpoints.models import Touchpoint
from regulars.traits.models import TraitDefinition, TraitValue

Merge = Callable[..., Awaitable[CustomerMerge]]
Unmerge = Callable[..., Awaitable[CustomerMerge]]

TABLES = (Customer, CustomerIdentity, Touchpoint, ConsentEvent, ConsentState, TraitValue, CustomerWord)
MOVES_ON = {"version", "updated_at"}

bounded = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # to shrink an example takes minutes, with a database in it
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@dataclass(frozen=True)
class Person:
    """Somebody as the property makes them up."""

    changes: CustomerChanges
    emails: tuple[str, ...]
    visits: int
    consents: tuple[tuple[str, str, int], ...]
    points: int | None


@dataclass
class Story:
    """Which customers are merged, and then parted, in which order: numbers to choose with among what is possible."""

    people: list[Person]
    merges: list[tuple[int, int]]
    undoing: list[int] = field(default_factory=list)


people = st.builds(
    Person,
    changes=st.builds(
        CustomerChanges,
        display_name=st.sampled_from([None, "Anna Schmidt", "Berta"]),
        language=st.sampled_from([None, "de", "fr"]),
        age=st.sampled_from(["adult", "minor", "unknown"]),
        has_guardian_consent=st.booleans(),
        status=st.sampled_from(["active", "restricted"]),
    ),
    emails=st.lists(st.sampled_from(["anna@example.org", "berta@example.org"]), unique=True).map(tuple),
    visits=st.integers(0, 2),
    consents=st.lists(
        st.tuples(st.sampled_from(["grant", "withdraw"]), st.sampled_from(["email", "*"]), st.integers(0, 3)),
        max_size=3,
    ).map(tuple),
    points=st.sampled_from([None, 1, 2]),
)
stories = st.builds(
    Story,
    people=st.lists(people, min_size=4, max_size=4),
    merges=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=3),
    undoing=st.lists(st.integers(0, 2), min_size=3, max_size=3),
)


async def settle_in(database: Database, person: Person, clerk: Actor, now: datetime) -> UUID:
    """Create the customer with everything that follows a merge."""
    emails: list[Identity] = [read_identity("email", email) for email in person.emails]
    async with database.writing() as session:
        customer = await create_customer(session, changes=person.changes, identities=emails, actor=clerk, now=now)
        session.add_all(visit(customer.id, customer.id, now) for _ in range(person.visits))
        session.add_all(
            consent(customer.id, action, channel, now + timedelta(hours=hour))
            for action, channel, hour in person.consents
        )
        session.add_all(
            TraitValue(
                customer_id=customer.id,
                profile_id=customer.id,
                key="points",
                number_value=Decimal(points),
                provenance="imported",
                source="till",
                as_of=now,
            )
            for points in [person.points]
            if points is not None
        )
        await session.flush()
        await rebuild_states(session, customer_id=customer.id)
    return customer.id


def visit(customer_id: UUID, profile_id: UUID, now: datetime) -> Touchpoint:
    return Touchpoint(
        customer_id=customer_id, profile_id=profile_id, type="visit", occurred_at=now, received_at=now, source="shop"
    )


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


async def everything_about(database: Database, ids: list[UUID]) -> dict[str, list[dict[str, Any]]]:
    """Return every row about these customers, without what only ever moves on."""
    return {str(table.__tablename__): await rows_about(database, table, ids) for table in TABLES}


async def rows_about(database: Database, table: type[Table], ids: list[UUID]) -> list[dict[str, Any]]:
    owner = Customer.id if table is Customer else table.customer_id  # type: ignore[attr-defined]  # all others have it
    async with database.reading() as session:
        rows = await session.scalars(select(table).where(col(owner).in_(ids)))
        return sorted((row.model_dump(exclude=MOVES_ON) for row in rows), key=repr)


async def whole_customers(database: Database, ids: list[UUID]) -> list[UUID]:
    async with database.reading() as session:
        query = select(col(Customer.id)).where(col(Customer.id).in_(ids), col(Customer.merged_into_id).is_(None))
        return sorted(await session.scalars(query))


async def undoable(database: Database, made: list[UUID], ids: list[UUID]) -> list[UUID]:
    whole = await whole_customers(database, ids)
    async with database.reading() as session:
        query = select(col(CustomerMerge.id)).where(
            col(CustomerMerge.id).in_(made),
            col(CustomerMerge.undone_at).is_(None),
            col(CustomerMerge.survivor_id).in_(whole),
        )
        return sorted(await session.scalars(query))


async def merge_as_told(database: Database, story: Story, ids: list[UUID], merge: Merge) -> list[UUID]:
    """Merge two who are whole at a time, so that chains and stars arise; return the merges."""
    made = []
    for survivor, other in story.merges:
        whole = await whole_customers(database, ids)
        survivor_id = whole.pop(survivor % len(whole))
        made.append((await merge(survivor_id, whole[other % len(whole)])).id)
    return made


async def undo_as_told(database: Database, story: Story, ids: list[UUID], made: list[UUID], unmerge: Unmerge) -> None:
    """Undo all merges, in any order that is possible."""
    for choice in story.undoing[: len(made)]:
        possible = await undoable(database, made, ids)
        await unmerge(possible[choice % len(possible)])


async def write_to_all(database: Database, ids: list[UUID], clerk: Actor, now: datetime) -> None:
    """Write to every old id, as services do."""
    async with database.writing() as session:
        survivors = await locked_survivors(session, ids)
        session.add_all(visit(survivors[id].id, id, now) for id in ids)
        for id in ids:
            phone = read_identity("external", str(new_id()), source="till")
            await add_identity(session, customer_id=id, identity=phone, actor=clerk, now=now)


async def define_points(database: Database, now: datetime) -> None:
    async with database.writing() as session:
        await session.merge(
            TraitDefinition(key="points", title="Points", type="number", provenance="imported", created_at=now)
        )


@bounded
@given(story=stories)
async def test_when_all_merges_are_undone_every_row_is_as_it_was(
    database: Database, merge: Merge, unmerge: Unmerge, clerk: Actor, now: datetime, story: Story
) -> None:
    await define_points(database, now)
    ids = [await settle_in(database, person, clerk, now) for person in story.people]
    before = await everything_about(database, ids)

    made = await merge_as_told(database, story, ids, merge)
    await undo_as_told(database, story, ids, made, unmerge)

    assert await everything_about(database, ids) == before


@bounded
@given(story=stories)
async def test_when_all_merges_are_undone_what_was_written_since_stands_with_the_id_it_was_written_to(
    database: Database, merge: Merge, unmerge: Unmerge, clerk: Actor, now: datetime, story: Story
) -> None:
    await define_points(database, now)
    ids = [await settle_in(database, person, clerk, now) for person in story.people]

    made = await merge_as_told(database, story, ids, merge)
    await write_to_all(database, ids, clerk, now)
    await undo_as_told(database, story, ids, made, unmerge)

    rows = await rows_about(database, Touchpoint, ids) + await rows_about(database, CustomerIdentity, ids)
    assert [row["customer_id"] for row in rows] == [row["profile_id"] for row in rows]


@bounded
@given(story=stories)
async def test_a_merge_and_its_undoing_leave_every_row_as_it_was_whatever_was_merged_before(
    database: Database, merge: Merge, unmerge: Unmerge, clerk: Actor, now: datetime, story: Story
) -> None:
    await define_points(database, now)
    ids = [await settle_in(database, person, clerk, now) for person in story.people]
    await merge_as_told(database, Story(story.people, story.merges[1:]), ids, merge)
    before = await everything_about(database, ids)

    [last] = await merge_as_told(database, Story(story.people, story.merges[:1]), ids, merge)
    await unmerge(last)

    assert await everything_about(database, ids) == before
