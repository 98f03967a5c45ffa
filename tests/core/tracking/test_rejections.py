from datetime import timedelta
from typing import Any

from sqlalchemy import select
from tests.core.tracking.sites import Site, customers

from regulars.customers.identities import read_identity
from regulars.customers.models import CustomerIdentity
from regulars.testing.app import App
from regulars.tracking.models import RejectedMessage, TakenMessage

REJECTIONS = """{ trackingRejections { nodes {
  id source messageId type code reason message canBeReplayed replayedAt } } }"""
REPLAY = """mutation ($ids: [ID!]!) { trackingReplay(input: {ids: $ids}) {
  results { status code } errors { code } } }"""

TRAITS = {"email": "ada@example.org", "nested": {"secret": "Countess"}, "born": 1815}


async def rejections(app: App) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await app.gql(REJECTIONS))["trackingRejections"]["nodes"]
    return found


async def replay(app: App, *ids: str) -> dict[str, Any]:
    payload: dict[str, Any] = (await app.gql(REPLAY, {"ids": list(ids)}))["trackingReplay"]
    return payload


async def unclear_user(app: App, user: str) -> None:
    """Let two customers claim the same user id."""
    first, second = await app.add_customer("First"), await app.add_customer("Second")
    identity = read_identity("external", user, "site")
    async with app.database.writing() as session:
        session.add_all(
            CustomerIdentity(
                customer_id=id,
                profile_id=id,
                kind="external",
                source="site",
                value=identity.value,
                normalised=identity.normalised,
                created_at=app.clock.now(),
            )
            for id in (first, second)
        )


async def test_a_rejected_message_is_kept_with_its_reason_and_without_what_it_says(app: App, site: Site) -> None:
    await site.send({"type": "identify", "userId": "null", "messageId": "m-1", "traits": TRAITS})

    (kept,) = await rejections(app)
    assert (kept["source"], kept["messageId"], kept["type"], kept["code"]) == (
        "site", "m-1", "identify", "PLACEHOLDER",
    )  # fmt: skip
    assert kept["message"]["traits"] == {
        "email": "‹text of 15›",
        "nested": {"secret": "‹text of 8›"},
        "born": "‹number›",
    }
    assert await customers(app) == []


async def test_a_rejected_message_is_taken_in_once_the_reason_is_gone(app: App, site: Site) -> None:
    await unclear_user(app, "u-1")
    await site.post("track", {"userId": "u-1", "event": "Bought", "messageId": "m-1"})
    (kept,) = await rejections(app)
    first, second = await customers(app)
    await app.merge(survivor=first["id"], merged=second["id"])
    app.clock.advance(timedelta(days=3))

    payload = await replay(app, kept["id"])

    assert (kept["code"], payload["results"]) == ("AMBIGUOUS", [{"status": "accepted", "code": None}])
    (customer,) = await customers(app)
    assert [one["occurredAt"] for one in customer["touchpoints"]["nodes"]] == ["2026-03-02T12:00:00.000000Z"]
    assert [one["canBeReplayed"] for one in await rejections(app)] == [False]


async def test_what_is_still_wrong_stays_rejected(app: App, site: Site) -> None:
    await site.post("track", {"userId": "u-1"})
    (kept,) = await rejections(app)

    payload = await replay(app, kept["id"])

    assert payload["results"] == [{"status": "rejected", "code": "INVALID"}]
    assert [(one["canBeReplayed"], one["replayedAt"] is not None) for one in await rejections(app)] == [(True, True)]


async def test_a_message_that_would_be_rejected_for_ever_is_not_taken_up_again(app: App, site: Site) -> None:
    await site.send({"type": "track", "userId": "u-1", "event": "x", "properties": {"text": "x" * 33_000}})
    (kept,) = await rejections(app)

    payload = await replay(app, kept["id"])

    assert (kept["canBeReplayed"], payload["results"], payload["errors"][0]["code"]) == (False, None, "NOT_FOUND")


async def test_what_came_long_ago_is_forgotten(app: App, site: Site) -> None:
    await site.send({"type": "identify", "userId": "u-1"}, {"type": "track", "userId": "u-1"})
    app.clock.advance(timedelta(days=31))

    await app.run_job("core.retention")

    async with app.database.reading() as session:
        left = [*await session.scalars(select(TakenMessage)), *await session.scalars(select(RejectedMessage))]
    assert left == []
