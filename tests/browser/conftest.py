import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright

INSTALLED = ("chromium", "chromium-browser", "google-chrome")


def launched(playwright: Playwright) -> Browser:
    """Start the Chromium of this machine, else playwright's own."""
    installed = next((path for name in INSTALLED if (path := shutil.which(name))), None)
    return playwright.chromium.launch(executable_path=installed, args=["--no-sandbox"])


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The Chromium of this machine, else playwright's own; without either a test is skipped, but not in CI."""
    with sync_playwright() as playwright:
        try:
            browser = launched(playwright)
        except Error as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"No Chromium: install the package chromium, or run `playwright install chromium`. {error}")
        yield browser
        browser.close()


class Visit:
    """A page with all that it asked for, and all that it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)


@pytest.fixture(params=["light", "dark"])
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """A visit to a page, once in each colour scheme."""
    context = browser.new_context(color_scheme=request.param, viewport={"width": 1280, "height": 800})
    yield Visit(context.new_page())
    context.close()
