"""Looking at the page changes nothing and costs the same however much there is."""

import re
from collections.abc import Mapping
from html import unescape

import httpx
from sqlalchemy import MetaData, func, select
from tests.plugins.preference_centre.page import (
    Page,
    agree,
    down_link,
    magic_link,
    opened,
    send_lately,
    somebody,
    stream,
)

from regulars.testing.app import App
from regulars.testing.promises.fields import counted_statements

LINK = re.compile(r'(?:href|action|src)="(/[^"#]*)')


async def rows(app: App) -> Mapping[str, int]:
    """Return how many rows each table of the database has."""
    async with app.database.reading() as session:
        connection = await session.connection()
        tables = MetaData()
        await connection.run_sync(tables.reflect)
        counts = [select(func.count()).select_from(table) for table in tables.sorted_tables]
        return {
            table.name: await session.scalar(count) or 0
            for table, count in zip(tables.sorted_tables, counts, strict=True)
        }


async def look_at_everything(client: httpx.AsyncClient, *starts: str) -> set[str]:
    """Open every address that the pages name, as a scanner of mails does, and return all that were opened."""
    waiting, seen = list(starts), set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        answer = await client.get(path)
        await client.head(path)
        waiting += [unescape(link) for link in LINK.findall(answer.text)]
    return seen


async def test_a_scanner_that_opens_every_link_of_every_page_changes_nothing(app: App) -> None:
    anna = await somebody(app)
    await stream(app, "arrivals", "New arrivals")
    await agree(app, anna, "arrivals")
    link = await magic_link(app, anna)
    async with opened(app, anna) as page, app.browser() as scanner:
        scanner.headers["sec-gpc"] = "1"
        before = await rows(app)
        seen = await look_at_everything(scanner, link, down_link(app, anna), "/preferences")
        seen |= await look_at_everything(page.client, "/preferences", "/preferences/stopped")
        after = await rows(app)

    assert after == before
    assert len(seen) > 20


async def test_the_link_that_a_scanner_opened_still_opens_the_page(app: App) -> None:
    anna = await somebody(app)
    link = await magic_link(app, anna)

    async with app.browser() as scanner, app.browser() as client:
        await look_at_everything(scanner, link)
        page = Page(client)
        await page.get(link)
        await page.send("open")

        assert "This page belongs to" in page.text


async def test_showing_the_page_takes_as_many_statements_for_many_streams_as_for_one(app: App) -> None:
    anna = await somebody(app)
    await stream(app, "stream-0", "Stream 0")
    await agree(app, anna, "stream-0")
    async with opened(app, anna) as page:
        with counted_statements(app) as few:
            await page.get()
        for number in range(1, 13):
            await stream(app, f"stream-{number}", f"Stream {number}")
            await agree(app, anna, f"stream-{number}")
            await send_lately(app, anna, f"stream-{number}", 2)
        with counted_statements(app) as many:
            await page.get()

    assert page.text.count("You get this") == 13
    assert len(many) == len(few)
    assert 0 < len(many) <= 40


async def test_the_page_asks_nothing_of_other_servers_and_runs_no_script(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        text, policy = page.shown.text, page.shown.headers["content-security-policy"]

    assert "<script" not in text
    assert not re.search(r"\sstyle=|\son\w+=", text)
    assert not re.search(r'(?:href|src|action)="https?:', text)
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'")
