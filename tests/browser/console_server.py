"""Serve the console for a browser: a shop with a plugin that works, one that does not, and jobs in every state."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForStaffMember
from regulars.access.service import create_key
from regulars.access.staff import create_staff_member
from regulars.database import open_engine
from regulars.jobs.service import enqueue_job, read_job
from regulars.migrations import upgrade
from regulars.plugins.joining.discovery import found_plugin
from regulars.plugins.manifest import PluginManifest
from regulars.revisions import CORE
from regulars.settings import Settings
from regulars.web.application import create_app
from regulars.web.server import Server
from regulars_clv.manifest import manifest as clv
from regulars_loyalty_card.manifest import manifest as loyalty_card

__all__ = ["ConsoleServer", "in_thread", "make_tables", "serving_console"]

LOST = PluginManifest(
    id="gifts",
    version="1.0",
    title="Gifts",
    summary="Presents for regulars.",
    hook_api=">=1.0,<2",
    implementation="regulars_gifts.plugin",
)
JOBS = (
    ("core.import", {"status": "RUNNING", "done": 412_000, "total": 1_000_000, "message": "Reading customers"}),
    ("clv.fit", {"status": "SUCCEEDED", "done": 2_357, "total": 2_357}),
    ("loyalty_card.count", {"status": "FAILED", "problem": "The till has not answered since 11:15."}),
)


@dataclass(frozen=True)
class ConsoleServer:
    """Where the console is, and the key of a colleague who is an admin."""

    address: str
    key: str


@contextmanager
def serving_console(folder: Path, *, port: int = 0, **more: Any) -> Iterator[ConsoleServer]:
    """Serve on this machine, on a free port unless one is given, as in production; ``more`` are further settings."""
    settings = Settings(
        database_url=f"sqlite:///{folder / 'regulars.db'}", company_name="Corner Wine Shop", worker=False, **more
    )
    in_thread(make_tables(settings))
    found = [found_plugin(clv), found_plugin(loyalty_card), found_plugin(LOST, hooks=object())]
    app = create_app(settings, found=found)
    web = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, ws="none"))
    thread = threading.Thread(target=web.run, daemon=True)
    thread.start()
    while not web.started:
        thread.join(0.05)
    port = web.servers[0].sockets[0].getsockname()[1]
    loop = web.servers[0].get_loop()
    key = asyncio.run_coroutine_threadsafe(_furnish(app), loop).result(60)
    yield ConsoleServer(f"http://127.0.0.1:{port}", key)
    web.should_exit = True
    thread.join()


def in_thread(work: Coroutine[Any, Any, None]) -> None:
    """Do it where no event loop runs; playwright has one of its own in the thread of the test."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


async def make_tables(settings: Settings) -> None:
    """Make the tables of the core."""
    engine = open_engine(settings)
    await upgrade(engine, [CORE])
    await engine.dispose()


async def _furnish(app: Starlette) -> str:
    server: Server = app.state.server
    now = datetime.now(UTC)
    await server.host.enable("clv")
    await server.host.enable("loyalty_card")
    await server.refresh_schema()
    server.host.fail("gifts", "No address for gifts is set.")
    async with server.database.writing() as session:
        for kind, values in JOBS:
            queued = await enqueue_job(session, kind=kind, key="1", actor=SYSTEM.label, now=now)
            job = await read_job(session, id=queued.id)
            job.started_at, job.ended_at = now - timedelta(minutes=2), now
            for name, value in values.items():
                setattr(job, name, value)
        person = await create_staff_member(session, name="Ada Byron", role="admin", actor=SYSTEM, now=now)
        issued = await create_key(
            session,
            name="Ada's laptop",
            owner=ForStaffMember(person.id),
            permissions=server.permissions,
            secret=server.secret,
            actor=SYSTEM,
            now=now,
        )
    return issued.text
