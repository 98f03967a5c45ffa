"""Load the customers' page, beside a bare Starlette page with Jinja and one read by index, in the same run.

Both serve the same customer in the same process through the same client. The yardstick reads one customer by primary
key and renders a template of a few lines; it has no sign-in, no rights, no languages, and twelve sections fewer. Told
are the processor's milliseconds of a page, which counts what every thread of the process does for it, and the bytes of
HTML and style sheets as they go over the wire with gzip.

    PAGES=200 python benchmarks/preference_page.py
"""

import asyncio
import gzip
import logging
import os
import platform
import re
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import structlog
from jinja2 import DictLoader, Environment
from sqlalchemy import select, update
from sqlmodel import col
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from regulars import ContactTouch, Customer, Scope, ShownText, allow_as_customer, read_identity
from regulars.clock import SettableClock
from regulars.customers.models import CustomerIdentity
from regulars.plugins.joining.discovery import discover
from regulars.selfservice.door import CustomerDoor
from regulars.testing.app import App
from regulars.testing.databases import SqliteDatabases
from regulars.testing.making import running_app
from regulars_preference_centre.streams import define_stream

PAGES = int(os.environ.get("PAGES", "200"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
STREAMS = ("arrivals", "offers", "tastings")
TOUCHES = 200
SHEET = re.compile(r'<link rel="stylesheet" href="([^"]*)"')
BARE = "<!doctype html><html lang=en><title>{{ name }}</title><h1>{{ name }}</h1><p>Since {{ since }}.</p>"

Load = Callable[[], Awaitable[httpx.Response]]


async def furnish(app: App) -> Any:
    """Return the id of a customer who agreed to every stream and was written to two hundred times."""
    now = app.clock.now()
    anna = await app.add_customer("Anna Beaumont", email="anna@example.org")
    async with app.database.writing() as session:
        await session.execute(update(CustomerIdentity).values(verified_at=now))
        for place, topic in enumerate(STREAMS):
            await define_stream(
                session,
                topic=topic,
                purpose="marketing.own",
                channels=["email"],
                titles={"en": topic.title()},
                descriptions={},
                position=place,
                now=now,
            )
        await allow_as_customer(
            session,
            customer_id=anna,
            scopes=[Scope("marketing.own", "email", topic) for topic in STREAMS],
            shown=ShownText("bench", "en", "Yes"),
            now=now,
        )
        session.add_all(_touch(anna, now, number) for number in range(TOUCHES))
    return anna


def _touch(customer_id: Any, now: datetime, number: int) -> ContactTouch:
    return ContactTouch(
        customer_id=customer_id,
        profile_id=customer_id,
        state="sent",
        at=now,
        reserved_at=now,
        expires_at=now,
        channel="email",
        contact_class="marketing",
        purpose="marketing.own",
        topic=STREAMS[number % len(STREAMS)],
        request={},
        request_digest="",
        actor="system",
    )


async def opened(app: App, customer_id: Any) -> httpx.AsyncClient:
    """Return a browser in which the customer opened the page by a fresh link."""
    client = app.browser()
    async with app.database.writing() as session:
        token = await CustomerDoor(app.server.secret).make_magic_link(
            session, customer_id=customer_id, address=read_identity("email", "anna@example.org"), now=app.clock.now()
        )
    answer = await client.post("/preferences/open", data={"link": token}, follow_redirects=True)
    answer.raise_for_status()
    return client


def bare_page(app: App, customer_id: Any) -> httpx.AsyncClient:
    """Return a client of the yardstick."""
    template = Environment(loader=DictLoader({"bare": BARE}), autoescape=True).get_template("bare")

    async def show(_request: Request) -> HTMLResponse:
        async with app.database.reading() as session:
            row = (await session.scalars(select(Customer).where(col(Customer.id) == customer_id))).one()
        return HTMLResponse(template.render(name=row.display_name, since=row.created_at))

    web = Starlette(routes=[Route("/", show)])
    return httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="https://bare.test")


async def cpu_ms(load: Load) -> float:
    """Return the processor's milliseconds of one load, as the median of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        before = time.process_time()
        for _ in range(PAGES):
            (await load()).raise_for_status()
        rounds.append((time.process_time() - before) / PAGES * 1000)
    return statistics.median(rounds)


async def weight(client: httpx.AsyncClient, page: httpx.Response) -> tuple[int, int]:
    """Return the bytes of the HTML and of its style sheets, each compressed by itself."""
    sheets = [await client.get(path.replace("&amp;", "&")) for path in SHEET.findall(page.text)]
    return len(gzip.compress(page.content)), sum(len(gzip.compress(sheet.content)) for sheet in sheets)


async def main() -> None:
    """Measure both, one after the other, and print how they compare."""
    clock = SettableClock(datetime(2026, 3, 2, 12, tzinfo=UTC))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with TemporaryDirectory() as folder:
        databases = SqliteDatabases(Path(folder))
        async with running_app(databases, list(discover()), clock, rate_burst=10**9) as app:
            anna = await furnish(app)
            ours, bare = await opened(app, anna), bare_page(app, anna)
            page = await ours.get("/preferences")
            html, css = await weight(ours, page)
            await bare.get("/")
            page_ms, bare_ms = await cpu_ms(lambda: ours.get("/preferences")), await cpu_ms(lambda: bare.get("/"))
            await ours.aclose()
            await bare.aclose()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, SQLite, {PAGES} pages")
    print(f"page    {page_ms:8.1f} ms CPU   {html:6} bytes of HTML + {css} of style sheets, gzip; no script, no font")
    print(f"bare    {bare_ms:8.1f} ms CPU   {len(gzip.compress(BARE.encode())):6} bytes of HTML, gzip")
    print(f"ratio   {page_ms / bare_ms:8.1f}")


if __name__ == "__main__":
    asyncio.run(main())
