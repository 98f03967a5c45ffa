"""Processes that are killed between an attempt and the note of it: every event arrives, under the id that it had."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col
from tests.core.forking import Processes, forker
from tests.core.webhooks.conftest import answer
from tests.plan import Figures

from regulars.database import Database
from regulars.events.service import record_event
from regulars.testing.databases import SqliteDatabases
from regulars.webhooks.models import SUCCEEDED, Webhook, WebhookAttempt, WebhookDelivery, WebhookSecret
from regulars.webhooks.queue import queue_deliveries

KILLS = 26
EVENTS = 60


@pytest.fixture(scope="session")
def loaded() -> Iterator["Popen[str]"]:
    """Give a process that forks others quickly."""
    with forker("tests.core.webhooks.processes") as process:
        yield process


@pytest.fixture
def processes(loaded: "Popen[str]") -> Iterator[Processes]:
    """Give processes that end with the test."""
    started = Processes(loaded)
    yield started
    started.kill_all()


@pytest.fixture
def databases(sqlite_databases: SqliteDatabases) -> SqliteDatabases:
    """Give databases of the one kind on which the smaller figures are shown."""
    return sqlite_databases


class DeadlyReceiver:
    """Kills the process that sends to it: in turn before it answers, and right after."""

    def __init__(self, processes: Processes) -> None:
        self.processes = processes
        self.kills = 0
        self.taken: Counter[str] = Counter()
        self.needs_sender = asyncio.Event()
        self.needs_sender.set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
                is_killing = self.kills < KILLS and bool(self.processes.pids)
                if not (is_killing and self.kills % 2):
                    self.taken[head.split("webhook-id: ")[1].split("\r\n")[0]] += 1
                    writer.write(answer("200 OK"))
                    await writer.drain()
                if is_killing:
                    self.kills += 1
                    self.processes.kill_all()
                    self.needs_sender.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def queue_events(database: Database, url: str) -> set[str]:
    now = datetime.now(UTC)
    async with database.writing() as session:
        webhook = Webhook(url=url, event_types=["*"], created_at=now, updated_at=now)
        session.add(webhook)
        await session.flush()
        session.add(WebhookSecret(webhook_id=webhook.id, created_at=now))
        events = [
            await record_event(session, type="a.b", subject="c:1", actor="system", data={}, now=now)
            for _ in range(EVENTS)
        ]
        await session.flush()
        ids: list[tuple[UUID, str]] = [(event.id, event.type) for event in events]
        await queue_deliveries(session, {webhook.id: ["*"]}, ids, now=now)
    return {str(id) for id, _ in ids}


async def succeeded(database: Database) -> int:
    async with database.reading() as session:
        found = select(func.count()).select_from(WebhookDelivery).where(col(WebhookDelivery.status) == SUCCEEDED)
        return await session.scalar(found) or 0


@pytest.mark.row(17)
@pytest.mark.row(3)
async def test_killed_senders_lose_no_event_and_send_it_again_under_its_id(
    processes: Processes, database: Database, database_url: str, tmp_path: Path, figures: Figures
) -> None:
    receiver = DeadlyReceiver(processes)
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (tmp_path / "opened.json").write_text(json.dumps([f"127.0.0.1:{port}"]))
    ids = await queue_events(database, f"http://127.0.0.1:{port}/")

    while receiver.kills < KILLS:
        await receiver.needs_sender.wait()
        receiver.needs_sender.clear()
        processes.start("sender", database_url, tmp_path)
        await receiver.needs_sender.wait()
    processes.start("sender", database_url, tmp_path)
    while await succeeded(database) < EVENTS:  # noqa: ASYNC110  # another process writes the rows
        await asyncio.sleep(0.05)
    server.close()

    async with database.reading() as session:
        unknown = select(func.count()).select_from(WebhookAttempt).where(col(WebhookAttempt.ended_at).is_(None))
        lost = await session.scalar(unknown)
    figures(kills=receiver.kills, events=EVENTS, requests=receiver.taken.total(), attempts_without_end=lost)
    assert set(receiver.taken) == ids
    assert receiver.taken.total() > EVENTS
    assert lost is not None
    assert lost >= KILLS
