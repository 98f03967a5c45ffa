"""The session of a change: what passes by the ORM stands or falls with what it does."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any, cast

import pytest
import pytest_asyncio
from sqlalchemy import Select, bindparam, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from regulars.audit.models import AuditEntry
from regulars.audit.service import record_audit
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.idempotency.models import KeptAnswer
from regulars.inserts import insert_at_once, insert_new
from regulars.notices.models import Notice
from regulars.tables import new_id
from regulars.writing import MAY_WRITE, ConditionUnmet, WritingSession, fetch

POSTGRES = pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SAME_NAME: Select[Any] = select(col(Customer.id)).where(col(Customer.display_name) == bindparam("text"))
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE pid <> pg_backend_pid() AND datname = current_database()"
)
NAMED: Select[str | None] = select(col(Customer.display_name)).where(col(Customer.id) == bindparam("id"))


def notice(version: str) -> dict[str, Any]:
    return {
        "version": version,
        "language": "en",
        "text": "Yes?",
        "text_sha256": "0",
        "published_by": "system",
        "published_at": NOW,
    }


def customer() -> Customer:
    return Customer(display_name="Ada", created_at=NOW, updated_at=NOW)


async def insert_notice(session: Any, version: str) -> list[Notice]:
    return await insert_new(session, Notice, [notice(version)], unless_taken=["version", "language"])


async def versions(database: Database) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(select(col(Notice.version)).order_by(col(Notice.version))))


async def actions(database: Database) -> list[str]:
    async with database.reading() as session:
        return list(await session.scalars(select(col(AuditEntry.action)).order_by(col(AuditEntry.id))))


async def write_down(session: Any, action: str) -> None:
    await record_audit(session, actor="system", action=action, subject="shop:1", now=NOW)


async def insert_named(session: WritingSession, version: str, text: str) -> Notice | None:
    """Insert a notice at once, with a note, if there is a customer whose name is its text."""
    await write_down(session, f"insert {version}")
    row = notice(version) | {"text": text}
    return await insert_at_once(session, Notice, row, unless_taken=("version", "language"), provided=SAME_NAME)


@contextmanager
def told(database: Database) -> Iterator[list[str]]:
    """Give the statements that passed by SQLAlchemy meanwhile."""
    statements: list[str] = []
    database.listeners.append(statements.append)
    yield statements
    database.listeners.remove(statements.append)


async def test_what_passed_by_the_orm_counts_though_the_orm_was_asked_for_nothing_else(database: Database) -> None:
    ada = customer()
    async with database.writing() as session:
        await insert_notice(session, "1")
        session.add(ada)
        session.expunge(ada)

    assert await versions(database) == ["1"]


async def test_a_row_of_a_session_that_committed_can_go_on_in_another(database: Database) -> None:
    ada = customer()
    async with database.writing() as session:
        session.add(ada)

    async with database.writing() as session:
        await session.delete(ada)

    async with database.reading() as session:
        assert await session.get(Customer, ada.id) is None


async def test_what_passes_by_the_orm_is_in_the_orms_transaction(database: Database) -> None:
    ada = customer()
    async with database.writing() as session:
        await insert_notice(session, "1")
        session.add(ada)
        await session.flush()
        found = await fetch(session, NAMED, id=ada.id)
        await insert_notice(session, "2")

    assert found == [("Ada",)]
    assert await versions(database) == ["1", "2"]


async def test_a_rollback_takes_back_both(database: Database) -> None:
    async with database.writing() as session:
        await insert_notice(session, "1")
        session.add(customer())
        await write_down(session, "lost")
        await session.flush()
        await session.rollback()
        await insert_notice(session, "2")

    assert await versions(database) == ["2"]
    assert await actions(database) == []
    async with database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(Customer)) == 0


async def test_a_savepoint_takes_back_what_passed_by_the_orm_after_it(database: Database) -> None:
    async with database.writing() as session:
        await insert_notice(session, "1")
        await write_down(session, "kept")
        savepoint = await session.begin_nested()
        await insert_notice(session, "2")
        await write_down(session, "lost")
        await savepoint.rollback()
        await insert_notice(session, "3")

    assert await versions(database) == ["1", "3"]
    assert await actions(database) == ["kept"]


async def test_an_error_in_the_change_leaves_nothing(database: Database) -> None:
    async def change() -> None:
        async with database.writing() as session:
            await insert_notice(session, "1")
            await write_down(session, "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change()

    assert await versions(database) == []
    assert await actions(database) == []


async def test_an_error_of_the_driver_is_one_of_sqlalchemy(database: Database) -> None:
    row = {"id": new_id(), "credential": "a", "key": "b", "request_hash": "c", "request_id": "d", "kept_at": NOW}

    async with database.writing() as session:
        await insert_new(session, KeptAnswer, [row], unless_taken=["credential", "key"])
        with pytest.raises(IntegrityError):
            await insert_new(session, KeptAnswer, [row | {"key": "other"}], unless_taken=["credential", "key"])
        await session.rollback()


async def test_many_rows_are_inserted_by_one_statement_and_only_the_new_are_returned(database: Database) -> None:
    async with database.writing() as session:
        await insert_notice(session, "2")
        rows = [notice(version) for version in "123"]
        new = await insert_new(session, Notice, rows, unless_taken=["version", "language"])

    assert sorted(each.version for each in new) == ["1", "3"]
    assert {each.published_at for each in new} == {NOW}
    assert await versions(database) == ["1", "2", "3"]


async def test_many_notes_are_all_written(database: Database) -> None:
    async with database.writing() as session:
        for action in ("first", "second", "third"):
            await write_down(session, action)

    assert await actions(database) == ["first", "second", "third"]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
async def test_writers_on_sqlite_take_turns_in_the_order_in_which_they_came(database: Database) -> None:
    order: list[str] = []

    async def write(version: str) -> None:
        async with database.writing() as session:
            await insert_notice(session, version)
            order.append(version)

    async with database.writing() as first:
        await insert_notice(first, "0")
        waiting = [asyncio.create_task(write(version)) for version in "123456"]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)

    assert order == list("123456")


async def test_a_writer_who_gives_up_waiting_holds_up_nobody(database: Database) -> None:
    async def write(version: str) -> None:
        async with database.writing() as session:
            await insert_notice(session, version)

    async with database.writing() as first:
        await insert_notice(first, "0")
        impatient, patient = asyncio.create_task(write("1")), asyncio.create_task(write("2"))
        await asyncio.sleep(0)
        impatient.cancel()
    await asyncio.wait({impatient, patient})

    assert await versions(database) == ["0", "2"]


@POSTGRES
async def test_a_writer_gets_another_connection_for_one_that_the_database_has_ended(database: Database) -> None:
    async with database.writing() as session:
        await insert_notice(session, "1")
    async with database.reading() as session:
        await session.execute(text(END_OTHERS))
    await asyncio.sleep(0.05)

    async with database.writing() as session:
        await insert_notice(session, "2")

    assert await versions(database) == ["1", "2"]


async def test_readers_find_a_connection_though_writers_keep_theirs(database: Database) -> None:
    async def write(version: str) -> None:
        async with database.writing() as session:
            await insert_notice(session, version)

    await asyncio.gather(*[write(str(number)) for number in range(12)])

    async with AsyncExitStack() as readers:
        sessions = [await readers.enter_async_context(database.reading()) for _ in range(5)]
        assert [await session.scalar(select(func.count()).select_from(Notice)) for session in sessions] == [12] * 5


@pytest.mark.parametrize(("version", "provided"), [("1", "Ada"), ("2", "Eve")])
async def test_a_row_that_cannot_be_inserted_at_once_takes_its_notes_along(
    database: Database, version: str, provided: str
) -> None:
    async with database.writing() as session:
        session.add(customer())
        await insert_notice(session, "1")

    async with database.writing() as session:
        await write_down(session, "tried")
        made = await insert_at_once(
            cast(WritingSession, session),
            Notice,
            notice(version) | {"text": provided},
            unless_taken=("version", "language"),
            provided=SAME_NAME,
        )

    assert made is None
    assert await versions(database) == ["1"]
    assert await actions(database) == []


async def test_a_row_is_inserted_at_once_with_its_notes(database: Database) -> None:
    async with database.writing() as session:
        session.add(customer())

    async with database.writing() as session:
        await write_down(session, "done")
        row = notice("1") | {"text": "Ada"}
        made = await insert_at_once(
            cast(WritingSession, session), Notice, row, unless_taken=("version", "language"), provided=SAME_NAME
        )

    assert made is not None
    assert {name: getattr(made, name) for name in row} == row
    assert await versions(database) == ["1"]
    assert await actions(database) == ["done"]


@POSTGRES
@pytest.mark.parametrize("defers", [True, False])
async def test_a_session_that_defers_inserts_when_it_commits(database: Database, defers: bool) -> None:
    async with database.writing() as session:
        session.add(customer())

    async with database.writing_session() as session:
        session.defers = defers
        with told(database) as statements:
            made = await insert_named(session, "1", "Ada")
        await session.commit()

    assert made is not None
    assert bool(statements) is not defers
    assert await versions(database) == ["1"]
    assert await actions(database) == ["insert 1"]


@pytest_asyncio.fixture
async def sent(database: Database) -> list[str]:
    """Give the first words of what the next writer sends to PostgreSQL, and add a customer before."""
    words: list[str] = []
    async with database.writing() as session:
        session.add(customer())
        raw: Any = await (await session.connection()).get_raw_connection()
        raw.driver_connection.add_query_logger(lambda record: words.append(record.query.split()[0]))
    await asyncio.sleep(0)
    words.clear()
    return words


@POSTGRES
async def test_a_deferred_change_is_a_transaction_by_itself(database: Database, sent: list[str]) -> None:
    async with database.writing_session() as session:
        session.defers = True
        await insert_named(session, "1", "Ada")
        await session.commit()
    await asyncio.sleep(0)

    assert sent == ["WITH"]


@POSTGRES
async def test_notes_alone_are_a_transaction_by_themselves(database: Database, sent: list[str]) -> None:
    async with database.writing() as session:
        await write_down(session, "done")
    await asyncio.sleep(0)

    assert sent == ["INSERT"]
    assert await actions(database) == ["done"]


@POSTGRES
@pytest.mark.parametrize(("version", "text"), [("1", "Ada"), ("2", "Eve")])
async def test_a_deferred_change_whose_condition_does_not_hold_is_not_done(
    database: Database, version: str, text: str
) -> None:
    async with database.writing() as session:
        session.add(customer())
        await insert_notice(session, "1")

    async with database.writing_session() as session:
        session.defers = True
        await insert_named(session, version, text)
        with pytest.raises(ConditionUnmet):
            await session.commit()
        assert session.is_unmet

    assert await versions(database) == ["1"]
    assert await actions(database) == []


@POSTGRES
async def test_what_comes_after_a_deferred_change_finds_it_done(database: Database) -> None:
    async with database.writing() as session:
        session.add(customer())

    async with database.writing_session() as session:
        session.defers = True
        await insert_named(session, "1", "Ada")
        by_orm = list(await session.scalars(select(col(Notice.version))))
        await session.rollback()

    assert by_orm == ["1"]
    assert await versions(database) == []
    assert await actions(database) == []


@POSTGRES
async def test_a_deferred_change_is_done_though_the_orm_was_asked_for_nothing_else(database: Database) -> None:
    ada = customer()
    async with database.writing() as session:
        session.add(customer())

    async with database.writing_session() as session:
        session.defers = True
        await insert_named(session, "1", "Ada")
        session.add(ada)
        session.expunge(ada)
        await session.commit()

    assert await versions(database) == ["1"]


@POSTGRES
async def test_what_comes_after_a_deferred_change_that_cannot_be_done_fails(database: Database) -> None:
    async with database.writing_session() as session:
        session.defers = True
        await insert_named(session, "1", "nobody of this name")
        with pytest.raises(ConditionUnmet):
            await insert_notice(session, "2")

    assert await versions(database) == []


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
async def test_sqlite_defers_nothing_since_its_writers_may_wait_for_one_another(database: Database) -> None:
    async with database.writing() as session:
        session.add(customer())

    async with database.writing_session() as session:
        session.defers = True
        with told(database) as statements:
            await insert_named(session, "1", "Ada")
        await session.commit()

    assert statements
    assert await versions(database) == ["1"]


@POSTGRES
async def test_a_deferred_change_that_nobody_commits_is_not_done(database: Database) -> None:
    async with database.writing() as session:
        session.add(customer())

    async with database.writing_session() as session:
        session.defers = True
        await insert_named(session, "1", "Ada")

    assert await versions(database) == []


async def test_a_session_that_may_not_write_to_a_table_inserts_nothing_there_at_once(database: Database) -> None:
    def refuse(table: str) -> None:
        raise PermissionError(table)

    async with database.writing() as session:
        session.add(customer())

    row = notice("1") | {"text": "Ada"}
    async with database.writing() as session:
        session.info[MAY_WRITE] = refuse
        writing = cast(WritingSession, session)
        with pytest.raises(PermissionError, match="core_notice"):
            await insert_at_once(writing, Notice, row, unless_taken=("version", "language"), provided=SAME_NAME)

    assert await versions(database) == []
