from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from structlog.testing import capture_logs

from regulars.clock import SettableClock
from regulars.database import Database, open_engine
from regulars.migrations import downgrade
from regulars.preflight import TablesMissing
from regulars.revisions import CORE
from regulars.settings import Settings
from regulars.testing.databases import TestDatabases
from regulars.testing.making import make_web
from regulars.web.application import create_app
from regulars.web.server import Server


@pytest.fixture
def app(databases: TestDatabases, database_url: str, clock: SettableClock) -> Starlette:
    settings = Settings(database_url=database_url, cors_origins=("https://crm.example",), worker=False)
    return make_web(databases, settings, clock=clock, found=())


@pytest_asyncio.fixture
async def server(app: Starlette) -> AsyncIterator[Server]:
    server: Server = app.state.server
    async with server.running():
        yield server


@pytest_asyncio.fixture
async def web(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_a_server_that_has_not_started_is_live_but_not_ready(web: httpx.AsyncClient) -> None:
    live, ready = await web.get("/live"), await web.get("/ready")

    assert (live.status_code, ready.status_code) == (200, 503)
    assert ready.json() == {
        "status": "not ready",
        "reasons": {"server": "It is starting, or coming to its end."},
    }


@pytest.mark.usefixtures("server")
async def test_a_server_that_runs_is_ready(web: httpx.AsyncClient) -> None:
    ready = await web.get("/ready")

    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_a_server_whose_database_is_gone_is_not_ready(
    web: httpx.AsyncClient, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = Database(open_engine(Settings(database_url="sqlite:////nowhere/at-all.db")))
    monkeypatch.setattr(server, "database", gone)

    with capture_logs():
        live, ready = await web.get("/live"), await web.get("/ready")

    assert (live.status_code, ready.status_code) == (200, 503)
    assert ready.json()["reasons"] == {"database": "The database does not answer."}
    monkeypatch.undo()


async def test_a_server_whose_tables_are_old_is_not_ready(web: httpx.AsyncClient, server: Server) -> None:
    await downgrade(server.database.engine, CORE, revision="base")

    ready = await web.get("/ready")

    assert ready.status_code == 503
    assert ready.json()["reasons"]["migrations"].endswith("Run `regulars db upgrade`.")


async def test_a_server_does_not_start_without_tables(empty_database_url: str, clock: SettableClock) -> None:
    server = Server(Settings(database_url=empty_database_url), clock=clock, found=())

    with pytest.raises(TablesMissing, match="Run `regulars db upgrade`"):
        async with server.running():
            pass


@pytest.mark.parametrize("path", ["/live", "/graphql", "/nowhere"])
async def test_every_answer_protects_browsers(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.usefixtures("server")
async def test_an_unknown_address_is_answered_as_a_problem(web: httpx.AsyncClient) -> None:
    answer = await web.get("/customers", headers={"x-request-id": "abc-1"})

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address. Check it; GraphQL is at /graphql.",
        "code": "NOT_FOUND",
        "requestId": "abc-1",
    }


@pytest.mark.usefixtures("server")
async def test_a_wrong_method_is_answered_as_a_problem(web: httpx.AsyncClient) -> None:
    answer = await web.post("/live")

    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"]


async def test_a_listed_origin_may_ask_from_a_browser(web: httpx.AsyncClient) -> None:
    answer = await web.get("/live", headers={"origin": "https://crm.example"})

    assert answer.headers["access-control-allow-origin"] == "https://crm.example"


async def test_another_origin_may_not(web: httpx.AsyncClient) -> None:
    answer = await web.get("/live", headers={"origin": "https://elsewhere.example"})

    assert "access-control-allow-origin" not in answer.headers


async def test_without_listed_origins_no_page_may_ask(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url), found=())

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.get("/live", headers={"origin": "https://crm.example"})

    assert "access-control-allow-origin" not in answer.headers
