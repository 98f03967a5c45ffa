"""What is kept of decisions, policies and audiences."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from tests.core.contact.senders import NEWSLETTER, RESERVE, WITHDRAW, answer, reserved, states, willing

from regulars import PluginManifest
from regulars.access.actors import SYSTEM
from regulars.contact.refusals import IdempotencyConflict
from regulars.contact.requests import ContactRequest
from regulars.contact.reservations import reserve_contact
from regulars.testing.app import App
from regulars.testing.background import run_enqueued_job
from regulars_preference_centre.manifest import manifest
from regulars_preference_centre.models import Pause

REPLAY = """query ($id: ID!) {
  contactDecisionReplay(decisionId: $id) { isSame outcome rule until kept { policyVersion } missingRules isSameTzdata }
}"""
POLICY = """mutation ($input: ContactPolicyUpdateInput!) {
  contactPolicyUpdate(input: $input) { policy { version number content } errors { code path } }
}"""
DECIDE_ALL = """mutation ($request: ContactRequestInput!) {
  contactAudienceDecide(input: {request: $request}) { job { kind } errors { code } }
}"""
KEPT = "query ($id: ID!) { customer(id: $id) { contactDecisions { totalCount } } }"
VERDICTS = "{ contactVerdicts { nodes { customerId outcome rule until } } }"
ASK = """query ($customer: ID!, $request: ContactRequestInput!) {
  contactDecision(customerId: $customer, request: $request) { outcome rule }
}"""


@pytest.fixture
def plugins() -> Sequence[PluginManifest]:
    return [manifest]


def paused_from_now(app: App, customer_id: UUID, until: datetime | None) -> Pause:
    now = app.clock.now()
    return Pause(customer_id=customer_id, profile_id=customer_id, begins_at=now, ends_at=until, created_at=now)


async def updated(app: App, **changes: Any) -> dict[str, Any]:
    given = {"input": {"reason": "A test says so.", **changes}}
    payload: dict[str, Any] = (await app.gql(POLICY, given))["contactPolicyUpdate"]
    return payload


async def test_s03_a_kept_decision_is_made_again_from_what_was_known_even_under_a_later_policy(app: App) -> None:
    anna = await willing(app)
    async with app.database.writing() as session:
        until = app.clock.now() + timedelta(days=3)
        pause = paused_from_now(app, anna, until)
        session.add(pause)
    paused = await reserved(app, anna)

    await updated(app, caps=[{"limit": 0, "windowH": 1}], allowedBases=["express_written"])
    async with app.database.writing() as session:
        await session.delete(pause)
    await app.gql(WITHDRAW, {"customer": str(anna)})
    app.clock.advance(timedelta(days=1))

    replay = (await app.gql(REPLAY, {"id": paused["decision"]["decisionId"]}))["contactDecisionReplay"]
    assert answer(await reserved(app, anna)) == ("DENY", "global_opt_out")
    assert (replay["outcome"], replay["rule"]) == ("DEFER", "snoozed")
    assert replay["until"] == paused["decision"]["until"]
    assert (replay["isSame"], replay["missingRules"], replay["isSameTzdata"]) == (True, [], True)
    assert replay["kept"] == {"policyVersion": "p1"}


async def test_a_new_policy_holds_at_once(app: App) -> None:
    anna = await willing(app)

    made = await updated(app, caps=[{"limit": 0, "windowH": 24}])

    assert (made["policy"]["version"], made["policy"]["content"]["default_tz"]) == ("p2", "UTC")
    assert answer(await reserved(app, anna)) == ("DENY", "frequency_zero")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"defaultTimeZone": "Mars/Olympus"}, "INVALID_TIME"),
        ({"quietHours": [{"channel": "sms", "start": "25:00", "end": "08:00"}]}, "INVALID_TIME"),
        ({"quietHours": [{"channel": "smoke", "start": "21:00", "end": "08:00"}]}, "UNKNOWN_VALUE"),
        ({"caps": [{"limit": -1, "windowH": 24}]}, "OUT_OF_RANGE"),
        ({"caps": [{"limit": 1, "windowH": 0}]}, "OUT_OF_RANGE"),
        ({"allowedBases": ["wish"]}, "UNKNOWN_VALUE"),
        ({"expectedNumber": 7}, "CONFLICT"),
    ],
)
async def test_a_policy_that_cannot_be_is_refused_and_the_old_one_holds(
    app: App, changes: Mapping[str, Any], code: str
) -> None:
    refused = await updated(app, **changes)

    assert [error["code"] for error in refused["errors"]] == [code]
    assert (await app.gql("{ contactPolicy { version } }"))["contactPolicy"] == {"version": "p1"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"channel": "smoke"}, "UNKNOWN_VALUE"),
        ({"channel": "*"}, "INVALID"),
        ({"class": "spam"}, "UNKNOWN_VALUE"),
        ({"purpose": "world.domination"}, "UNKNOWN_VALUE"),
        ({"class": "followup"}, "CASE_REQUIRED"),
        ({"class": "followup", "caseId": "none-of-hers"}, "CASE_REQUIRED"),
        ({"class": "legal", "containsOffer": True}, "OFFER_NOT_ALLOWED"),
    ],
)
async def test_a_contact_that_cannot_be_is_refused_and_nothing_is_kept(
    app: App, changes: Mapping[str, Any], code: str
) -> None:
    anna = await willing(app)

    refused = await reserved(app, anna, **changes)

    assert ([error["code"] for error in refused["errors"]], refused["decision"]) == ([code], None)
    told = await app.gql(KEPT, {"id": str(anna)})
    assert told["customer"]["contactDecisions"] == {"totalCount": 0}


async def test_r03_a_key_that_comes_again_with_another_contact_is_refused_and_takes_no_slot(app: App) -> None:
    anna, headers = await willing(app), {**await app.key("admin"), "idempotency-key": "k"}
    first, second = (
        {"query": RESERVE, "variables": {"customer": str(anna), "request": {**NEWSLETTER, "campaign": campaign}}}
        for campaign in ("spring", "autumn")
    )

    went = await app.client.post("/graphql", json=first, headers=headers)
    refused = await app.client.post("/graphql", json=second, headers=headers)

    assert went.json()["data"]["contactReserve"]["decision"]["outcome"] == "ALLOW"
    assert refused.status_code == 422
    assert "IDEMPOTENCY_CONFLICT" in refused.text
    assert await states(app) == ["reserved"]


async def test_a_sender_inside_that_uses_a_key_for_two_contacts_is_refused(app: App) -> None:
    anna, server = await willing(app), app.server
    request = ContactRequest(channel="email", contact_class="marketing")

    async def reserve(session: AsyncSession, request: ContactRequest) -> None:
        await reserve_contact(
            session,
            customer_id=anna,
            request=request,
            rules=server.contact_rules,
            registry=server.consent_registry,
            actor=SYSTEM,
            now=app.clock.now(),
            idempotency_key="message-1",
        )

    async with app.database.writing() as session:
        await reserve(session, request)
        await reserve(session, request)
        with pytest.raises(IdempotencyConflict):
            await reserve(session, replace(request, campaign="other"))

    assert await states(app) == ["reserved"]


async def test_an_audience_gets_for_each_customer_what_each_would_get_alone(app: App) -> None:
    anna, ben = await willing(app), await app.add_customer("Ben")
    cleo = await willing(app, "Cleo")
    async with app.database.writing() as session:
        session.add(paused_from_now(app, cleo, None))

    asked = (await app.gql(DECIDE_ALL, {"request": NEWSLETTER}))["contactAudienceDecide"]
    await run_enqueued_job(app.server, "core.contact_audience")

    told = (await app.gql(VERDICTS))["contactVerdicts"]["nodes"]
    alone = {
        str(id): (await app.gql(ASK, {"customer": str(id), "request": NEWSLETTER}))["contactDecision"]
        for id in (anna, ben, cleo)
    }
    assert asked == {"job": {"kind": "core.contact_audience"}, "errors": []}
    assert {one["customerId"]: {"outcome": one["outcome"], "rule": one["rule"]} for one in told} == alone
    assert sorted(one["rule"] for one in told) == ["allowed", "no_consent", "snoozed"]
