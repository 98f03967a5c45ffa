from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from regulars.errors import Forbidden
from regulars.web.request_frame import RequestFrame
from regulars.web.short_way import ShortWay


async def near(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] == "DELETE":
        raise Forbidden("near:delete")
    await PlainTextResponse("near")(scope, receive, send)


async def far(request: Request) -> Response:
    return PlainTextResponse("far")


@pytest_asyncio.fixture
async def web() -> AsyncIterator[httpx.AsyncClient]:
    short_way = Middleware(ShortWay, path="/near", endpoint=near)
    app = Starlette(routes=[Route("/near/by", far)], middleware=[Middleware(RequestFrame), short_way])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(("path", "text"), [("/near", "near"), ("/near/by", "far")])
async def test_only_the_very_address_is_taken_the_short_way(web: httpx.AsyncClient, path: str, text: str) -> None:
    answer = await web.get(path)

    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_is_refused_on_the_short_way_is_told_as_behind_the_routes(web: httpx.AsyncClient) -> None:
    answer = await web.delete("/near", headers={"x-request-id": "shop-44"})

    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert (answer.json()["code"], answer.json()["requestId"]) == ("FORBIDDEN", "shop-44")
