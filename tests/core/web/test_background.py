import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForService
from regulars.access.permissions import CORE_PERMISSIONS
from regulars.access.service import create_key
from regulars.database import Database
from regulars.events.envelope import EventEnvelope
from regulars.jobs.models import Job as JobRow
from regulars.jobs.run import JobRun
from regulars.jobs.service import enqueue_job
from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import EventHandler, Job
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.discovery import found_plugin
from regulars.plugins.manifest import Grants, Permission, PluginManifest
from regulars.settings import Settings
from regulars.web.server import Server

PATIENCE_S = 60

MANIFEST = PluginManifest(
    id="loyalty",
    version="1.0",
    title="Loyalty",
    summary="A card with stamps.",
    hook_api=">=1.0,<2",
    implementation="regulars_loyalty.plugin",
    permissions=(Permission("loyalty:run", "Count stamps"),),
    grants=Grants(events=("key.created",)),
)


class Loyalty:
    """Hears of new keys and counts stamps."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[EventEnvelope] = asyncio.Queue()
        self.counted: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()

    @hookimpl
    def events(self) -> Mapping[str, EventHandler]:
        async def hear(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
            for event in events:
                self.heard.put_nowait(event)

        return {"key.created": hear}

    @hookimpl
    def jobs(self) -> Sequence[Job]:
        async def count(run: JobRun) -> Mapping[str, Any]:
            self.counted.put_nowait(run.input)
            return {"stamps": 3}

        return [Job("loyalty.count", run=count, title="Count stamps", permission="loyalty:run")]


@pytest.fixture
def loyalty() -> Loyalty:
    return Loyalty()


@asynccontextmanager
async def running(database_url: str, loyalty: Loyalty, **settings: Any) -> AsyncIterator[Server]:
    server = Server(Settings(database_url=database_url, **settings), found=[found_plugin(MANIFEST, hooks=loyalty)])
    async with server.running():
        yield server


async def give_key(database: Database, server: Server) -> None:
    async with database.writing() as session:
        await create_key(
            session,
            name="shop",
            owner=ForService("analyst"),
            permissions=CORE_PERMISSIONS,
            secret="a secret of the tests",
            actor=SYSTEM,
            now=server.clock.now(),
        )


async def test_a_plugin_hears_of_what_happened(database_url: str, loyalty: Loyalty) -> None:
    async with running(database_url, loyalty) as server:
        await server.host.enable("loyalty")

        await give_key(server.database, server)

        event = await asyncio.wait_for(loyalty.heard.get(), PATIENCE_S)
    assert event.type == "key.created"


async def test_a_plugin_that_does_not_work_for_now_hears_of_it_later(database_url: str, loyalty: Loyalty) -> None:
    async with running(database_url, loyalty, worker=False) as server:
        await server.host.enable("loyalty")
        server.host.fail("loyalty", "It broke.")
        waiting = server.handlers["key.created"]
        await give_key(server.database, server)

    async with running(database_url, loyalty):
        event = await asyncio.wait_for(loyalty.heard.get(), PATIENCE_S)

    assert [name for name, _ in waiting] == ["loyalty"]
    assert event.type == "key.created"


async def test_a_job_of_a_plugin_is_run(database_url: str, loyalty: Loyalty) -> None:
    async with running(database_url, loyalty) as server:
        await server.host.enable("loyalty")

        async with server.database.writing() as session:
            await enqueue_job(session, kind="loyalty.count", input={"week": 3}, actor="system", now=server.clock.now())

        assert await asyncio.wait_for(loyalty.counted.get(), PATIENCE_S) == {"week": 3}


async def test_a_server_without_a_worker_leaves_jobs_to_others(database_url: str, loyalty: Loyalty) -> None:
    async with running(database_url, loyalty, worker=False) as server:
        await server.host.enable("loyalty")
        async with server.database.writing() as session:
            job = await enqueue_job(session, kind="loyalty.count", actor="system", now=server.clock.now())
        await asyncio.sleep(0)

        async with running(database_url, loyalty):
            await asyncio.wait_for(loyalty.counted.get(), PATIENCE_S)
        async with server.database.reading() as session:
            row = await session.get_one(JobRow, job.id)

    assert row.attempts == 1


async def test_a_process_follows_what_an_admin_did_in_another(database_url: str, loyalty: Loyalty) -> None:
    async with running(database_url, loyalty, worker=False) as one, running(database_url, loyalty) as other:
        before = "loyalty:run" in {permission.name for permission in other.permissions}

        await one.host.enable("loyalty")
        async with one.database.writing() as session:
            await enqueue_job(session, kind="loyalty.count", actor="system", now=one.clock.now())

        await asyncio.wait_for(loyalty.counted.get(), PATIENCE_S)
        assert not before
        assert "loyalty:run" in {permission.name for permission in other.permissions}
