"""Double opt-in: what was granted for somebody counts once they pressed a button behind a link to their address."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.plugins.preference_centre.mailing import links_in, mails_sent, path_of
from tests.plugins.preference_centre.page import outcome, stream

from regulars.testing.app import App
from regulars.testing.making import Configured
from regulars_preference_centre.manifest import manifest

GRANT = """mutation ($customer: ID!) {
  consentGrant(input: {customerId: $customer, purpose: "marketing.own", channel: "email", topic: "arrivals",
                       reason: "Ticked in the shop", noticeVersion: "n1", language: "de", needsConfirmation: true}) {
    consent { id } errors { code }
  }
}"""
STANDS = "query ($id: ID!) { customer(id: $id) { consents { topic status } identities { verifiedAt } } }"
REMOVE = "mutation ($id: ID!) { customerIdentityRemove(input: {id: $id}) { errors { code } } }"
TOO_OLD = timedelta(days=7)


@pytest.fixture
def plugins() -> Sequence[Configured]:
    return (Configured(manifest, {"public_url": "https://regulars.test"}),)


@pytest.fixture
async def anna(app: App) -> UUID:
    """A customer for whom a shop's clerk ticked a box; her address is not proved."""
    await stream(app, "arrivals", "New arrivals")
    id = await app.add_customer("Anna", email="anna@example.org")
    assert (await app.gql(GRANT, {"customer": str(id)}))["consentGrant"]["errors"] == []
    return id


async def link_sent(app: App) -> str:
    (mail,) = await mails_sent(app)
    (link,) = links_in(mail)
    return path_of(link)


async def pressed(client: httpx.AsyncClient, link: str) -> httpx.Response:
    """Press the button behind the link."""
    path, _, query = link.partition("?")
    given = httpx.QueryParams(query)
    where = f"{path}?lang={given.get('lang', 'en')}"
    return await client.post(where, data={"grant": given["grant"]}, follow_redirects=True)


async def standing(app: App, customer_id: UUID) -> dict[str, Any]:
    told: dict[str, Any] = (await app.gql(STANDS, {"id": str(customer_id)}))["customer"]
    return told


async def test_what_was_granted_for_somebody_waits_for_them(app: App, anna: UUID) -> None:
    (mail,) = await mails_sent(app)

    assert mail["Subject"] == "Bitte bestätigen: New arrivals von Your company"
    assert mail["List-Unsubscribe"] is None
    assert (await standing(app, anna))["consents"] == [{"topic": "arrivals", "status": "pending"}]
    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_the_mail_goes_once_however_often_it_is_told(app: App, anna: UUID) -> None:
    first = await mails_sent(app)
    again = await mails_sent(app)

    assert (len(first), len(again)) == (1, 0)


async def test_looking_confirms_nothing_and_the_button_does(app: App, anna: UUID) -> None:
    link = await link_sent(app)
    async with app.browser() as client:
        looked = [await client.get(link), await client.head(link), await client.get(link)]
        before = await outcome(app, anna, "arrivals")

        confirmed = await pressed(client, link)
        again = await pressed(client, link)

    assert [answer.status_code for answer in looked] == [200, 200, 200]
    assert "<button>" in looked[0].text
    assert (before, await outcome(app, anna, "arrivals")) == ("DENY", "ALLOW")
    assert (confirmed.status_code, again.status_code) == (200, 200)
    assert "Bestätigt" in confirmed.text
    told = await standing(app, anna)
    assert told["consents"] == [{"topic": "arrivals", "status": "granted"}]
    assert told["identities"][0]["verifiedAt"] is not None
    assert len(await app.events("consent.granted")) == 2


async def test_a_link_is_unknown_after_seven_days_and_changes_nothing(app: App, anna: UUID) -> None:
    link = await link_sent(app)
    app.clock.advance(TOO_OLD)

    async with app.browser() as client:
        answers = [await client.get(link), await pressed(client, link)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert (await standing(app, anna))["consents"] == [{"topic": "arrivals", "status": "pending"}]


@pytest.mark.parametrize("change", ["A", "", "ü"])
async def test_a_forged_link_is_unknown(app: App, anna: UUID, change: str) -> None:
    link = await link_sent(app)
    path, _, query = link.partition("?")
    token = httpx.QueryParams(query)["grant"]
    forged = f"{path}?grant={token[:20]}{change}{token[21 + len(change) :]}"

    async with app.browser() as client:
        answers = [await client.get(forged), await pressed(client, forged)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_a_link_to_an_address_that_is_theirs_no_longer_is_unknown(app: App, anna: UUID) -> None:
    link = await link_sent(app)
    asked = "query ($id: ID!) { customer(id: $id) { identities { id } } }"
    (identity,) = (await app.gql(asked, {"id": str(anna)}))["customer"]["identities"]
    assert (await app.gql(REMOVE, {"id": identity["id"]}))["customerIdentityRemove"]["errors"] == []

    async with app.browser() as client:
        answer = await pressed(client, link)

    assert answer.status_code == 404
    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_what_was_withdrawn_meanwhile_stays_withdrawn(app: App, anna: UUID) -> None:
    link = await link_sent(app)
    app.clock.advance(timedelta(minutes=1))
    await app.gql(
        """mutation ($customer: ID!) { consentWithdraw(input: {customerId: $customer, purpose: "*", channel: "*",
           reason: "enough"}) { errors { code } } }""",
        {"customer": str(anna)},
    )

    async with app.browser() as client:
        answer = await pressed(client, link)

    assert answer.status_code == 404
    assert await outcome(app, anna, "arrivals") == "DENY"
