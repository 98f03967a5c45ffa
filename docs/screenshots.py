"""Take the pictures of the customers' page that the documentation shows.

    python docs/screenshots.py

It serves a small shop on this machine and needs a Chromium; pictures differ in their dates from day to day.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "third_party" / "loyalty_card")]

from playwright.sync_api import Browser, sync_playwright  # noqa: E402  # the tests are no package that is installed
from tests.browser.conftest import launched  # noqa: E402
from tests.browser.preference_server import PreferenceServer, serving_preferences  # noqa: E402

IMAGES = ROOT / "docs" / "images"
PICTURES = (
    ("preferences-1280-light", "en", 1280, "light"),
    ("preferences-1280-dark", "de", 1280, "dark"),
    ("preferences-320-light", "en", 320, "light"),
    ("preferences-320-dark-rtl", "ar", 320, "dark"),
    ("preferences-1280-light-rtl", "ar", 1280, "light"),
)
HEIGHT = {320: 1400, 1280: 1100}


def main() -> None:
    """Take every picture."""
    with TemporaryDirectory() as folder, serving_preferences(Path(folder)) as shop, sync_playwright() as playwright:
        browser = launched(playwright)
        kept = _signed_in(browser, shop)
        for name, language, width, scheme in PICTURES:
            size = {"width": width, "height": HEIGHT[width]}
            context = browser.new_context(
                color_scheme="dark" if scheme == "dark" else "light", viewport=size, storage_state=kept
            )
            page = context.new_page()
            page.goto(f"{shop.address}/preferences?lang={language}")
            page.screenshot(path=IMAGES / f"{name}.png")
            context.close()
        browser.close()


def _signed_in(browser: Browser, shop: PreferenceServer) -> Path:
    kept = Path(shop.folder) / "browser.json"
    context = browser.new_context()
    page = context.new_page()
    page.goto(shop.magic_link())
    page.click("main button")
    context.storage_state(path=kept)
    context.close()
    return kept


if __name__ == "__main__":
    main()
