"""Processes that work on one database until they are killed at a named point, or that race for the same keys.

It loads everything once, then forks a process for each line on its standard input, and answers with the pid. At the end
of the input it kills them all and itself, so nothing outlives the tests.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import select, text
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.access.permissions import CORE_PERMISSIONS, permissions_of_role
from regulars.audit.sealing import seal_rows
from regulars.crash_points import CrashPoint, listening
from regulars.customers.models import Customer
from regulars.database import open_engine
from regulars.errors import ExpectedError
from regulars.events.deliveries import handlers_with_work, has_untold_events
from regulars.events.dispatch import Pace, running_dispatcher
from regulars.events.envelope import EventEnvelope
from regulars.graphql.execution import Executor
from regulars.graphql.protocol.transport import GraphQLOperation
from regulars.graphql.schema.building import BuiltSchema, build_schema
from regulars.graphql.schema.core_parts import schema_parts
from regulars.jobs.models import Job
from regulars.jobs.registry import JobKind
from regulars.jobs.run import JobRun
from regulars.jobs.service import enqueue_job
from regulars.jobs.worker import Timings, running_worker
from regulars.migrations import upgrade
from regulars.outgoing.client import Outgoing
from regulars.plugins.contributions import Job as JobDescription
from regulars.plugins.plugin_set import PluginSet
from regulars.revisions import CORE
from regulars.settings import Settings
from regulars.web.server import Server
from regulars.webhooks.queue import webhooks_following
from regulars.webhooks.sender import SenderPace, running_webhooks

CREATE = "mutation ($name: String!) { customerCreate(input: {displayName: $name}) { customer { id } errors { code } } }"
STAFF = Actor("staff", UUID(int=1), "test", permissions_of_role("admin", CORE_PERMISSIONS))

SOON = timedelta(milliseconds=10)
LEASE = timedelta(milliseconds=400)
TIMINGS = Timings(lease=LEASE, heartbeat=LEASE / 4, poll=SOON, look=SOON * 5, grace=SOON * 20, first_delay=timedelta(0))
PACE = Pace(poll=SOON, timeout=LEASE / 2, lease=LEASE)


@dataclass(frozen=True)
class Life:
    """What one process is to do: on which database, up to which thing, and where it dies, at which passing."""

    role: str
    url: str
    folder: str
    things: int
    point: str | None = None
    passing: int = 1
    begin_at: float = 0.0
    distance_s: float = 0.0


async def live(life: Life, schema: BuiltSchema) -> None:
    """Work through all things, from the first that is not done; every step may be repeated."""
    server = Server(Settings(database_url=life.url, audit_heads=f"{life.folder}/heads"), found=())
    executor, folder = Executor(schema, server), Path(life.folder)
    for thing in range(life.things):
        if (folder / f"done-{thing}").exists():
            continue
        answer = await ask(executor, f"thing {thing}")
        (folder / f"answer-{thing}").write_bytes(answer)
        await work(server, thing)
        await tell(server, folder)
        await send(server, folder)
        await seal_rows(server.database, now=server.clock.now())
        await server.audit_heads.keep_up(server.database, now=server.clock.now(), at_once=True)
        (folder / f"done-{thing}").touch()


async def ask(executor: Executor, name: str) -> bytes:
    """Create somebody under a key, as a client does that repeats what it was not told of."""
    operation = GraphQLOperation(CREATE, None, {"name": name}, {}, idempotency_key=name)
    while True:
        try:
            return (await executor.answer(operation, actor=STAFF)).body
        except ExpectedError as error:
            if error.code != "IDEMPOTENCY_IN_FLIGHT":
                raise
            await asyncio.sleep(0.01)


async def work(server: Server, thing: int) -> None:
    """Have a job leave one effect in the database."""

    async def leave_effect(run: JobRun) -> None:
        if run.checkpoint is None:
            async with run.writing() as session:
                await session.execute(text("INSERT INTO effect (job) VALUES (:job)"), {"job": run.id.hex})
                await run.save_checkpoint({"is_done": True})

    kinds = {"test.effect": JobKind(JobDescription("test.effect", leave_effect, "Effect", "jobs:manage"))}
    async with server.database.writing() as session:
        job = await enqueue_job(session, kind="test.effect", key=str(thing), actor="staff:1", now=server.clock.now())
    async with running_worker(
        server.database, kinds, clock=server.clock, company=lambda: server.company, slots=1, timings=TIMINGS
    ):
        while not await has_succeeded(server, job.id):  # noqa: ASYNC110  what is done shows in the database alone
            await asyncio.sleep(SOON.total_seconds())


async def has_succeeded(server: Server, id: UUID) -> bool:
    async with server.database.reading() as session:
        return await session.scalar(select(col(Job.status)).where(col(Job.id) == id)) == "SUCCEEDED"


async def tell(server: Server, folder: Path) -> None:
    """Have a handler write down what it is told."""

    async def hear(events: Sequence[EventEnvelope]) -> None:
        with (folder / "told").open("a") as told:
            told.writelines(f"{event.id}\n" for event in events)

    handlers = {"customer.created": [("test", hear)]}
    async with running_dispatcher(
        server.database, handlers, clock=server.clock, pace=PACE, followers=webhooks_following
    ):
        while await is_something_to_tell(server):  # noqa: ASYNC110
            await asyncio.sleep(SOON.total_seconds())


async def send(server: Server, folder: Path) -> None:
    """Have a receiver write down what it takes."""

    class Receiver(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            with (folder / "received").open("a") as received:
                received.write(f"{request.headers['webhook-id']}\n")
            return httpx.Response(200)

    async with running_webhooks(
        server.database,
        Outgoing(transport=Receiver()),
        server_secret="the server's own",
        clock=server.clock,
        pace=SenderPace(poll=SOON, lease=LEASE),
    ):
        while await is_something_to_send(server):  # noqa: ASYNC110
            await asyncio.sleep(SOON.total_seconds())


async def is_something_to_send(server: Server) -> bool:
    async with server.database.reading() as session:
        return bool(await session.scalar(text("SELECT count(*) FROM core_webhook_delivery WHERE status = 'WAITING'")))


async def is_something_to_tell(server: Server) -> bool:
    async with server.database.reading() as session:
        if await has_untold_events(session):
            return True
        waiting = await session.scalar(text("SELECT count(*) FROM core_event_delivery"))
        return bool(waiting) or bool(await handlers_with_work(session, {"test"}, now=server.clock.now()))


async def race(life: Life, schema: BuiltSchema) -> None:
    """Send each key at the same moment as the other racer, and keep what was answered."""
    server = Server(Settings(database_url=life.url, audit_heads=f"{life.folder}/heads"), found=())
    executor, folder = Executor(schema, server), Path(life.folder)
    async with server.database.reading() as session:
        await session.scalar(select(col(Customer.id)).limit(1))
    for thing in range(life.things):
        await asyncio.sleep(max(0.0, life.begin_at + thing * life.distance_s - time.time()))
        (folder / f"answer-{thing}-{os.getpid()}").write_bytes(await ask(executor, f"thing {thing}"))
    (folder / f"done-{os.getpid()}").touch()


async def migrate(life: Life, _schema: BuiltSchema) -> None:
    """Bring an empty database to the newest revision."""
    engine = open_engine(Settings(database_url=life.url))
    await upgrade(engine, [CORE])
    await engine.dispose()
    (Path(life.folder) / "done-migrating").touch()


ROLES: dict[str, Any] = {"live": live, "race": race, "migrate": migrate}


def die_at(life: Life) -> Any:
    """Return a listener that kills this process when it passes the point for the given time."""
    passed = 0

    def listen(point: CrashPoint) -> None:
        nonlocal passed
        passed += point == life.point
        if passed == life.passing:
            (Path(life.folder) / "killed").open("a").write(f"{point}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    return listen


def fork_on_demand() -> None:
    """Fork a process for each line, until the input ends."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    schema = build_schema(schema_parts(PluginSet()))
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            life = Life(**json.loads(line))
            with ExitStack() as stack:
                if life.point is not None:
                    stack.enter_context(listening(die_at(life)))
                asyncio.run(ROLES[life.role](life, schema))
            os._exit(0)
        print(pid, flush=True)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    fork_on_demand()
