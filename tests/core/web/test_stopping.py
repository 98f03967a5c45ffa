"""The cases P01 to P05 of the case file: the stop link of messages."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select, update
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.consents.changes import ConsentChange
from regulars.consents.models import ConsentEvent
from regulars.consents.service import record_consent
from regulars.customers.models import Customer, CustomerIdentity
from regulars.selfservice.down_tokens import DownToken, write_down_token
from regulars.testing.app import App

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
BROWSER = {"accept": "text/html,application/xhtml+xml"}
GRANT = """mutation ($customer: ID!) {
  consentGrant(input: {customerId: $customer, purpose: "marketing.own", channel: "*", reason: "said so",
                       noticeVersion: "n1", language: "en"}) { errors { code } }
}"""
MAY = """query ($customer: ID!, $request: ContactRequestInput!) {
  contactDecision(customerId: $customer, request: $request) { outcome }
}"""


@pytest.fixture
async def anna(app: App) -> UUID:
    id = await app.add_customer("Anna", email="anna@example.org")
    async with app.database.writing() as session:
        await session.execute(update(CustomerIdentity).values(verified_at=app.clock.now()))
    return id


def link(app: App, customer_id: UUID, *, purpose: str = "*", topic: str = "books") -> str:
    token = DownToken(customer_id, purpose=purpose, topic=topic)
    return f"/stop/{write_down_token(token, secret=app.server.secret)}"


async def withdrawals(app: App) -> list[tuple[UUID, str, str, str, str]]:
    async with app.database.reading() as session:
        rows = await session.scalars(select(ConsentEvent).where(col(ConsentEvent.action) == "withdraw"))
        return [(row.customer_id, row.purpose, row.channel, row.topic, row.origin) for row in rows]


async def outcome(app: App, customer_id: UUID, contact_class: str, topic: str = "*") -> str:
    request = {"channel": "email", "class": contact_class, "topic": topic}
    decided = await app.gql(MAY, {"customer": str(customer_id), "request": request})
    return str(decided["contactDecision"]["outcome"])


async def allow_again(app: App, customer_id: UUID) -> None:
    """Let the customer, signed in afresh, allow the stream."""
    change = ConsentChange(
        customer_id,
        "grant",
        "marketing.own",
        "email",
        "Wants it",
        topic="books",
        session="up",
        notice_version="n1",
        language="en",
    )
    actor = Actor("customer", customer_id, customer_id=customer_id)
    async with app.database.writing() as session:
        await record_consent(
            session, change=change, registry=app.server.consent_registry, actor=actor, now=app.clock.now()
        )


def assert_is_unknown(answer: httpx.Response) -> None:
    problem = answer.json()
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert (problem["code"], problem["title"]) == ("LINK_UNKNOWN", "Not Found")
    assert "example.org" not in answer.text


async def test_p01_looking_at_the_link_changes_nothing(app: App, anna: UUID) -> None:
    looked = [await app.client.get(link(app, anna), headers=BROWSER) for _ in range(20)]
    headed = await app.client.head(link(app, anna))

    assert {answer.status_code for answer in (*looked, headed)} == {200}
    assert "no more messages about “books”" in looked[0].text
    assert '<input type="hidden" name="List-Unsubscribe" value="One-Click">' in looked[0].text
    assert await withdrawals(app) == []
    assert (await app.client.post(link(app, anna), data=ONE_CLICK)).status_code == 200


async def test_p01_the_page_shows_no_address_and_tells_nobody_of_the_link(app: App, anna: UUID) -> None:
    page = await app.client.get(link(app, anna), headers=BROWSER)

    assert "anna" not in page.text.lower()
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert 'href="/console"' not in page.text


async def test_p02_one_click_stops_at_once_without_a_cookie(app: App, anna: UUID) -> None:
    answer = await app.client.post(link(app, anna), data=ONE_CLICK)

    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert await withdrawals(app) == [(anna, "*", "*", "books", "customer")]


async def test_p02_one_click_may_come_as_multipart(app: App, anna: UUID) -> None:
    answer = await app.client.post(link(app, anna), files={"List-Unsubscribe": (None, "One-Click")})

    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert await withdrawals(app) == [(anna, "*", "*", "books", "customer")]


async def test_p02_the_same_click_again_is_one_withdrawal_and_a_note(app: App, anna: UUID) -> None:
    first = await app.client.post(link(app, anna), data=ONE_CLICK)
    again = await app.client.post(link(app, anna), data=ONE_CLICK)

    assert (first.status_code, again.status_code) == (200, 200)
    assert len(await withdrawals(app)) == 1
    assert len(await app.events("consent.withdrawn")) == 1
    assert len(await app.events("consent.withdrawal_repeated")) == 1


async def test_p02_a_click_after_a_new_consent_stops_anew(app: App, anna: UUID) -> None:
    await app.client.post(link(app, anna), data=ONE_CLICK)
    app.clock.advance(timedelta(days=1))
    await allow_again(app, anna)
    app.clock.advance(timedelta(days=1))

    await app.client.post(link(app, anna), data=ONE_CLICK)

    assert len(await withdrawals(app)) == 2
    assert await outcome(app, anna, "marketing", "books") == "DENY"


@pytest.mark.parametrize(
    "content",
    [b"", b"List-Unsubscribe=No", b"List-Unsubscribe=One-Click&" + b"x" * 20_000, b"\xff\xfe"],
    ids=["empty", "another word", "endless", "no text"],
)
async def test_p03_any_other_body_shows_the_button_and_changes_nothing(app: App, anna: UUID, content: bytes) -> None:
    headers = BROWSER | {"content-type": "application/x-www-form-urlencoded"}

    answer = await app.client.post(link(app, anna), content=content, headers=headers)

    assert answer.status_code == 200
    assert "<button>Stop these messages</button>" in answer.text
    assert await withdrawals(app) == []


async def test_p03_a_broken_multipart_body_changes_nothing(app: App, anna: UUID) -> None:
    headers = {"content-type": "multipart/form-data"}

    answer = await app.client.post(link(app, anna), content=b"--x\r\n", headers=headers)

    assert answer.status_code == 200
    assert await withdrawals(app) == []


async def test_p04_only_the_stream_stops_and_the_page_offers_all(app: App, anna: UUID) -> None:
    await app.gql(GRANT, {"customer": str(anna)})

    page = await app.client.post(link(app, anna), data=ONE_CLICK, headers=BROWSER)

    assert "sends you no more messages about “books”" in page.text
    assert "<button>Stop everything</button>" in page.text
    assert await outcome(app, anna, "marketing", "books") == "DENY"
    assert await outcome(app, anna, "marketing", "wines") == "ALLOW"
    assert await outcome(app, anna, "transactional", "books") == "ALLOW"


async def test_p04_the_button_for_all_stops_everything_but_what_belongs_to_orders(app: App, anna: UUID) -> None:
    await app.gql(GRANT, {"customer": str(anna)})

    page = await app.client.post(link(app, anna), data={"stop": "everything"}, headers=BROWSER)

    assert "no more advertising, newsletters and surveys" in page.text
    assert await withdrawals(app) == [(anna, "*", "*", "*", "customer")]
    assert await outcome(app, anna, "marketing", "wines") == "DENY"
    assert await outcome(app, anna, "transactional") == "ALLOW"


async def test_p05_an_altered_token_is_as_unknown_as_a_made_up_one(app: App, anna: UUID) -> None:
    address = link(app, anna)
    letter = "A" if address[10] != "A" else "B"

    altered = await app.client.post(f"{address[:10]}{letter}{address[11:]}", data=ONE_CLICK)
    made_up = await app.client.post("/stop/nobody", data=ONE_CLICK)

    assert_is_unknown(altered)
    assert_is_unknown(made_up)
    assert altered.json() | {"requestId": ""} == made_up.json() | {"requestId": ""}
    assert await withdrawals(app) == []


async def test_the_link_of_somebody_who_was_merged_stops_for_the_survivor(app: App, anna: UUID) -> None:
    merged = await app.add_customer("Anna Bell")
    await app.merge(survivor=anna, merged=merged)

    await app.client.post(link(app, merged), data=ONE_CLICK)

    assert await withdrawals(app) == [(anna, "*", "*", "books", "customer")]


async def test_the_link_of_somebody_who_was_erased_is_unknown(app: App, anna: UUID) -> None:
    async with app.database.writing() as session:
        await session.execute(update(Customer).where(col(Customer.id) == anna).values(status="erased"))

    assert_is_unknown(await app.client.get(link(app, anna)))
    assert_is_unknown(await app.client.post(link(app, anna), data=ONE_CLICK))
    assert await withdrawals(app) == []


async def test_whoever_stops_with_a_browser_that_asks_for_no_sharing_is_heeded(app: App, anna: UUID) -> None:
    asks = {**BROWSER, "sec-gpc": "1"}
    looked = await app.client.get(link(app, anna), headers=asks)
    before = await app.events("consent.gpc_seen")

    stopped = await app.client.post(link(app, anna), data=ONE_CLICK, headers=asks)

    assert [looked.status_code, stopped.status_code] == [200, 200]
    assert before == []
    assert [event.subject for event in await app.events("consent.gpc_seen")] == [f"customer:{anna}"]
