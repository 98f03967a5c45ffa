"""What the tests of messages share: a plugin that sends, deliveries that take what they are told to, and customers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from regulars import (
    MessageContent,
    MessageDraft,
    MessageTemplate,
    MessageToWrite,
    PluginContext,
    PluginManifest,
    TakenMessage,
    hookimpl,
)
from regulars.customers.models import CustomerIdentity
from regulars.messages.deliveries import DeliveryAway, HandoverResult, Outbound, Taken
from regulars.messages.models import Message
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.testing.app import App
from regulars.testing.background import send_messages

GRANT = """mutation ($customer: ID!) {
  consentGrant(input: {customerId: $customer, purpose: "marketing.own", channel: "*", reason: "said so",
                       noticeVersion: "n1", language: "en"}) { errors { code } }
}"""
WITHDRAW = """mutation ($customer: ID!) {
  consentWithdraw(input: {customerId: $customer, purpose: "*", channel: "*", reason: "enough"}) { errors { code } }
}"""

MANIFEST = PluginManifest(
    id="herald",
    version="0.1.0",
    title="Herald",
    summary="Sends what the tests want sent.",
    hook_api=">=1.0,<2",
    implementation="nowhere",
)


async def write(_ctx: PluginContext, message: MessageToWrite) -> MessageContent | None:
    if message.payload.get("withdrawn"):
        return None
    return MessageContent(
        f"News about {message.topic}", f"In {message.language}: {message.payload.get('words')}", "<p>News</p>"
    )


async def fail(_ctx: PluginContext, _message: MessageToWrite) -> MessageContent | None:
    raise RuntimeError("no words")


class Hooks:
    @hookimpl
    def message_templates(self) -> Sequence[MessageTemplate]:
        return [
            MessageTemplate("herald.news", "marketing", write, contains_offer=True),
            MessageTemplate("herald.proof", "transactional", write),
            MessageTemplate("herald.broken", "transactional", fail),
        ]


@dataclass
class Postman:
    """A delivery that keeps what it took; ``answers`` are given one after another, then everything is taken."""

    honours_keys: bool = False
    name: str = "postman"
    answers: list[HandoverResult | Exception] = field(default_factory=list)
    is_away: bool = False
    taken: list[Outbound] = field(default_factory=list)
    before: Any = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Postman"]:
        if self.is_away:
            raise DeliveryAway("The postman is ill.")
        if self.before is not None:
            await self.before()
        yield self

    async def send(self, message: Outbound) -> HandoverResult:
        answer = self.answers.pop(0) if self.answers else Taken(f"receipt {len(self.taken)}")
        if isinstance(answer, Exception):
            raise answer
        self.taken.append(message)
        return answer


@pytest.fixture
def plugins() -> Sequence[FoundPlugin]:
    return [found_plugin(MANIFEST, hooks=Hooks())]


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture
async def anna(app: App) -> UUID:
    """A customer who has an address and consents."""
    id = await reachable(app, "Anna")
    assert (await app.gql(GRANT, {"customer": str(id)}))["consentGrant"]["errors"] == []
    return id


async def reachable(app: App, name: str) -> UUID:
    """Return a customer whose address is verified."""
    id = await app.add_customer(name, email=f"{name.lower()}@example.org")
    async with app.database.writing() as session:
        await session.execute(update(CustomerIdentity).values(verified_at=app.clock.now()))
    return id


async def enqueue(app: App, customer_id: UUID | None, **draft: Any) -> TakenMessage:
    """Drop a message into the plugin's box."""
    given: Mapping[str, Any] = {"key": "k1", "template": "herald.news", "channel": "email", **draft}
    plugin = app.server.plugins.get("herald")
    assert plugin is not None
    async with app.database.writing() as session:
        ctx = app.server.host.context("herald", session=session, actor="test", settings=plugin.settings)
        return await ctx.messages.enqueue(MessageDraft(customer_id=customer_id, **given))


async def send(app: App, postman: Postman) -> None:
    await send_messages(app.server, {"email": postman})


async def only_message(app: App) -> Message:
    async with app.database.reading() as session:
        return (await session.scalars(select(Message))).one()


async def message_of(app: App, id: UUID) -> Message:
    async with app.database.reading() as session:
        return (await session.scalars(select(Message).where(col(Message.id) == id))).one()
