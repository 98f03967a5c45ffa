from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket
from structlog.testing import capture_logs

from regulars.web.request_frame import RequestFrame


async def greet(request: Request) -> Response:
    request.state.log.update(operation="TopCustomers", hash="9f86d081", code="OK", variables="ada@example.com")
    return PlainTextResponse(request.state.request_id, headers={"content-security-policy": "default-src 'none'"})


async def fail(request: Request) -> Response:
    raise RuntimeError("the customer ada@example.com has no address")


async def drop(websocket: WebSocket) -> None:
    await websocket.accept()
    raise RuntimeError("the customer ada@example.com has no address")


async def lie(request: Request) -> Response:
    request.state.log["operation"] = "a name with spaces and ada@example.com"
    return PlainTextResponse("")


@pytest.fixture
def app() -> Starlette:
    routes = [Route("/greet", greet), Route("/fail", fail), Route("/lie", lie), WebSocketRoute("/drop", drop)]
    return Starlette(routes=routes, middleware=[Middleware(RequestFrame)])


@pytest_asyncio.fixture
async def web(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_a_request_keeps_the_id_that_it_brings(web: httpx.AsyncClient) -> None:
    answer = await web.get("/greet", headers={"x-request-id": "shop-42"})

    assert (answer.text, answer.headers["x-request-id"]) == ("shop-42", "shop-42")


@pytest.mark.parametrize("given", ["", "a" * 65, "ada@example.com", "a b", 'x"}{'])
async def test_a_request_with_a_doubtful_id_gets_another(web: httpx.AsyncClient, given: str) -> None:
    answer = await web.get("/greet", headers={"x-request-id": given})

    assert UUID(answer.headers["x-request-id"])


async def test_a_page_can_bring_its_own_policy(web: httpx.AsyncClient) -> None:
    answer = await web.get("/greet")

    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_request_is_one_line_of_known_facts(web: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await web.get("/greet?email=ada@example.com", headers={"x-request-id": "shop-42"})

    (line,) = lines
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "path": "/greet",
        "status": 200,
        "requestId": "shop-42",
        "operation": "TopCustomers",
        "hash": "9f86d081",
        "code": "OK",
    }


async def test_an_operation_name_that_is_none_is_not_logged(web: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await web.get("/lie")

    assert "operation" not in lines[0]


async def test_a_long_part_of_a_path_may_be_a_token_and_is_not_logged(web: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        await web.get(f"/preferences/{'t' * 40}/edit")

    assert lines[0]["path"] == "/preferences/‹…›/edit"


async def test_a_fault_is_masked_and_found_by_its_request_id(web: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        answer = await web.get("/fail", headers={"x-request-id": "shop-43"})

    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["requestId"] == "shop-43"
    assert "RuntimeError" not in answer.text
    assert "address" not in answer.text
    assert [(line["event"], line["requestId"]) for line in lines] == [("fault", "shop-43"), ("request", "shop-43")]


async def test_a_mail_address_in_a_path_is_masked_in_the_log(
    web: httpx.AsyncClient, log_lines: Sequence[dict[str, Any]]
) -> None:
    await web.get("/of/ada%40example.com/é", headers={"x-request-id": "shop-45"})

    (line,) = log_lines
    assert (line["path"], line["level"], line["status"]) == ("/of/‹pii:email›/é", "info", 404)
    assert line["at"].endswith("+00:00")


async def test_the_longest_request_is_logged_in_two_kibibytes(
    web: httpx.AsyncClient, log_lines: Sequence[dict[str, Any]]
) -> None:
    await web.get("/" + "%01/" * 4000, headers={"x-request-id": "x" * 64})

    assert len(log_lines) == 1
    assert len(orjson.dumps(log_lines[0])) <= 2048


async def test_the_longest_fault_is_logged_in_two_kibibytes(
    web: httpx.AsyncClient, log_lines: Sequence[dict[str, Any]]
) -> None:
    await web.get("/fail", headers={"x-request-id": "x" * 64})

    assert [line["event"] for line in log_lines] == ["fault", "request"]
    assert "‹pii:email›" in log_lines[0]["fault"]
    assert sum(len(orjson.dumps(line)) for line in log_lines) <= 2048


async def test_a_fault_of_a_websocket_closes_it(app: Starlette) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    with capture_logs() as lines:
        await app({"type": "websocket", "path": "/drop", "headers": []}, receive, send)

    assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
    assert sent[1]["code"] == 1011
    assert [line["event"] for line in lines] == ["fault", "request"]
