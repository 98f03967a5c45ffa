from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from tests.browser.conftest import Visit
from tests.browser.console_server import ConsoleServer, serving_console

pytestmark = pytest.mark.real

PAGES = ("/console", "/plugins/loyalty_card/", "/console/nothing")


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    with serving_console(tmp_path_factory.mktemp("console")) as console:
        yield console


@pytest.fixture(params=[320, 1280])
def plain(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A browser without JavaScript, as narrow as a phone and as wide as a desk."""
    context = browser.new_context(viewport={"width": request.param, "height": 800}, java_script_enabled=False)
    yield context.new_page()
    context.close()


def sign_in(page: Page, console: ConsoleServer) -> None:
    page.goto(f"{console.address}/console")
    page.fill("#key", console.key)
    page.click("text=Sign in with this key")
    page.wait_for_url("**/console")


def violations(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page)
    return [(problem["id"], problem["nodes"][0]["html"]) for problem in found.response["violations"]]


def test_everybody_can_use_the_sign_in_also_after_a_wrong_key(visit: Visit, console: ConsoleServer) -> None:
    visit.page.goto(f"{console.address}/console")
    first = violations(visit.page)
    visit.page.fill("#key", "rgl_mistyped")
    visit.page.click("text=Sign in with this key")

    assert (first, violations(visit.page)) == ([], [])
    assert visit.page.title().startswith("Error: ")


@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_every_page(visit: Visit, console: ConsoleServer, path: str) -> None:
    sign_in(visit.page, console)
    visit.page.goto(f"{console.address}{path}")

    assert violations(visit.page) == []


def test_the_pages_ask_this_server_alone_and_the_browser_has_nothing_to_complain_about(
    visit: Visit, console: ConsoleServer
) -> None:
    sign_in(visit.page, console)
    visit.page.goto(f"{console.address}/plugins/loyalty_card/")

    assert {urlsplit(url).netloc for url in visit.requests} == {urlsplit(console.address).netloc}
    assert visit.complaints == []


def test_all_of_it_works_without_scripts_and_on_a_narrow_screen(plain: Page, console: ConsoleServer) -> None:
    sign_in(plain, console)
    words = plain.inner_text("main")
    overflow = plain.locator("main").evaluate("main => document.documentElement.scrollWidth - window.innerWidth")
    plain.click("nav >> text=Loyalty cards")
    cards = plain.inner_text("main")
    plain.click("text=Sign out")

    assert "412,000 of 1,000,000" in words
    assert "No address for gifts is set." in words
    assert overflow <= 0
    assert "Loyalty cards" in cards
    assert "You are signed out" in plain.inner_text("main")


def test_a_keyboard_is_enough(visit: Visit, console: ConsoleServer) -> None:
    visit.page.goto(f"{console.address}/console")
    visit.page.keyboard.press("Tab")
    first = visit.page.evaluate("document.activeElement.textContent")
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.type(console.key)
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_url("**/console")

    assert first == "Go to the content"
    assert visit.page.inner_text("h1") == "Today"
