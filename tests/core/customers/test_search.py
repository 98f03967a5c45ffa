from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.customers.changes import CustomerChanges
from regulars.customers.claims import remove_identity
from regulars.customers.identities import read_identity
from regulars.customers.models import Customer, CustomerIdentity, CustomerMerge, CustomerWord
from regulars.customers.search import search_predicate
from regulars.customers.service import delete_customer, restore_customer, update_customer
from regulars.database import Database
from regulars.errors import InvalidInput
from regulars.tables import new_id

NewCustomer = Callable[..., Awaitable[UUID]]
Merge = Callable[..., Awaitable[CustomerMerge]]
Unmerge = Callable[..., Awaitable[CustomerMerge]]

EMAIL = read_identity("email", "anna@example.org")


async def found(database: Database, words: str) -> set[UUID]:
    async with database.reading() as session:
        return set(await session.scalars(select(col(Customer.id)).where(search_predicate(words))))


def called(name: str) -> CustomerChanges:
    return CustomerChanges(display_name=name)


async def test_a_customer_is_found_when_every_word_begins_one_of_theirs(
    database: Database, new_customer: NewCustomer
) -> None:
    anna = await new_customer(EMAIL, changes=called("Anna Müller"))
    anton = await new_customer(changes=called("Anton Müller"))

    assert await found(database, "an mull") == {anna, anton}
    assert await found(database, "ANNA mü") == {anna}
    assert await found(database, "muller anna@ex") == {anna}
    assert await found(database, "nna") == set()


async def test_an_empty_search_holds_for_everybody_and_mere_punctuation_for_nobody(
    database: Database, new_customer: NewCustomer
) -> None:
    anna = await new_customer(changes=called("Anna"))

    assert await found(database, "  ") == {anna}
    assert await found(database, "!!") == set()


@pytest.mark.parametrize(
    "words", ["%", "_nna", "a'; DROP TABLE core_customer; --", "\x00anna\x00b", "\U0010ffff", "\ud800"]
)
async def test_no_letter_has_a_meaning_of_its_own(database: Database, new_customer: NewCustomer, words: str) -> None:
    await new_customer(changes=called("Anna"))

    assert await found(database, words) == set()


async def test_a_search_for_too_many_words_is_refused() -> None:
    with pytest.raises(InvalidInput):
        search_predicate("a b c d e f g h i j k")


async def test_a_new_name_is_found_and_the_old_one_is_not(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer(EMAIL, changes=called("Anna Müller"))

    async with database.writing() as session:
        await update_customer(session, customer_id=customer_id, changes=called("Anna Weiß"), actor=clerk, now=now)

    assert await found(database, "weiss") == {customer_id}
    assert await found(database, "muller") == set()
    assert await found(database, "anna@example.org") == {customer_id}


async def test_a_removed_name_is_not_found(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    await new_customer(EMAIL)

    async with database.writing() as session:
        identity_id = await session.scalar(select(col(CustomerIdentity.id)))
        assert identity_id is not None
        await remove_identity(session, identity_id=identity_id, actor=clerk, now=now)

    assert await found(database, "anna") == set()


async def test_a_deleted_customer_is_not_found_until_restored(
    database: Database, new_customer: NewCustomer, clerk: Actor, now: datetime
) -> None:
    customer_id = await new_customer(EMAIL)

    async with database.writing() as session:
        await delete_customer(session, customer_id=customer_id, actor=clerk, now=now)
    while_deleted = await found(database, "anna")
    async with database.writing() as session:
        await restore_customer(session, customer_id=customer_id, actor=clerk, now=now)

    assert while_deleted == set()
    assert await found(database, "anna") == {customer_id}


async def test_the_survivor_is_found_by_the_names_of_whom_they_took_in_until_they_part(
    database: Database, new_customer: NewCustomer, merge: Merge, unmerge: Unmerge
) -> None:
    survivor = await new_customer(changes=called("Berta Weiß"))
    merged = await new_customer(EMAIL, changes=called("Anna Müller"))

    made = await merge(survivor, merged)
    while_one = [await found(database, words) for words in ("muller", "anna@example.org", "weiss")]
    await unmerge(made.id)

    assert while_one == [{survivor}, {survivor}, {survivor}]
    assert await found(database, "anna") == {merged}
    assert await found(database, "weiss") == {survivor}


async def test_a_search_reads_a_range_of_the_index_and_not_every_word(
    database: Database, clerk: Actor, now: datetime
) -> None:
    customers = [{"id": new_id(), "created_at": now, "updated_at": now} for _ in range(2000)]
    words = [{"customer_id": row["id"], "word": f"word{number:05}"} for number, row in enumerate(customers)]
    async with database.writing() as session:
        await session.execute(insert(Customer), customers)
        await session.execute(insert(CustomerWord), words)
        await session.execute(text("ANALYZE"))

    plan = await plan_of(database, "word0004")

    assert plan.count(INDEX_RANGE[database.dialect]) == 1
    assert "SCAN core_customer_word" not in plan
    assert "Seq Scan on core_customer_word" not in plan


INDEX_RANGE = {"sqlite": "(word>? AND word<?)", "postgresql": "Index Cond: (((word)::text >= "}


async def plan_of(database: Database, words: str) -> str:
    """Return how the database would answer a search, in its own words."""
    query: Any = select(col(Customer.id)).where(search_predicate(words))
    sql = str(query.compile(database.engine.sync_engine, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
    async with database.reading() as session:
        return "\n".join(str(row[-1]) for row in await session.execute(text(f"{explain} {sql}")))
