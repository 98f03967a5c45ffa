from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col
from tests.docs.pages import DOCS
from tests.docs.reader import Reader
from tests.plugins.preference_centre.page import Page, magic_link

from regulars.customers.models import Customer
from regulars.plugins.joining.discovery import found_plugin
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp
from regulars_preference_centre.manifest import manifest


class Visitor:
    """The customer of the page, who opens it when they first press a button."""

    def __init__(self, app: App, client: httpx.AsyncClient) -> None:
        self._app, self._page, self._is_open = app, Page(client), False

    async def send_form(self, action: str, fields: Mapping[str, str]) -> None:
        if not self._is_open:
            async with self._app.database.reading() as session:
                (anna,) = await session.scalars(select(col(Customer.id)))
            await self._page.get(await magic_link(self._app, anna))
            await self._page.send("open")
            self._is_open = True
        answer = await self._page.send(action, **fields)
        assert answer.status_code == 200, answer.text


@pytest.fixture
async def shop(make_app: MakeApp) -> App:
    """A server with the plugin installed, and not turned on yet."""
    app = await make_app()
    app.server.host.found["preference_centre"] = found_plugin(manifest)
    await app.server.host.load()
    return app


async def test_letting_customers_choose(shop: App, tmp_path: Path) -> None:
    async with shop.browser() as client:
        reader = Reader(tmp_path, shop, send_form=Visitor(shop, client).send_form)

        await reader.follow(DOCS / "tutorial" / "let-customers-choose.md")

    assert reader.done > 15
