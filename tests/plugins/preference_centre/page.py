"""Visit the preference centre's page as customers do: by a link that was sent, or by the link of some message."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from uuid import UUID

import httpx
from sqlalchemy import update
from sqlmodel import col

from regulars import DownToken, read_identity
from regulars.customers.models import CustomerIdentity
from regulars.selfservice.door import CustomerDoor
from regulars.testing.app import App

__all__ = ["Page", "door", "down_link", "magic_link", "opened", "somebody"]

FORM = re.compile(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)"')


@dataclass
class Page:
    """A browser that has the page open; ``shown`` is what it shows."""

    client: httpx.AsyncClient
    shown: httpx.Response = field(init=False)

    async def get(self, path: str = "/preferences") -> httpx.Response:
        """Open an address of the page."""
        self.shown = await self.client.get(path)
        return self.shown

    async def send(self, action: str, **fields: str | list[str]) -> httpx.Response:
        """Send the form with this action, such as ``stop/all``, as the page shows it, and follow where it leads."""
        target, hidden = self.form(action)
        self.shown = await self.client.post(target, data={**hidden, **fields}, follow_redirects=True)
        return self.shown

    def form(self, action: str) -> tuple[str, dict[str, str]]:
        """Return where the form with this action is sent, and its hidden fields; fails when it is not shown."""
        found = [
            (unescape(target), dict(HIDDEN.findall(inside)))
            for target, inside in FORM.findall(self.shown.text)
            if unescape(target).partition("?")[0].endswith(f"/{action}")
        ]
        assert found, f"There is no form {action} on the page."
        return found[0]

    @property
    def text(self) -> str:
        """Return what the page says, without its marks."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.shown.text)).split())


def door(app: App) -> CustomerDoor:
    """Return the door by which customers come in."""
    return CustomerDoor(app.server.secret)


async def somebody(app: App, name: str = "Anna", email: str = "anna@example.org") -> UUID:
    """Return the id of a new customer whose address is confirmed."""
    id = await app.add_customer(name, email=email)
    async with app.database.writing() as session:
        confirmed = update(CustomerIdentity).where(col(CustomerIdentity.customer_id) == id)
        await session.execute(confirmed.values(verified_at=app.clock.now()))
    return id


async def magic_link(app: App, customer_id: UUID, email: str = "anna@example.org") -> str:
    """Return the address in a mail that the customer asked for."""
    async with app.database.writing() as session:
        token = await door(app).make_magic_link(
            session, customer_id=customer_id, address=read_identity("email", email), now=app.clock.now()
        )
    return f"/preferences/open?link={token}"


def down_link(app: App, customer_id: UUID, topic: str = "*") -> str:
    """Return the address of the page in some message about a topic."""
    return f"/preferences/by/{door(app).down_token(DownToken(customer_id, topic=topic))}"


@asynccontextmanager
async def opened(app: App, customer_id: UUID, email: str = "anna@example.org") -> AsyncIterator[Page]:
    """Give the page as it is after the customer clicked the link in a fresh mail and its button."""
    async with app.browser() as client:
        page = Page(client)
        await page.get(await magic_link(app, customer_id, email))
        await page.send("open")
        assert page.shown.status_code == 200, page.shown.text
        yield page
