from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars.access.actors import Actor
from regulars.testing.app import App

GRANT = """mutation ($id: ID!) { consentGrant(input: {
  customerId: $id, purpose: "marketing.own", channel: "email", reason: "Ticked the box", needsConfirmation: true,
  noticeVersion: "n1", language: "en"}) { consent { id needsConfirmation confirmedAt } errors { code } } }"""
CONFIRM = """mutation ($id: ID!) { consentConfirm(input: {id: $id, reason: "Pressed the button in the mail"}) {
  consent { id at confirmedAt noticeVersion } errors { code path } } }"""
WITHDRAW = """mutation ($id: ID!) { consentWithdraw(input: {
  customerId: $id, purpose: "*", channel: "*", reason: "Stop"}) { errors { code } } }"""
STANDS = """query ($id: ID!) { customer(id: $id) {
  consents { purpose channel status } consentEvents { totalCount }
} }"""


@pytest.fixture
async def anna(app: App) -> UUID:
    return await app.add_customer("Anna")


def shop(app: App) -> Actor:
    return Actor("service", UUID(int=3), "shop", app.actor("privacy").permissions)


async def ask(app: App, mutation: str, id: object, by: Any = None) -> dict[str, Any]:
    told = await app.gql(mutation, {"id": str(id)}, as_=by or shop(app))
    (payload,) = told.values()
    return dict(payload)


async def stands(app: App, anna: UUID) -> tuple[set[str], int]:
    told = (await app.gql(STANDS, {"id": str(anna)}))["customer"]
    return {consent["status"] for consent in told["consents"]}, told["consentEvents"]["totalCount"]


async def test_a_grant_waits_for_its_confirmation_and_counts_from_then(app: App, anna: UUID) -> None:
    waiting = (await ask(app, GRANT, anna))["consent"]
    before, _ = await stands(app, anna)
    app.clock.advance(timedelta(hours=1))

    confirmed = await ask(app, CONFIRM, waiting["id"])

    assert before == {"pending"}
    assert confirmed["errors"] == []
    assert confirmed["consent"]["at"] == "2026-03-02T12:00:00.000000Z"
    assert confirmed["consent"]["confirmedAt"] == "2026-03-02T13:00:00.000000Z"
    assert confirmed["consent"]["noticeVersion"] == "n1"
    assert await stands(app, anna) == ({"granted"}, 2)


async def test_confirming_twice_changes_nothing(app: App, anna: UUID) -> None:
    waiting = (await ask(app, GRANT, anna))["consent"]
    first = await ask(app, CONFIRM, waiting["id"])
    app.clock.advance(timedelta(hours=1))

    again = await ask(app, CONFIRM, waiting["id"])

    assert again == first
    assert await stands(app, anna) == ({"granted"}, 2)


async def test_what_was_withdrawn_since_is_not_confirmed(app: App, anna: UUID) -> None:
    waiting = (await ask(app, GRANT, anna))["consent"]
    app.clock.advance(timedelta(hours=1))
    await ask(app, WITHDRAW, anna)

    refused = await ask(app, CONFIRM, waiting["id"])

    assert refused == {"consent": None, "errors": [{"code": "FORBIDDEN_TRANSITION", "path": ["id"]}]}
    assert await stands(app, anna) == ({"withdrawn"}, 2)


async def test_a_confirmed_grant_lifts_an_earlier_global_opt_out(app: App, anna: UUID) -> None:
    await ask(app, WITHDRAW, anna)
    app.clock.advance(timedelta(hours=1))
    waiting = (await ask(app, GRANT, anna))["consent"]

    await ask(app, CONFIRM, waiting["id"])

    assert await stands(app, anna) == ({"granted", "withdrawn"}, 3)


async def test_staff_cannot_confirm_for_a_customer(app: App, anna: UUID) -> None:
    waiting = (await ask(app, GRANT, anna))["consent"]

    refused = await ask(app, CONFIRM, waiting["id"], "privacy")

    assert refused["errors"] == [{"code": "FORBIDDEN_TRANSITION", "path": ["id"]}]
    assert await stands(app, anna) == ({"pending"}, 1)


async def test_a_grant_that_does_not_wait_is_not_confirmed(app: App, anna: UUID) -> None:
    granted = (await ask(app, GRANT.replace("needsConfirmation: true", "needsConfirmation: false"), anna))["consent"]

    refused = await ask(app, CONFIRM, granted["id"])

    assert refused["errors"] == [{"code": "FORBIDDEN_TRANSITION", "path": ["id"]}]


async def test_an_unknown_entry_is_not_confirmed(app: App) -> None:
    refused = await ask(app, CONFIRM, UUID(int=9))

    assert refused["errors"] == [{"code": "NOT_FOUND", "path": ["id"]}]
