"""What people who are not staff see in a browser when a page cannot be shown."""

import re
from html import unescape
from typing import Any

import httpx
import pytest
from tests.core.web.test_plugin_addresses import MANIFEST, GuestBook

from regulars.languages import direction_of
from regulars.plugins.joining.discovery import found_plugin
from regulars.testing.app import App
from regulars.web.problem_words import problem_words

BROWSER = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def plugins() -> Any:
    return [found_plugin(MANIFEST, hooks=GuestBook())]


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return {"rate_burst": 1, "rate_per_second": 0.1}


async def look(app: App, path: str, languages: str = "") -> httpx.Response:
    return await app.client.get(path, headers={**BROWSER, "accept-language": languages})


def said(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page.text)).split())


@pytest.mark.parametrize(
    ("path", "languages", "language", "title"),
    [
        ("/nothing", "", "en", "There is no such page"),
        ("/nothing", "fr, de-AT;q=0.8, en;q=0.5", "de", "Diese Seite gibt es nicht"),
        ("/nothing?lang=ar", "de", "ar", "لا توجد هذه الصفحة"),
        ("/stop/forged", "de", "de", "Dieser Link öffnet nichts"),
    ],
)
async def test_a_page_that_is_not_there_says_so_in_the_visitors_language(
    app: App, path: str, languages: str, language: str, title: str
) -> None:
    page = await look(app, path, languages)

    assert page.status_code == 404
    assert f'<html lang="{language}" dir="{direction_of(language)}">' in page.text
    assert f"<h1>{title}</h1>" in page.text


async def test_it_bears_the_companys_name_and_leads_nowhere_that_is_for_staff(app: App) -> None:
    page = await look(app, "/nothing")

    assert "Your company" in said(page)
    assert "/console" not in page.text.replace("/static/pages/console.css", "")


async def test_below_a_plugins_address_it_leads_back_to_its_first_page(app: App) -> None:
    page = await look(app, "/guests/elsewhere", "de")

    assert '<a href="/guests">Zurück zum Anfang</a>' in page.text


async def test_whoever_asked_too_much_reads_in_their_language_how_long_to_wait(app: App) -> None:
    await look(app, "/guests")

    page = await look(app, "/guests", "de")

    assert (page.status_code, page.headers["retry-after"]) == (429, "10")
    assert "Warten Sie 10 s und versuchen Sie es noch einmal." in said(page)


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_the_time_to_wait_stands_in_the_words_of_each_language(language: str) -> None:
    words = problem_words("RATE_LIMITED", status=429, language=language)

    assert " 7 " in words.text.format(wait=7)
