"""Visit the preference centre's page as customers do: by a link that was sent, or by the link of some message."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html import unescape
from uuid import UUID

import httpx
from sqlalchemy import update
from sqlmodel import col

from regulars import ContactTouch, DownToken, Scope, ShownText, allow_as_customer, read_identity
from regulars.customers.models import CustomerIdentity
from regulars.selfservice.door import CustomerDoor
from regulars.testing.app import App
from regulars_preference_centre.streams import define_stream, retire_stream

__all__ = [
    "Page",
    "agree",
    "door",
    "down_link",
    "magic_link",
    "opened",
    "outcome",
    "send_lately",
    "somebody",
    "stream",
]

FORM = re.compile(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', re.DOTALL)
MAY = """query ($customer: ID!, $request: ContactRequestInput!) {
  contactDecision(customerId: $customer, request: $request) { outcome }
}"""
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
    def sections(self) -> list[str]:
        """Return the names of the sections that it shows, in their order."""
        return re.findall(r'<section class="(?:card|section)" id="(\w+)"', self.shown.text)

    @property
    def text(self) -> str:
        """Return what the page says, without its marks."""
        without_isolation = re.sub(r"</?bdi[^>]*>", "", self.shown.text)
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", without_isolation)).split())


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


async def stream(app: App, topic: str, title: str, *, retired: bool = False) -> None:
    """Offer a stream of advertising by e-mail, or offer it no longer."""
    async with app.database.writing() as session:
        await define_stream(
            session,
            topic=topic,
            purpose="marketing.own",
            channels=["email"],
            titles={"en": title},
            descriptions={},
            position=0,
            now=app.clock.now(),
        )
        if retired:
            await retire_stream(session, topic=topic, now=app.clock.now())


async def agree(app: App, customer_id: UUID, topic: str, *, days_ago: int = 30) -> None:
    """Let the customer have agreed to a topic by e-mail some days ago."""
    now = app.clock.now()
    async with app.database.writing() as session:
        await allow_as_customer(
            session,
            customer_id=customer_id,
            scopes=[Scope("marketing.own", "email", topic)],
            shown=ShownText("earlier", "en", f"Yes to {topic}"),
            now=now - timedelta(days=days_ago),
        )


async def send_lately(app: App, customer_id: UUID, topic: str, count: int) -> None:
    """Let this many e-mails about a topic have been sent, one a day until yesterday."""
    async with app.database.writing() as session:
        for days in range(1, count + 1):
            at = app.clock.now() - timedelta(days=days)
            touch = ContactTouch(
                customer_id=customer_id,
                profile_id=customer_id,
                state="sent",
                at=at,
                reserved_at=at,
                expires_at=at,
                channel="email",
                contact_class="marketing",
                purpose="marketing.own",
                topic=topic,
                request={},
                request_digest="",
                actor="system",
            )
            session.add(touch)


async def outcome(app: App, customer_id: UUID, topic: str) -> str:
    """Return what is decided about advertising by e-mail about a topic."""
    request = {"channel": "email", "class": "marketing", "topic": topic}
    decided = await app.gql(MAY, {"customer": str(customer_id), "request": request})
    return str(decided["contactDecision"]["outcome"])


@asynccontextmanager
async def opened(app: App, customer_id: UUID, email: str = "anna@example.org") -> AsyncIterator[Page]:
    """Give the page as it is after the customer clicked the link in a fresh mail and its button."""
    async with app.browser() as client:
        page = Page(client)
        await page.get(await magic_link(app, customer_id, email))
        await page.send("open")
        assert page.shown.status_code == 200, page.shown.text
        yield page
