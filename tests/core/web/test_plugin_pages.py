import asyncio
from collections.abc import AsyncIterator, Mapping

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from structlog.testing import capture_logs

from regulars.access.actors import ANONYMOUS, Actor
from regulars.access.refusals import MalformedKey
from regulars.errors import ExpectedError
from regulars.plugins.contributions import Pages
from regulars.web.plugin_pages import PluginPages
from regulars.web.problems import answer_expected_error, answer_http_error
from regulars.web.request_frame import RequestFrame

ACTORS = {
    None: ANONYMOUS,
    "Bearer analyst": Actor("staff", name="Ada", permissions=frozenset({"clv:read"})),
    "Bearer other": Actor("staff", name="Bob"),
}


class Door:
    """Pages of one plugin, and people who may or may not see them."""

    def __init__(self) -> None:
        async def report(request: Request) -> Response:
            return PlainTextResponse(f"{request.state.actor.name} sees {request.path_params['name']}")

        async def crash(request: Request) -> Response:
            raise RuntimeError("a secret")

        routes = [
            Route("/", lambda request: PlainTextResponse("welcome"), name="home"),
            Route("/reports/{name}", report, name="report"),
            Route("/crash", crash, name="crash"),
            Route("/forgotten", report, name="forgotten"),
        ]
        permissions = {"home": "public", "report": "clv:read", "crash": "public"}
        self.pages: Mapping[str, Pages] = {"clv": Pages(routes, permissions)}

    async def actor(self, authorization: str | None) -> Actor:
        if authorization not in ACTORS:
            raise MalformedKey
        return ACTORS[authorization]


@pytest.fixture
def door() -> Door:
    return Door()


@pytest_asyncio.fixture
async def web(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(
        routes=[Mount("/plugins", PluginPages(door))],
        middleware=[Middleware(RequestFrame)],
        exception_handlers={HTTPException: answer_http_error, ExpectedError: answer_expected_error},
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_a_public_page_is_served_to_everybody(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/clv/")

    assert (answer.status_code, answer.text) == (200, "welcome")


async def test_a_page_knows_who_asks(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/clv/reports/tiers", headers={"authorization": "Bearer analyst"})

    assert (answer.status_code, answer.text) == (200, "Ada sees tiers")


async def test_a_page_without_credentials_is_refused(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/clv/reports/tiers")

    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_page_without_the_permission_is_refused(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/clv/reports/tiers", headers={"authorization": "Bearer other"})

    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert "clv:read" in answer.json()["detail"]


async def test_a_wrong_key_is_refused_on_a_public_page_too(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/clv/", headers={"authorization": "Bearer nonsense"})

    assert answer.status_code == 401


async def test_a_page_that_names_no_permission_is_nobodys(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/clv/forgotten", headers={"authorization": "Bearer analyst"})

    assert answer.status_code == 403


async def test_a_wrong_method_is_refused_after_the_permission(web: httpx.AsyncClient) -> None:
    unknown = await web.post("/plugins/clv/reports/tiers")
    known = await web.post("/plugins/clv/reports/tiers", headers={"authorization": "Bearer analyst"})

    assert (unknown.status_code, known.status_code) == (401, 405)


@pytest.mark.parametrize("path", ["/plugins/clv/nothing", "/plugins/social/", "/plugins/", "/plugins/clvx/"])
async def test_what_no_enabled_plugin_serves_is_not_found(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(path)

    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_the_address_of_a_plugin_leads_to_its_first_page(web: httpx.AsyncClient) -> None:
    answer = await web.get("/plugins/clv?week=3", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (307, "http://test/plugins/clv/?week=3")


async def test_a_plugin_that_is_disabled_has_no_pages_from_then_on(web: httpx.AsyncClient, door: Door) -> None:
    before = await web.get("/plugins/clv/")
    door.pages = {}

    after = await web.get("/plugins/clv/")

    assert (before.status_code, after.status_code) == (200, 404)


async def test_a_page_that_crashes_names_its_plugin_and_nothing_else(web: httpx.AsyncClient) -> None:
    with capture_logs() as lines:
        answer = await web.get("/plugins/clv/crash")

    assert answer.status_code == 500
    assert answer.json()["detail"].startswith("Something went wrong in the plugin clv.")
    assert "secret" not in answer.text
    assert [line.get("plugin") for line in lines if line["event"] == "request"] == ["clv"]


async def test_a_plugin_can_end_no_other_request(web: httpx.AsyncClient) -> None:
    crashed, served = await asyncio.gather(web.get("/plugins/clv/crash"), web.get("/plugins/clv/"))

    assert (crashed.status_code, served.status_code) == (500, 200)
