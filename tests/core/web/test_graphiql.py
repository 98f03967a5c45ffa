import re
from collections.abc import AsyncIterator, Iterator
from typing import Literal

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette

from regulars.clock import SettableClock
from regulars.settings import Settings
from regulars.testing.databases import SqliteDatabases
from regulars.web.application import create_app
from regulars.web.server import Server

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"}


@pytest.fixture
def sqlite_url(sqlite_databases: SqliteDatabases) -> Iterator[str]:
    with sqlite_databases.fresh() as url:
        yield url


def served(url: str, clock: SettableClock, mode: Literal["production", "development"]) -> Starlette:
    return create_app(Settings(database_url=url, worker=False, mode=mode), clock=clock, found=())


def asking(app: Starlette) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest_asyncio.fixture
async def developer(sqlite_url: str, clock: SettableClock) -> AsyncIterator[httpx.AsyncClient]:
    app = served(sqlite_url, clock, "development")
    server: Server = app.state.server
    async with server.running(), asking(app) as client:
        yield client


@pytest_asyncio.fixture
async def outsider(sqlite_url: str, clock: SettableClock) -> AsyncIterator[httpx.AsyncClient]:
    app = served(sqlite_url, clock, "production")
    server: Server = app.state.server
    async with server.running(), asking(app) as client:
        yield client


async def test_a_browser_finds_graphiql_in_development(developer: httpx.AsyncClient) -> None:
    page = await developer.get("/graphql", headers=BROWSER)

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "GraphiQL" in page.text


async def test_the_page_takes_its_files_from_this_server_and_they_are_there(developer: httpx.AsyncClient) -> None:
    page = await developer.get("/graphql", headers=BROWSER)

    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    missing = [file for file in files if file != "data:," and (await developer.get(f"/{file}")).status_code != 200]
    assert [file for file in files if "//" in file] == []
    assert len(files) == 7
    assert missing == []


async def test_the_page_may_run_no_inline_script_and_ask_nobody_else(developer: httpx.AsyncClient) -> None:
    page = await developer.get("/graphql", headers=BROWSER)

    policy = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert (policy["script-src"], policy["style-src"], policy["connect-src"]) == ("'self'", "'self'", "'self'")
    assert re.findall(r"<script(?![^>]* src=)|<style| style=| on\w+=", page.text) == []


async def test_a_program_that_asks_by_get_is_answered_in_development_too(developer: httpx.AsyncClient) -> None:
    answer = await developer.get(
        "/graphql", params={"query": "{ __typename }"}, headers={"accept": "application/graphql-response+json"}
    )

    assert answer.json()["data"] == {"__typename": "Query"}


async def test_in_production_a_browser_finds_no_graphiql(outsider: httpx.AsyncClient) -> None:
    page = await outsider.get("/graphql", headers=BROWSER)

    assert page.status_code >= 400
    assert "html" not in page.headers["content-type"]
    assert "graphiql" not in page.text.lower()


@pytest.mark.parametrize("file", ["index.html", "start.js", "graphiql.min.js"])
async def test_in_production_the_files_of_graphiql_are_not_there(outsider: httpx.AsyncClient, file: str) -> None:
    answer = await outsider.get(f"/graphiql/{file}")

    assert answer.status_code == 404
