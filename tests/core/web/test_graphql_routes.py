import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import orjson
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.types import Message
from structlog.testing import capture_logs

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForService
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.clock import SettableClock
from regulars.settings import Settings
from regulars.testing.databases import TestDatabases
from regulars.testing.making import make_web
from regulars.web.server import Server

VIEWER = "query Who { viewer { kind name } }"


@pytest.fixture
def app(databases: TestDatabases, database_url: str, clock: SettableClock) -> Starlette:
    return make_web(databases, Settings(database_url=database_url, worker=False), clock=clock, found=())


@pytest_asyncio.fixture
async def server(app: Starlette) -> AsyncIterator[Server]:
    server: Server = app.state.server
    async with server.running():
        yield server


@pytest_asyncio.fixture
async def web(app: Starlette, server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def key_for(server: Server, role: str) -> str:
    async with server.database.writing() as session:
        issued = await create_key(
            session,
            name="shop",
            owner=ForService(role),
            permissions=server.permissions,
            secret=await ensure_server_secret(session, configured=""),
            actor=SYSTEM,
            now=server.clock.now(),
        )
    return issued.text


async def test_a_request_without_credentials_may_ask_for_the_typename(web: httpx.AsyncClient) -> None:
    answer = await web.post("/graphql", json={"query": "{ __typename }"})

    assert (answer.status_code, answer.json()["data"]) == (200, {"__typename": "Query"})


async def test_a_key_says_who_asks(web: httpx.AsyncClient, server: Server) -> None:
    key = await key_for(server, "analyst")

    answer = await web.post("/graphql", json={"query": VIEWER}, headers={"authorization": f"Bearer {key}"})

    assert answer.json()["data"] == {"viewer": {"kind": "service", "name": "shop"}}


async def test_an_expired_key_says_since_when(web: httpx.AsyncClient, server: Server, clock: SettableClock) -> None:
    key = await key_for(server, "analyst")
    clock.advance(timedelta(days=91))

    answer = await web.post("/graphql", json={"query": VIEWER}, headers={"authorization": f"Bearer {key}"})

    (error,) = answer.json()["errors"]
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert error["extensions"]["code"] == "UNAUTHENTICATED"
    assert "expired on 2026-05-31 at 12:00 UTC" in error["message"]


async def test_a_request_is_logged_by_name_and_hash_and_never_by_its_text(web: httpx.AsyncClient) -> None:
    body = {
        "query": "query Who($mail: String) { viewer { kind } other: customers(search: $mail) { nodes { id } } }",
        "operationName": "Who",
        "variables": {"mail": "ada@example.com"},
    }

    with capture_logs() as lines:
        await web.post("/graphql", json=body, headers={"x-request-id": "shop-42"})

    (line,) = lines
    assert (line["operation"], len(line["hash"]), line["requestId"]) == ("Who", 16, "shop-42")
    assert "ada" not in str(line)
    assert "viewer" not in str(line)


async def test_a_refused_request_is_logged_with_its_code(web: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await web.post("/graphql", json={"query": VIEWER}, headers={"authorization": "Bearer nonsense"})

    assert (lines[0]["status"], lines[0]["code"]) == (401, "UNAUTHENTICATED")


async def test_an_answer_with_denied_fields_is_logged_with_their_codes_and_who_asked(
    web: httpx.AsyncClient, server: Server
) -> None:
    key = await key_for(server, "analyst")

    with capture_logs() as lines:
        body = {"query": "{ viewer { kind } events: plugins { id } jobs { totalCount } customers { totalCount } }"}
        denied = await web.post("/graphql", json=body)
        await web.post("/graphql", json=body, headers={"authorization": f"Bearer {key}"})

    anonymous, service = [line for line in lines if line["event"] == "request"]
    assert (denied.status_code, anonymous["codes"], anonymous["actor"]) == (200, "FORBIDDEN", "anonymous")
    assert "codes" not in service
    assert service["actor"].startswith("service:")


@pytest.mark.usefixtures("server")
async def test_a_websocket_speaks_graphql_transport_ws(app: Starlette) -> None:
    sent: asyncio.Queue[Message] = asyncio.Queue()
    received: asyncio.Queue[Message] = asyncio.Queue()
    received.put_nowait({"type": "websocket.connect"})
    received.put_nowait({"type": "websocket.receive", "text": '{"type": "connection_init"}'})
    scope = {
        "type": "websocket",
        "path": "/graphql",
        "query_string": b"",
        "headers": [],
        "subprotocols": ["graphql-transport-ws"],
    }

    connection = asyncio.create_task(app(scope, received.get, sent.put))
    accepted, acknowledged = await sent.get(), await sent.get()
    received.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await connection

    assert (accepted["type"], accepted["subprotocol"]) == ("websocket.accept", "graphql-transport-ws")
    assert orjson.loads(acknowledged["text"]) == {"type": "connection_ack"}
