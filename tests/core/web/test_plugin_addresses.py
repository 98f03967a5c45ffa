from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from regulars.clock import SettableClock
from regulars.plugins.contributions import Pages
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.discovery import found_plugin
from regulars.plugins.joining.plan import plan_of
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.pages.addresses import CORE_ADDRESSES
from regulars.settings import Settings
from regulars.testing.databases import TestDatabases
from regulars.testing.making import make_web
from regulars.web.server import Server

MANIFEST = PluginManifest(
    id="guest_book",
    version="1.0",
    title="Guest book",
    summary="Guests write something nice.",
    hook_api=">=1.0,<2",
    implementation="regulars_guest_book.plugin",
)


async def show(request: Request) -> Response:
    return PlainTextResponse(f"page {request.path_params.get('page', 'first')}")


class GuestBook:
    @hookimpl
    def pages(self) -> Pages:
        routes = [Route("/", show, name="book"), Route("/pages/{page}", show, name="page", methods=["GET", "POST"])]
        return Pages(routes, {"book": "public", "page": "public"}, address="guests", titles={"book": "Guests"})


@pytest.fixture
def app(databases: TestDatabases, database_url: str, clock: SettableClock) -> Starlette:
    settings = Settings(database_url=database_url, worker=False)
    return make_web(databases, settings, clock=clock, found=[found_plugin(MANIFEST, hooks=GuestBook())])


@pytest_asyncio.fixture
async def server(app: Starlette) -> AsyncIterator[Server]:
    server: Server = app.state.server
    async with server.running():
        await server.host.enable("guest_book")
        yield server


@pytest_asyncio.fixture
async def web(app: Starlette, server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "text"), [("/guests", "page first"), ("/guests/", "page first"), ("/guests/pages/7", "page 7")]
)
async def test_pages_are_at_their_address_and_below(web: httpx.AsyncClient, path: str, text: str) -> None:
    answer = await web.get(path)

    assert (answer.status_code, answer.text) == (200, text)


@pytest.mark.parametrize("path", ["/guest", "/guestsx", "/guests/elsewhere", "/plugins/guest_book/", "/"])
async def test_they_are_nowhere_else(web: httpx.AsyncClient, path: str) -> None:
    assert "page" not in (await web.get(path)).text.split()


async def test_a_method_that_the_page_does_not_take_is_refused(web: httpx.AsyncClient) -> None:
    assert (await web.post("/guests")).status_code == 405


async def test_a_method_that_the_core_does_not_take_is_still_refused(web: httpx.AsyncClient) -> None:
    assert (await web.post("/live")).status_code == 405


async def test_the_address_is_free_again_once_the_plugin_is_off(web: httpx.AsyncClient, server: Server) -> None:
    await server.host.disable("guest_book")

    assert (await web.get("/guests")).status_code == 404


async def test_what_is_not_there_is_said_as_a_page(web: httpx.AsyncClient) -> None:
    answer = await web.get("/guests/elsewhere", headers={"accept": "text/html"})

    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


async def test_the_plan_names_the_address(server: Server) -> None:
    plan = await plan_of(server.host, "guest_book")

    assert plan.public_routes == ("/guests/", "/guests/pages/{page}")


def test_every_address_of_the_core_is_reserved(app: Starlette) -> None:
    first_parts = {str(getattr(route, "path", "")).strip("/").split("/")[0] for route in app.routes}

    assert first_parts - {""} <= CORE_ADDRESSES
