from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.core.messages.conftest import Postman, enqueue, only_message, reachable, send

from regulars.testing.app import App

MESSAGES = "{ messages { nodes { state rule reason channel source template contactClass attempts } totalCount } }"
CANCEL = """mutation ($id: ID!) {
  messageCancel(input: {id: $id}) { message { state } errors { code message } }
}"""
WASTE = """query ($since: DateTime!, $until: DateTime!) {
  contactMessagesNotSent(since: $since, until: $until) {
    notSent { rule channel campaign messages spared { amount currency } } stale waiting oldestWaiting
  }
}"""


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return {"message_prices": ("email=0.002",)}


async def wasted(app: App) -> dict[str, Any]:
    now = app.clock.now()
    period = {"since": (now - timedelta(days=1)).isoformat(), "until": (now + timedelta(days=1)).isoformat()}
    data: dict[str, Any] = (await app.gql(WASTE, period))["contactMessagesNotSent"]
    return data


async def test_staff_see_what_was_sent(app: App, anna: UUID, postman: Postman) -> None:
    await enqueue(app, anna)
    await send(app, postman)

    page = (await app.gql(MESSAGES, as_="frontline"))["messages"]

    assert page["totalCount"] == 1
    assert page["nodes"] == [
        {
            "state": "sent",
            "rule": None,
            "reason": None,
            "channel": "email",
            "source": "herald",
            "template": "herald.news",
            "contactClass": "marketing",
            "attempts": 1,
        }
    ]


async def test_a_message_that_waits_can_be_cancelled(app: App, anna: UUID, postman: Postman) -> None:
    taken = await enqueue(app, anna)

    answers: Sequence[Any] = [(await app.gql(CANCEL, {"id": str(taken.id)}))["messageCancel"] for _ in range(2)]
    await send(app, postman)

    assert answers == [{"message": {"state": "cancelled"}, "errors": []}] * 2
    assert postman.taken == []


async def test_what_was_sent_cannot_be_cancelled(app: App, anna: UUID, postman: Postman) -> None:
    taken = await enqueue(app, anna)
    await send(app, postman)

    answer = (await app.gql(CANCEL, {"id": str(taken.id)}))["messageCancel"]

    assert [error["code"] for error in answer["errors"]] == ["FORBIDDEN_TRANSITION"]
    assert (await only_message(app)).state == "sent"


async def test_waste_avoided_is_counted_by_rule_with_what_it_spared(app: App, postman: Postman) -> None:
    bea = await reachable(app, "Bea")
    await enqueue(app, bea, key="1", campaign="spring")
    await enqueue(app, bea, key="2", campaign="spring")
    await send(app, postman)
    await enqueue(app, bea, key="3", not_before=app.clock.now() + timedelta(hours=1))

    told = await wasted(app)

    assert told["notSent"] == [
        {
            "rule": "no_consent",
            "channel": "email",
            "campaign": "spring",
            "messages": 2,
            "spared": {"amount": "0.004", "currency": "EUR"},
        }
    ]
    assert (told["stale"], told["waiting"]) == (0, 1)


async def test_a_message_that_would_come_too_late_is_stale(app: App, anna: UUID, postman: Postman) -> None:
    await enqueue(app, anna, expires_at=app.clock.now() + timedelta(minutes=5))
    app.clock.advance(timedelta(minutes=10))

    await send(app, postman)

    assert (await wasted(app))["stale"] == 1
    assert postman.taken == []


async def test_something_that_happens_to_a_customer_wakes_their_messages(
    app: App, anna: UUID, postman: Postman
) -> None:
    await enqueue(app, anna)
    async with app.database.writing() as session:
        message = await session.get_one(type(await only_message(app)), (await only_message(app)).id)
        message.state, message.wake_on = "deferred", "case.solved"
        message.next_at = app.clock.now() + timedelta(hours=1)
    await app.gql(
        'mutation ($id: ID!) { customerUpdate(input: {id: $id, displayName: "Anna B."}) { errors { code } } }',
        {"id": str(anna)},
    )

    await app.deliver_events()
    await send(app, postman)

    assert len(postman.taken) == 1
