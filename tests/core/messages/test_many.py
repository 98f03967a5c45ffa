"""Many messages at once: news for all who asked to hear it."""

from uuid import UUID

import pytest
from sqlalchemy import func, select
from tests.core.messages.conftest import Postman, reachable, send

from regulars import MessageBox, MessageDraft, UnknownValue, new_id
from regulars.messages.models import Message
from regulars.testing.app import App


def draft(customer_id: UUID, key: str, template: str = "herald.news") -> MessageDraft:
    return MessageDraft(key=key, template=template, channel="email", customer_id=customer_id, topic="books")


async def enqueue_all(app: App, *drafts: MessageDraft) -> int:
    plugin = app.server.plugins.get("herald")
    assert plugin is not None
    async with app.database.writing() as session:
        box: MessageBox = app.server.plugin_context("herald", session=session, actor="test").messages
        return await box.enqueue_all(drafts)


async def kept(app: App) -> int:
    async with app.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Message)) or 0


async def test_those_whose_keys_are_new_are_taken_each_once(app: App, anna: UUID, postman: Postman) -> None:
    ben = await reachable(app, "Ben")

    first = await enqueue_all(app, draft(anna, "news:anna"), draft(ben, "news:ben"))
    again = await enqueue_all(app, draft(anna, "news:anna"), draft(ben, "news:ben"), draft(ben, "other"))
    await send(app, postman)

    assert (first, again) == (2, 1)
    assert [message.customer_id for message in postman.taken] == [anna]
    assert len(await app.events("message.enqueued")) == 3


async def test_whoever_was_merged_gets_it_as_the_survivor_and_whoever_is_gone_gets_nothing(
    app: App, anna: UUID
) -> None:
    ben, cleo = await app.add_customer("Ben"), await app.add_customer("Cleo")
    await app.merge(survivor=anna, merged=ben)
    await app.gql("mutation ($id: ID!) { customerDelete(input: {id: $id}) { errors { code } } }", {"id": str(cleo)})

    taken = await enqueue_all(app, draft(ben, "1"), draft(cleo, "2"), draft(new_id(), "3"))

    assert taken == 1
    async with app.database.reading() as session:
        message = (await session.scalars(select(Message))).one()
    assert (message.customer_id, message.profile_id) == (anna, ben)


async def test_one_that_cannot_be_taken_stops_them_all(app: App, anna: UUID) -> None:
    with pytest.raises(UnknownValue, match="template"):
        await enqueue_all(app, draft(anna, "1"), draft(anna, "2", template="herald.nothing"))

    assert await kept(app) == 0
