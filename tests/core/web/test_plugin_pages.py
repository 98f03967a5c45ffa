from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import event, func, select
from sqlmodel import col
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForService
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.clock import SettableClock
from regulars.consents.models import GpcSignal
from regulars.customers.changes import CustomerChanges
from regulars.customers.service import create_customer
from regulars.plugins.contributions import Pages
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.discovery import found_plugin
from regulars.plugins.manifest import Grants, Permission, PluginManifest
from regulars.segments.models import Segment
from regulars.settings import Settings
from regulars.testing.databases import TestDatabases
from regulars.testing.making import make_web
from regulars.web.server import Server

MANIFEST = PluginManifest(
    id="loyalty",
    version="1.0",
    title="Loyalty",
    summary="A card with stamps.",
    hook_api=">=1.0,<2",
    implementation="regulars_loyalty.plugin",
    permissions=(Permission("loyalty:read", "See cards", ("analyst",)),),
    grants=Grants(write=("segment",)),
)


async def welcome(request: Request) -> Response:
    return PlainTextResponse("welcome")


async def report(request: Request) -> Response:
    return PlainTextResponse(f"{request.state.actor.name} sees {request.path_params['name']}")


async def crash(request: Request) -> Response:
    raise RuntimeError("a secret")


async def nothing(request: Request) -> Response:
    raise HTTPException(404)


async def write(request: Request) -> Response:
    ctx, now = request.state.ctx, request.state.ctx.clock.now()
    ctx.session.add(Segment(name=request.query_params["name"], where={}, created_at=now, updated_at=now))
    await ctx.session.flush()
    if request.query_params["then"] == "crash":
        raise RuntimeError("too late")
    return PlainTextResponse("written")


async def card(request: Request) -> Response:
    known = request.headers.get("x-card")
    if known is not None:
        request.state.customer_id = UUID(known)
    return PlainTextResponse("a card")


class Loyalty:
    @hookimpl
    def pages(self) -> Pages:
        routes = [
            Route("/", welcome, name="home"),
            Route("/reports/{name}", report, name="report"),
            Route("/crash", crash, name="crash"),
            Route("/nothing", nothing, name="nothing"),
            Route("/card", card, name="card"),
            Route("/write", write, name="write", methods=["GET", "POST"]),
        ]
        return Pages(
            routes,
            {
                "home": "public",
                "report": "loyalty:read",
                "crash": "public",
                "nothing": "public",
                "card": "public",
                "write": "public",
            },
        )


@pytest.fixture
def app(databases: TestDatabases, database_url: str, clock: SettableClock) -> Starlette:
    settings = Settings(database_url=database_url, worker=False)
    return make_web(databases, settings, clock=clock, found=[found_plugin(MANIFEST, hooks=Loyalty())])


@pytest_asyncio.fixture
async def server(app: Starlette) -> AsyncIterator[Server]:
    server: Server = app.state.server
    async with server.running():
        await server.host.enable("loyalty")
        yield server


@pytest_asyncio.fixture
async def web(app: Starlette, server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def key_of(server: Server, role: str) -> Mapping[str, str]:
    async with server.database.writing() as session:
        issued = await create_key(
            session,
            name="Ada",
            owner=ForService(role),
            permissions=server.permissions,
            secret=await ensure_server_secret(session, configured=""),
            actor=SYSTEM,
            now=server.clock.now(),
        )
    return {"authorization": f"Bearer {issued.text}"}


async def segments(server: Server) -> int:
    async with server.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Segment)) or 0


async def test_a_public_page_is_served_to_everybody(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/loyalty/")

    assert (answer.status_code, answer.text) == (200, "welcome")


async def test_a_page_knows_who_asks(web: httpx.AsyncClient, server: Server) -> None:
    answer = await web.get("/plugins/loyalty/reports/tiers", headers=await key_of(server, "analyst"))

    assert (answer.status_code, answer.text) == (200, "Ada sees tiers")


async def test_a_page_without_credentials_is_refused(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/loyalty/reports/tiers")

    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_page_without_the_permission_is_refused(web: httpx.AsyncClient, server: Server) -> None:
    answer = await web.get("/plugins/loyalty/reports/tiers", headers=await key_of(server, "frontline"))

    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert "loyalty:read" in answer.json()["detail"]


async def test_a_wrong_key_is_refused_on_a_public_page_too(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/loyalty/", headers={"authorization": "Bearer nonsense"})

    assert answer.status_code == 401


async def test_a_wrong_method_is_refused_after_the_permission(web: httpx.AsyncClient, server: Server) -> None:
    unknown = await web.post("/plugins/loyalty/reports/tiers")
    known = await web.post("/plugins/loyalty/reports/tiers", headers=await key_of(server, "analyst"))

    assert (unknown.status_code, known.status_code) == (401, 405)


@pytest.mark.parametrize("path", ["loyalty/elsewhere", "loyalty/nothing", "social/", "", "loyaltyx/"])
async def test_what_no_enabled_plugin_serves_is_not_found(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(f"/plugins/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_the_address_of_a_plugin_leads_to_its_first_page(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/loyalty?week=3", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (307, "http://test/plugins/loyalty/?week=3")


async def test_a_plugin_that_is_disabled_has_no_pages_from_then_on(web: httpx.AsyncClient, server: Server) -> None:
    before = await web.get("/plugins/loyalty/")
    await server.host.disable("loyalty")

    after = await web.get("/plugins/loyalty/")

    assert (before.status_code, after.status_code) == (200, 404)


async def test_a_page_that_crashes_names_its_plugin_and_nothing_else(web: httpx.AsyncClient, server: Server) -> None:
    with capture_logs() as lines:
        answer = await web.get("/plugins/loyalty/crash")

    assert (answer.status_code, answer.json()["code"]) == (500, "PLUGIN_FAILED")
    assert answer.json()["detail"].startswith("The plugin loyalty could not show this page.")
    assert "secret" not in answer.text
    assert [(line["plugin"], line["code"]) for line in lines if line["event"] == "request"] == [
        ("loyalty", "PLUGIN_FAILED")
    ]
    assert [problem.key for problem in server.host.problems.known("loyalty")] == ["pages"]


async def test_pages_that_keep_crashing_rest_for_a_while(web: httpx.AsyncClient, clock: SettableClock) -> None:
    crashed = [(await web.get("/plugins/loyalty/crash")).status_code for _ in range(6)]
    resting = await web.get("/plugins/loyalty/")
    clock.advance(timedelta(minutes=1))
    rested = await web.get("/plugins/loyalty/")

    assert crashed == [500, 500, 500, 500, 500, 503]
    assert (resting.status_code, resting.json()["code"]) == (503, "PLUGIN_PAUSED")
    assert rested.status_code == 200


async def test_what_a_page_writes_is_kept(web: httpx.AsyncClient, server: Server) -> None:
    answer = await web.post("/plugins/loyalty/write?name=Regulars&then=answer")

    assert (answer.status_code, answer.text) == (200, "written")
    assert await segments(server) == 1


async def test_what_a_crashing_page_wrote_is_not_kept(web: httpx.AsyncClient, server: Server) -> None:
    answer = await web.post("/plugins/loyalty/write?name=Regulars&then=crash")

    assert answer.status_code == 500
    assert await segments(server) == 0


async def test_a_get_keeps_nothing(web: httpx.AsyncClient, server: Server) -> None:
    answer = await web.get("/plugins/loyalty/write?name=Regulars&then=answer")

    assert answer.status_code == 200
    assert await segments(server) == 0


async def test_the_signal_of_a_customer_whom_a_page_knows_counts_at_a_get_and_is_written_once(
    web: httpx.AsyncClient, server: Server
) -> None:
    anna = await customer(server)

    silent = await web.get("/plugins/loyalty/card", headers={"x-card": str(anna)})
    nobody = await web.get("/plugins/loyalty/card", headers={"sec-gpc": "1"})
    before = await signals(server)
    told = await web.get("/plugins/loyalty/card", headers={"sec-gpc": "1", "x-card": str(anna)})
    without = await statements_of(server, web.get("/plugins/loyalty/card", headers={"x-card": str(anna)}))
    again = await statements_of(server, web.get("/plugins/loyalty/card", headers={"sec-gpc": "1", "x-card": str(anna)}))

    assert [silent.text, nobody.text, told.text] == ["a card"] * 3
    assert (before, await signals(server)) == ([], [anna])
    assert len(again) == len(without) + 1


async def statements_of(server: Server, asking: Awaitable[object]) -> list[str]:
    """Return the statements that a request sends to the database, without those that begin a transaction."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.extend([statement] * (not statement.startswith("BEGIN")))

    with ExitStack() as listening:
        for engine in server.database.engines:
            event.listen(engine.sync_engine, "before_cursor_execute", note)
            listening.callback(event.remove, engine.sync_engine, "before_cursor_execute", note)
        await asking
    return sent


async def customer(server: Server) -> UUID:
    async with server.database.writing() as session:
        anna = await create_customer(
            session, changes=CustomerChanges(display_name="Anna"), actor=SYSTEM, now=server.clock.now()
        )
    return anna.id


async def signals(server: Server) -> list[UUID]:
    async with server.database.reading() as session:
        return list(await session.scalars(select(col(GpcSignal.customer_id))))
