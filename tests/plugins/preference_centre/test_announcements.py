"""An item is announced: whoever waits for it is told once, and nobody else."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col
from tests.core.messages.conftest import GRANT, Postman, reachable, send

from regulars.messages.models import Message
from regulars.testing.app import App
from regulars.testing.background import run_enqueued_job
from regulars_preference_centre import announcements, mutations
from regulars_preference_centre.announcements import ANNOUNCE_JOB
from regulars_preference_centre.models import AlertRequest

ANNOUNCE = """mutation ($input: ItemAnnounceInput!) {
  itemAnnounce(input: $input) {
    itemAnnouncement { id key told endedAt } job { kind status } errors { code path }
  }
}"""
WISH = """mutation ($input: AlertRequestInput!) {
  alertRequest(input: $input) { alertRequest { id topic } errors { code } }
}"""
THE_RED: Mapping[str, Any] = {
    "key": "red-2026",
    "title": "Domaine X, the Red of 2026",
    "url": "https://shop.example/red",
}


async def waiting(app: App, name: str, *wishes: str, topic: str | None = None) -> UUID:
    """Return a customer who consents, and waits for these."""
    id = await reachable(app, name)
    assert (await app.gql(GRANT, {"customer": str(id)}))["consentGrant"]["errors"] == []
    for words in wishes:
        asked = {"customerId": str(id), "words": words, "topic": topic}
        assert (await app.gql(WISH, {"input": asked}))["alertRequest"]["errors"] == []
    return id


async def announce(app: App, **change: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await app.gql(ANNOUNCE, {"input": {**THE_RED, **change}}))["itemAnnounce"]
    return payload


async def told(app: App) -> list[UUID | None]:
    async with app.database.reading() as session:
        return sorted(await session.scalars(select(col(Message.customer_id))), key=str)


async def test_each_customer_whose_wish_an_item_fulfils_is_told_once(app: App) -> None:
    anna = await waiting(app, "Anna", "the red", "domaine x")
    await waiting(app, "Ben", "the white")
    cleo = await waiting(app, "Cleo", "any of theirs", topic="wine.x")

    first = await announce(app, topics=["wine.x", "wine"])
    again = await announce(app, topics=["wine.x"])

    assert (first["errors"], first["job"], first["itemAnnouncement"]["told"]) == ([], None, 2)
    assert again["itemAnnouncement"] == first["itemAnnouncement"]
    assert await told(app) == sorted([anna, cleo], key=str)
    assert len(await app.events("item.announced")) == 1


async def test_the_mail_tells_what_was_asked_for_and_how_to_hear_no_more_of_it(app: App) -> None:
    await waiting(app, "Anna", "the red")
    await announce(app)
    postman = Postman()

    await send(app, postman)

    (mail,) = postman.taken
    assert mail.content.subject == "Domaine X, the Red of 2026"
    assert "“the red”" in mail.content.text
    assert mail.topic.startswith("wish.")


async def test_who_asked_but_never_consented_is_not_told(app: App) -> None:
    anna = await reachable(app, "Anna")
    await app.gql(WISH, {"input": {"customerId": str(anna), "words": "the red"}})
    await announce(app)
    postman = Postman()

    await send(app, postman)

    assert postman.taken == []
    async with app.database.reading() as session:
        assert (await session.scalars(select(col(Message.rule)))).all() == ["no_consent"]


async def test_a_wish_that_was_cancelled_is_over_or_came_later_is_not_fulfilled(app: App) -> None:
    await waiting(app, "Anna", "the red")
    ben = await waiting(app, "Ben")
    soon = (app.clock.now() + timedelta(hours=1)).isoformat()
    await app.gql(WISH, {"input": {"customerId": str(ben), "words": "the red", "endsAt": soon}})
    async with app.database.writing() as session:
        wish = (await session.scalars(select(AlertRequest).where(col(AlertRequest.ends_at).is_(None)))).one()
        wish.cancelled_at = app.clock.now()
    app.clock.advance(timedelta(hours=1))

    await announce(app)
    app.clock.advance(timedelta(minutes=1))
    await waiting(app, "Cleo", "the red")
    await announce(app)

    assert await told(app) == []


async def test_many_are_told_by_a_job_which_goes_on_where_it_was_broken_off(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers = [await waiting(app, f"Customer{number}", "the red", "the red of 2026") for number in range(5)]
    monkeypatch.setattr(announcements, "AT_ONCE", 3)
    monkeypatch.setattr(mutations, "AT_ONCE", 3)

    started = await announce(app)
    before = await told(app)
    job = await run_enqueued_job(app.server, ANNOUNCE_JOB)
    repeated = await app.run_job(ANNOUNCE_JOB)

    assert (started["job"], before) == ({"kind": ANNOUNCE_JOB, "status": "QUEUED"}, [])
    assert (job.status, job.result, repeated.result) == ("SUCCEEDED", {"told": 5}, {"told": 0})
    assert await told(app) == sorted(customers, key=str)
    listed = (await app.gql("{ itemAnnouncements { nodes { key told endedAt } } }"))["itemAnnouncements"]["nodes"]
    assert [(one["key"], one["told"], one["endedAt"] is not None) for one in listed] == [("red-2026", 5, True)]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"key": " "}, "INVALID"),
        ({"title": ""}, "INVALID"),
        ({"url": "javascript:alert(1)"}, "INVALID"),
        ({"topics": ["Not A Topic"]}, "INVALID"),
        ({"topics": ["wish.0192"]}, "INVALID"),
        ({"channel": "smoke"}, "UNKNOWN_VALUE"),
        ({"channel": "*"}, "UNKNOWN_VALUE"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "OUT_OF_RANGE"),
    ],
)
async def test_an_item_that_cannot_be_is_refused_and_nobody_is_told(
    app: App, change: Mapping[str, Any], code: str
) -> None:
    await waiting(app, "Anna", "the red")

    refused = await announce(app, **change)

    assert ([error["code"] for error in refused["errors"]], refused["itemAnnouncement"]) == ([code], None)
    assert await told(app) == []


async def test_what_customers_wait_for_can_be_searched(app: App) -> None:
    anna = await waiting(app, "Anna", "the red", topic="wine.x")
    await waiting(app, "Ben", "the white")

    found = await app.gql('{ alertRequests(where: {topic: {eq: "wine.x"}}) { nodes { customerId words } } }')

    assert found["alertRequests"]["nodes"] == [{"customerId": str(anna), "words": "the red"}]
