"""An audience: many customers at once, all of them, some, or those in a segment."""

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col
from tests.core.contact.senders import NEWSLETTER, willing

from regulars.access.actors import Actor
from regulars.contact.models import ContactAudience, ContactVerdict
from regulars.customers.models import CustomerIdentity
from regulars.personal import rows_about
from regulars.suppressions.models import SuppressedIdentity, Suppression
from regulars.tables import Table
from regulars.testing.app import App
from regulars.testing.background import run_enqueued_job

DECIDE = """mutation ($input: ContactAudienceDecideInput!) {
  contactAudienceDecide(input: $input) { job { kind } audience { id counts { rule } } errors { code path } }
}"""
AUDIENCE = "query ($id: ID!) { contactAudience(id: $id) { counts { outcome rule customers } } }"
VERDICTS = """query ($id: ID!) {
  contactVerdicts(where: {audienceId: {eq: $id}}) { totalCount nodes { customerId outcome rule until } }
}"""
OF_CUSTOMER = """query ($id: ID!) {
  contactVerdicts(where: {customerId: {eq: $id}}) { totalCount nodes { audienceId } }
}"""
MAY_GO = """query ($id: ID!) {
  customers(where: {contactAudience: {id: $id, outcomes: ["ALLOW"]}}) { nodes { displayName } }
}"""
SEGMENT = """mutation ($name: String!) {
  segmentCreate(input: {name: "Some", where: {displayName: {eq: $name}}}) { segment { id } errors { code } }
}"""
CHANGE = """mutation ($id: ID!, $name: String!) {
  segmentUpdate(input: {id: $id, where: {displayName: {eq: $name}}}) { errors { code } }
}"""


async def segment_of(app: App, name: str) -> str:
    return str((await app.gql(SEGMENT, {"name": name}))["segmentCreate"]["segment"]["id"])


async def asked(app: App, **whom: Any) -> dict[str, Any]:
    given = {"input": {"request": NEWSLETTER, **whom}}
    payload: dict[str, Any] = (await app.gql(DECIDE, given))["contactAudienceDecide"]
    return payload


async def decided(app: App, **whom: Any) -> str:
    """Return the id of an audience that was decided."""
    payload = await asked(app, **whom)
    assert payload["errors"] == []
    await run_enqueued_job(app.server, "core.contact_audience")
    return str(payload["audience"]["id"])


async def verdicts(app: App, audience: str) -> dict[UUID, str]:
    told = (await app.gql(VERDICTS, {"id": audience}))["contactVerdicts"]["nodes"]
    return {UUID(one["customerId"]): one["rule"] for one in told}


async def complained(app: App, owner: UUID, retired_at: datetime | None) -> None:
    """Put an address of this customer on the list."""
    now, address = app.clock.now(), f"{owner.hex}@example.com"
    entry = Suppression(kind="complaint", address_hash=owner.hex, reason="said so", actor="staff:1", created_at=now)
    name = CustomerIdentity(
        customer_id=owner,
        profile_id=owner,
        kind="email",
        value=address,
        normalised=address,
        created_at=now,
        retired_at=retired_at,
    )
    async with app.database.writing() as session:
        session.add_all([entry, name])
        await session.flush()
        session.add(SuppressedIdentity(suppression_id=entry.id, identity_id=name.id))


async def kept(app: App) -> int:
    async with app.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(ContactAudience)) or 0


async def test_of_a_segment_its_members_are_decided_and_nobody_else(app: App) -> None:
    anna, _ben, other_anna = await willing(app), await willing(app, "Ben"), await app.add_customer("Anna")

    audience = await decided(app, segmentId=await segment_of(app, "Anna"))

    assert await verdicts(app, audience) == {anna: "allowed", other_anna: "no_consent"}


async def test_an_audience_tells_how_many_came_out_how_once_it_is_done(app: App) -> None:
    [await willing(app, name) for name in ("Anna", "Ben")]
    await app.add_customer("Cleo")
    before = await asked(app)

    audience = await decided(app)

    assert before["audience"]["counts"] is None
    assert (await app.gql(AUDIENCE, {"id": audience}))["contactAudience"]["counts"] == [
        {"outcome": "ALLOW", "rule": "allowed", "customers": 2},
        {"outcome": "DENY", "rule": "no_consent", "customers": 1},
    ]


async def test_a_customer_is_found_in_every_audience(app: App) -> None:
    anna, _ben = await willing(app), await willing(app, "Ben")
    audiences = {await decided(app), await decided(app, customerIds=[str(anna)])}

    told = await app.gql(OF_CUSTOMER, {"id": str(anna)})

    assert {one["audienceId"] for one in told["contactVerdicts"]["nodes"]} == audiences
    assert told["contactVerdicts"]["totalCount"] == 2


async def test_customers_are_found_by_what_came_out_for_them(app: App) -> None:
    await willing(app)
    await app.add_customer("Ben")

    audience = await decided(app)

    found = (await app.gql(MAY_GO, {"id": audience}))["customers"]["nodes"]
    assert found == [{"displayName": "Anna"}]


async def test_a_segment_that_changes_meanwhile_counts_as_it_was_when_somebody_asked(app: App) -> None:
    anna, _ben = await willing(app), await willing(app, "Ben")
    segment = await segment_of(app, "Anna")
    payload = await asked(app, segmentId=segment)

    assert (await app.gql(CHANGE, {"id": segment, "name": "Ben"}))["segmentUpdate"]["errors"] == []
    await run_enqueued_job(app.server, "core.contact_audience")

    assert await verdicts(app, payload["audience"]["id"]) == {anna: "allowed"}


@pytest.mark.parametrize(
    ("whom", "code"),
    [
        ({"customerIds": [], "segmentId": "00000000-0000-7000-8000-000000000001"}, "INVALID"),
        ({"segmentId": "00000000-0000-7000-8000-000000000001"}, "NOT_FOUND"),
        ({"request": {**NEWSLETTER, "address": "anna@example.com"}}, "INVALID"),
    ],
    ids=["ids_and_a_segment", "unknown_segment", "one_address"],
)
async def test_what_is_no_audience_is_refused_and_nothing_is_kept(app: App, whom: dict[str, Any], code: str) -> None:
    payload = await asked(app, **whom)

    assert [error["code"] for error in payload["errors"]] == [code]
    assert await kept(app) == 0


async def test_who_may_not_see_segments_may_not_ask_about_one(app: App) -> None:
    segment = await segment_of(app, "Anna")
    sender = Actor("service", id=UUID(int=7), permissions=frozenset({"contact:send", "contact:read"}))

    answer = await app.ask(DECIDE, {"input": {"request": NEWSLETTER, "segmentId": segment}}, as_=sender)

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert await kept(app) == 0


async def test_entries_about_an_address_stop_its_owner_until_the_address_is_taken_out(app: App) -> None:
    anna, ben = await willing(app), await willing(app, "Ben")
    await complained(app, anna, None)
    await complained(app, ben, app.clock.now())

    audience = await decided(app)

    assert await verdicts(app, audience) == {anna: "complaint", ben: "allowed"}


async def test_what_a_broken_attempt_left_behind_is_decided_anew(app: App) -> None:
    anna = await willing(app)
    payload = await asked(app)
    audience = UUID(payload["audience"]["id"])
    async with app.database.writing() as session:
        session.add(ContactVerdict(audience_id=audience, customer_id=anna, outcome="DENY", rule="withdrawn"))

    await run_enqueued_job(app.server, "core.contact_audience")

    assert await verdicts(app, str(audience)) == {anna: "allowed"}


async def test_what_is_kept_about_a_customer_is_found_in_every_audience(app: App) -> None:
    anna, _ben = await willing(app), await willing(app, "Ben")
    audiences = [UUID(await decided(app)), UUID(await decided(app))]
    about_anna = rows_about([Table.metadata.tables["core_contact_verdict"].c.customer_id], [anna])

    async with app.database.reading() as session:
        found = await session.scalars(select(col(ContactVerdict.audience_id)).where(about_anna))

    assert sorted(found) == sorted(audiences)
