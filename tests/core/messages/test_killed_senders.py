"""Row 3 of the test plan: a sender is killed at every named point, and another one finishes what it began."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import select
from sqlmodel import col
from tests.core.forking import Processes, forker
from tests.core.messages.conftest import write
from tests.plan import Figures

from regulars.consents.registry import core_consent_registry
from regulars.contact.models import ContactTouch
from regulars.crash_points import CrashPoint
from regulars.database import Database
from regulars.messages.models import Message
from regulars.messages.service import enqueue_message
from regulars.messages.templates import MessageDraft, MessageTemplate
from regulars.testing.shop import add_customer

pytestmark = [pytest.mark.row(3), pytest.mark.timeout(300)]

POINTS = [point for point in CrashPoint if point.startswith("message.")]
IN_DOUBT = (CrashPoint.MESSAGE_ON_ITS_WAY, CrashPoint.MESSAGE_HANDED_OVER, CrashPoint.MESSAGE_SETTLED)
TAKEN_BEFORE_THE_KILL = IN_DOUBT[1:]
TEMPLATES = {"shop.order": MessageTemplate("shop.order", "transactional", write)}
PATIENCE_S = 120


@pytest.fixture(scope="session")
def loaded() -> Iterator["Popen[str]"]:
    """Give a process that forks others quickly."""
    with forker("tests.core.messages.processes") as process:
        yield process


@pytest.fixture
def processes(loaded: "Popen[str]") -> Iterator[Processes]:
    """Give processes that end with the test."""
    started = Processes(loaded)
    yield started
    started.kill_all()


@pytest.fixture
def sqlite_only(database: Database) -> Database:
    """Give the database of the smaller run; the full one takes both kinds."""
    if database.dialect != "sqlite":
        pytest.skip("the full figures have it")
    return database


async def enqueue(database: Database, *, messages: int) -> set[str]:
    """Return the ids of messages to one customer."""
    now = datetime.now(UTC)
    async with database.writing() as session:
        anna = await add_customer(session, name="Anna", email="anna@example.org", external_id=None, now=now)
        taken = [
            await enqueue_message(
                session,
                draft=MessageDraft(
                    key=str(number),
                    template="shop.order",
                    channel="email",
                    customer_id=anna,
                    payload={"order": number},
                ),
                source="shop",
                templates=TEMPLATES,
                registry=core_consent_registry(),
                actor="system",
                now=now,
            )
            for number in range(messages)
        ]
        return {str(message.id) for message in taken}


async def kill_everywhere(
    processes: Processes, url: str, folder: Path, *, passings: int, honours_keys: bool
) -> tuple[list[str], Counter[str]]:
    """Let one sender after another work, each killed at another point, then one that is not.

    Return where they were killed, and how often the delivery took which message.
    """
    for passing in range(1, passings + 1):
        for point in POINTS:
            await live(processes, url, folder, point=point, passing=passing, honours_keys=honours_keys)
    await live(processes, url, folder, point=None, passing=0, honours_keys=honours_keys)
    return (folder / "killed").read_text().split(), Counter((folder / "taken").read_text().split())


async def live(
    processes: Processes, url: str, folder: Path, *, point: str | None, passing: int, honours_keys: bool
) -> None:
    life = {"point": point, "passing": passing, "honours_keys": honours_keys}
    (folder / "life.json").write_text(json.dumps(life))
    pid = processes.start("sender", url, folder)
    give_up_at = time.monotonic() + PATIENCE_S
    while processes.is_alive(pid):
        assert time.monotonic() < give_up_at, f"the process {pid} does not end"
        await asyncio.sleep(0.02)
    processes.pids.remove(pid)


async def states(database: Database) -> Counter[str]:
    async with database.reading() as session:
        return Counter(await session.scalars(select(col(Message.state))))


async def check_slots(database: Database) -> None:
    """Check that each message has one slot that says the same, and that no other slot is held."""
    async with database.reading() as session:
        messages = (await session.execute(select(col(Message.reservation_id), col(Message.state)))).all()
        touches = (await session.execute(select(col(ContactTouch.id), col(ContactTouch.state)))).all()
    of_messages = {message.reservation_id: message.state for message in messages}
    held = {id: state for id, state in touches if state != "released"}
    assert len(of_messages) == len(messages)
    assert of_messages == held


async def check_with_keys(
    processes: Processes, database: Database, url: str, folder: Path, figures: Figures, *, messages: int, passings: int
) -> None:
    ids = await enqueue(database, messages=messages)

    killed, taken = await kill_everywhere(processes, url, folder, passings=passings, honours_keys=True)

    figures(kills=len(killed), messages=messages, handed_over=taken.total(), lost=len(ids - set(taken)))
    assert Counter(killed) == Counter(POINTS * passings)
    assert set(taken) == ids
    assert taken.total() == messages + passings * len(TAKEN_BEFORE_THE_KILL)
    assert await states(database) == {"sent": messages}
    await check_slots(database)


async def check_without_keys(
    processes: Processes, database: Database, url: str, folder: Path, figures: Figures, *, messages: int, passings: int
) -> None:
    ids = await enqueue(database, messages=messages)

    killed, taken = await kill_everywhere(processes, url, folder, passings=passings, honours_keys=False)

    doubtful = passings * len(IN_DOUBT)
    figures(kills=len(killed), messages=messages, handed_over=taken.total(), unknown=doubtful)
    assert Counter(killed) == Counter(POINTS * passings)
    assert set(taken) < ids
    assert set(taken.values()) == {1}
    assert taken.total() == messages - passings
    assert await states(database) == {"sent": messages - doubtful, "unknown": doubtful}
    await check_slots(database)


async def test_a_killed_sender_loses_no_message_where_its_key_is_honoured(
    processes: Processes, sqlite_only: Database, database_url: str, tmp_path: Path, figures: Figures
) -> None:
    await check_with_keys(processes, sqlite_only, database_url, tmp_path, figures, messages=20, passings=1)


async def test_a_killed_sender_hands_nothing_over_twice_where_keys_are_not_honoured(
    processes: Processes, sqlite_only: Database, database_url: str, tmp_path: Path, figures: Figures
) -> None:
    await check_without_keys(processes, sqlite_only, database_url, tmp_path, figures, messages=20, passings=1)


@pytest.mark.full
async def test_senders_killed_many_times_lose_no_message_where_its_key_is_honoured(
    processes: Processes, database: Database, database_url: str, tmp_path: Path, figures: Figures
) -> None:
    await check_with_keys(processes, database, database_url, tmp_path, figures, messages=150, passings=5)


@pytest.mark.full
async def test_senders_killed_many_times_hand_nothing_over_twice_where_keys_are_not_honoured(
    processes: Processes, database: Database, database_url: str, tmp_path: Path, figures: Figures
) -> None:
    await check_without_keys(processes, database, database_url, tmp_path, figures, messages=150, passings=5)
