"""The customers' page in a browser: with scripts and without, in each language, by keyboard, from mail to undo."""

import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from tests.browser.conftest import Visit
from tests.browser.preference_server import ADDRESS, PreferenceServer, serving_preferences

pytestmark = pytest.mark.real

LANGUAGES = ("en", "de", "ar")
WIDTHS = (320, 1280)
PATIENCE_S = 30


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PreferenceServer]:
    with serving_preferences(tmp_path_factory.mktemp("preferences")) as shop:
        yield shop


@pytest.fixture(scope="module")
def signed_in(browser: Browser, shop: PreferenceServer) -> Any:
    """What a browser keeps after the customer opened the page by a fresh link."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(shop.magic_link())
    page.click("main button")
    kept = context.storage_state()
    context.close()
    return kept


@pytest.fixture(params=["light", "dark"])
def seen(browser: Browser, signed_in: Any, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A browser in which the page is open, once in each colour scheme."""
    context = browser.new_context(color_scheme=request.param, storage_state=signed_in)
    yield Visit(context.new_page())
    context.close()


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def newcomer(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A phone that was never here, with scripts or without; each speaks a language of its own."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        java_script_enabled=request.param,
        locale="en-GB" if request.param else "de-DE",
    )
    yield context.new_page()
    context.close()


def violations(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page)
    return [(problem["id"], problem["nodes"][0]["html"]) for problem in found.response["violations"]]


def link_in_mail(shop: PreferenceServer, before: int) -> str:
    """Return the link in the mail that comes next, as a reader of its HTML would follow it."""
    end = time.monotonic() + PATIENCE_S
    while len(shop.mails) == before and time.monotonic() < end:
        time.sleep(0.1)
    body = shop.mails[before].get_body(["html"])
    assert body is not None
    found = re.search(r'href="([^"]*)"', body.get_content())
    assert found is not None
    return found[1].replace("&amp;", "&")


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_use_the_page(seen: Visit, shop: PreferenceServer, language: str, width: int) -> None:
    seen.page.set_viewport_size({"width": width, "height": 900})

    seen.page.goto(f"{shop.address}/preferences?lang={language}")

    assert seen.page.get_attribute("html", "lang") == language
    assert violations(seen.page) == []
    assert overflow(seen.page) <= 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_everybody_can_use_the_pages_around_it(visit: Visit, shop: PreferenceServer, language: str) -> None:
    visit.page.set_viewport_size({"width": 320, "height": 900})
    found = []
    for path in (shop.down_link(), f"{shop.address}/preferences", f"{shop.address}/preferences/sent"):
        visit.page.goto(f"{path}?lang={language}")
        found += violations(visit.page)
        assert overflow(visit.page) <= 0

    assert found == []


def test_the_page_asks_this_server_alone_and_sends_no_script(seen: Visit, shop: PreferenceServer) -> None:
    seen.page.goto(f"{shop.address}/preferences")

    assert {urlsplit(url).netloc for url in seen.requests} == {urlsplit(shop.address).netloc}
    assert seen.page.locator("script").count() == 0
    assert seen.complaints == []


def test_from_the_question_for_a_link_to_the_stop_and_back(newcomer: Page, shop: PreferenceServer) -> None:
    before = len(shop.mails)
    newcomer.goto(f"{shop.address}/preferences")
    newcomer.fill("#address", ADDRESS)
    newcomer.click("main button")
    asked = newcomer.url
    newcomer.goto(link_in_mail(shop, before))
    newcomer.click("main button")
    other = newcomer.locator("#less input[type=radio]:not(:checked)").first
    wanted = f"#less input[name='{other.get_attribute('name')}'][value={other.get_attribute('value')}]"
    newcomer.check(wanted)
    newcomer.click("#less form[action*='less/save'] button")
    saved = newcomer.url
    chosen = newcomer.is_checked(wanted)
    newcomer.click("#stop button")
    stopped = newcomer.url
    newcomer.click("form[action*='stop/undo'] button >> nth=-1")

    assert urlsplit(asked).path == "/preferences/sent"
    assert ("said=less.saved" in saved, chosen) == (True, True)
    assert urlsplit(stopped).path == "/preferences/stopped"
    assert urlsplit(newcomer.url).path == "/preferences"
    assert shop.outcome("arrivals") == "ALLOW"


def test_a_keyboard_is_enough(seen: Visit, shop: PreferenceServer) -> None:
    seen.page.goto(f"{shop.address}/preferences")
    seen.page.keyboard.press("Tab")
    first = seen.page.evaluate("document.activeElement.textContent")
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("Tab")
    way: list[str] = []
    while not seen.page.evaluate("Boolean(document.activeElement.closest('#stop'))") and len(way) < 20:
        way.append(seen.page.evaluate("document.activeElement.textContent"))
        seen.page.keyboard.press("Tab")

    assert first == "Go to the content"
    assert len(way) < 20
    assert seen.page.evaluate("document.activeElement.tagName") == "BUTTON"
    assert seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_one_click_of_a_mail_program_stops_the_stream(shop: PreferenceServer) -> None:
    answer = httpx.post(
        shop.stop_link(),
        content="List-Unsubscribe=One-Click",
        headers={"content-type": "application/x-www-form-urlencoded"},
        timeout=60,
    )

    assert (answer.status_code, answer.headers.get("set-cookie")) == (200, None)
