"""On SQLite one quick statement runs after another, and a slow one holds up nobody."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from regulars.database import open_engine
from regulars.direct_reading import DirectReader
from regulars.settings import Settings

AT_ONCE, NEVER = 0.0, 3600.0
PATIENCE_S = 60.0
SLOW, QUICK = "SELECT pass(?)", "SELECT ?"


@dataclass
class Gate:
    """What slow statements wait at, in the threads of SQLite; a connection is noted when it is opened."""

    is_open: threading.Event = field(default_factory=threading.Event)
    reached: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    connections: int = 0

    def watch(self, engine: AsyncEngine) -> None:
        """Teach every connection that is opened to wait at the gate."""
        loop = asyncio.get_running_loop()

        def wait(name: str) -> str:
            loop.call_soon_threadsafe(self.reached.release)
            self.is_open.wait()
            return name

        def teach(connection: Any, _record: object) -> None:
            self.connections += 1
            connection.create_function("pass", 1, wait)

        event.listen(engine.sync_engine, "connect", teach)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Give a gate, which is open in the end."""
    gate = Gate()
    yield gate
    gate.is_open.set()


@asynccontextmanager
async def reading(folder: Path, gate: Gate, *, quick_s: float) -> AsyncIterator[DirectReader]:
    """Give a reader of a new database, to which statements that take longer than ``quick_s`` are slow."""
    engine = open_engine(Settings(database_url=f"sqlite:///{folder / 'shop.db'}"))
    gate.watch(engine)
    reader = DirectReader(engine, quick_s=quick_s)
    try:
        yield reader
    finally:
        gate.is_open.set()
        await reader.close()
        await engine.dispose()


@pytest_asyncio.fixture
async def patient(tmp_path: Path, gate: Gate) -> AsyncIterator[DirectReader]:
    """Give a reader to which every statement is quick."""
    async with reading(tmp_path, gate, quick_s=NEVER) as reader:
        yield reader


@pytest_asyncio.fixture
async def hasty(tmp_path: Path, gate: Gate) -> AsyncIterator[DirectReader]:
    """Give a reader to which every statement is slow that does not end at once."""
    async with reading(tmp_path, gate, quick_s=AT_ONCE) as reader:
        yield reader


async def at_the_gate(reader: DirectReader, gate: Gate, name: str) -> asyncio.Task[str]:
    """Return a slow statement that waits at the gate by now."""
    task = asyncio.create_task(reader.read_text(SLOW, (name,), patience_s=PATIENCE_S))
    await gate.reached.acquire()
    return task


async def test_quick_statements_share_one_connection_in_the_order_of_their_coming(
    patient: DirectReader, gate: Gate
) -> None:
    ended: list[str] = []

    async def read(name: str) -> None:
        ended.append(await patient.read_text(QUICK, (name,), patience_s=PATIENCE_S))

    await asyncio.gather(*(read(name) for name in "abcdefgh"))

    assert (ended, gate.connections) == (list("abcdefgh"), 1)


async def test_a_statement_waits_for_its_turn_while_a_quick_one_runs(patient: DirectReader, gate: Gate) -> None:
    first = await at_the_gate(patient, gate, "first")
    second = asyncio.create_task(patient.read_text(QUICK, ("second",), patience_s=PATIENCE_S))
    second.add_done_callback(lambda _: order.append("second"))
    first.add_done_callback(lambda _: order.append("first"))
    order: list[str] = []

    gate.is_open.set()
    await asyncio.wait({first, second})

    assert (order, gate.connections) == (["first", "second"], 1)


async def test_a_slow_statement_holds_up_no_other(hasty: DirectReader, gate: Gate) -> None:
    slow = await at_the_gate(hasty, gate, "slow")

    others = [await hasty.read_text(QUICK, (name,), patience_s=PATIENCE_S) for name in "abc"]

    assert (others, slow.done()) == (["a", "b", "c"], False)
    gate.is_open.set()
    assert await slow == "slow"


async def test_a_statement_that_came_before_another_was_slow_runs_beside_it(hasty: DirectReader, gate: Gate) -> None:
    slow = asyncio.create_task(hasty.read_text(SLOW, ("slow",), patience_s=PATIENCE_S))
    waiting = asyncio.create_task(hasty.read_text(QUICK, ("waiting",), patience_s=PATIENCE_S))

    assert await waiting == "waiting"
    assert not slow.done()


async def test_when_every_connection_is_at_something_slow_the_next_one_that_ends_serves_who_waits(
    hasty: DirectReader, gate: Gate
) -> None:
    slow = [await at_the_gate(hasty, gate, name) for name in "abcde"]
    waiting = asyncio.create_task(hasty.read_text(QUICK, ("waiting",), patience_s=PATIENCE_S))

    gate.is_open.set()

    assert [*await asyncio.gather(*slow), await waiting] == ["a", "b", "c", "d", "e", "waiting"]
    assert gate.connections == 5


async def test_after_a_slow_statement_quick_ones_run_one_after_another_again(hasty: DirectReader, gate: Gate) -> None:
    slow = await at_the_gate(hasty, gate, "slow")
    await hasty.read_text(QUICK, ("beside",), patience_s=PATIENCE_S)
    gate.is_open.set()
    await slow

    again = [await hasty.read_text(QUICK, (name,), patience_s=PATIENCE_S) for name in "abc"]

    assert (again, gate.connections) == (["a", "b", "c"], 2)


async def test_one_that_is_cancelled_as_it_waits_leaves_its_place_to_the_next(
    patient: DirectReader, gate: Gate
) -> None:
    slow = await at_the_gate(patient, gate, "slow")
    cancelled = asyncio.create_task(patient.read_text(QUICK, ("cancelled",), patience_s=PATIENCE_S))
    next_one = asyncio.create_task(patient.read_text(QUICK, ("next",), patience_s=PATIENCE_S))
    await asyncio.sleep(0)

    cancelled.cancel()
    gate.is_open.set()
    await asyncio.wait({cancelled})

    assert cancelled.cancelled()
    assert (await slow, await next_one) == ("slow", "next")


async def test_whoever_waits_is_served_before_the_connections_are_closed(patient: DirectReader, gate: Gate) -> None:
    slow = await at_the_gate(patient, gate, "slow")
    waiting = asyncio.create_task(patient.read_text(QUICK, ("waiting",), patience_s=PATIENCE_S))
    await asyncio.sleep(0)

    closing = asyncio.create_task(patient.close())
    gate.is_open.set()
    await closing

    assert (slow.done(), waiting.done()) == (True, True)
    assert (await slow, await waiting) == ("slow", "waiting")
