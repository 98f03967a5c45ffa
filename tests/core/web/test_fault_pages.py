"""What is answered when something fails that nobody expected: here, a table that is gone."""

import re
from collections.abc import AsyncIterator
from html import unescape
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.core.signin.browsing import Browser

from regulars.languages import direction_of
from regulars.selfservice.down_tokens import DownToken, write_down_token
from regulars.testing.app import App
from regulars.web.console import problem_pages

FROM_BROWSER = {"accept": "text/html,application/xhtml+xml", "x-request-id": "shop-43"}
INTERNAL_WORDS = (
    "core_",
    "sql",
    "programmingerror",
    "operationalerror",
    "traceback",
    "no such table",
    "does not exist",
)


@pytest_asyncio.fixture
async def browser(app: App) -> AsyncIterator[Browser]:
    browser = Browser(app)
    yield browser
    await browser.close()


def stop_link(app: App, customer_id: UUID | None = None) -> str:
    token = DownToken(customer_id or uuid4(), purpose="marketing.own", topic="books")
    return f"/stop/{write_down_token(token, secret=app.server.secret)}"


async def lose(app: App, table: str) -> None:
    async with app.database.writing() as session:
        await session.execute(text(f"ALTER TABLE {table} RENAME TO lost"))


def said(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text)).split())


def internals(page: httpx.Response) -> list[str]:
    return [word for word in INTERNAL_WORDS if word in page.text.lower()]


@pytest.mark.parametrize(
    ("language", "title", "next_step"),
    [
        ("en", "This page cannot be shown", "Try again in a few minutes."),
        ("de", "Diese Seite lässt sich nicht zeigen", "Versuchen Sie es in ein paar Minuten noch einmal."),
        ("ar", "لا يمكن عرض هذه الصفحة", "حاول مرة أخرى بعد بضع دقائق."),
    ],
)
async def test_a_page_that_fails_says_so_in_the_visitors_language_with_a_reference(
    app: App, language: str, title: str, next_step: str
) -> None:
    await lose(app, "core_customer")

    with capture_logs() as lines:
        page = await app.client.get(stop_link(app), headers={**FROM_BROWSER, "accept-language": language})

    assert (page.status_code, page.headers["content-type"]) == (500, "text/html; charset=utf-8")
    assert f'<html lang="{language}" dir="{direction_of(language)}">' in page.text
    assert f"<h1>{title}</h1>" in page.text
    assert next_step in said(page)
    assert "shop-43" in said(page)
    assert internals(page) == []
    assert [(line["event"], line["requestId"]) for line in lines] == [("fault", "shop-43"), ("request", "shop-43")]


async def test_a_button_that_fails_says_so_on_a_page_and_stops_nothing(app: App) -> None:
    anna = await app.add_customer("Anna")
    await lose(app, "core_consent_event")

    page = await app.client.post(stop_link(app, anna), headers=FROM_BROWSER, data={"stop": "everything"})

    assert (page.status_code, internals(page)) == (500, [])
    assert "<h1>This page cannot be shown</h1>" in page.text
    assert [event.type for event in await app.events()] == ["customer.created"]


async def test_signing_in_where_that_fails_tells_staff_what_to_do(app: App, browser: Browser) -> None:
    key = (await app.key("admin"))["authorization"].removeprefix("Bearer ")
    await lose(app, "core_staff_session")

    page = await browser.sign_in(key)

    assert (page.status_code, internals(page)) == (500, [])
    assert "tell the operator of this server the reference below. Reference: " in said(page)
    assert "set-cookie" not in page.headers


async def test_the_console_of_somebody_signed_in_fails_with_a_page(app: App, browser: Browser) -> None:
    await browser.sign_in((await app.key("admin"))["authorization"].removeprefix("Bearer "))
    await lose(app, "core_job")

    page = await browser.visit("/console")

    assert (page.status_code, internals(page)) == (500, [])
    assert "<h1>This page cannot be shown</h1>" in page.text


async def test_a_program_gets_the_same_as_json(app: App) -> None:
    await lose(app, "core_customer")

    answer = await app.client.get(stop_link(app), headers={"x-request-id": "shop-43", "accept": "*/*"})

    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert (answer.json()["code"], answer.json()["requestId"]) == ("INTERNAL", "shop-43")
    assert internals(answer) == []


async def test_a_page_of_problems_that_fails_itself_is_answered_as_json(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await lose(app, "core_customer")
    monkeypatch.delattr(problem_pages, "visitor_page")

    answer = await app.client.get(stop_link(app), headers=FROM_BROWSER)

    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["requestId"] == "shop-43"
