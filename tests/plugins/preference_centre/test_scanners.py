"""Mail programs and scanners look at every link of every mail: whatever they look at, nothing changes."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from tests.plugins.preference_centre.mailing import all_rows, links_in, mails_sent, path_of
from tests.plugins.preference_centre.page import agree, somebody, stream

from regulars.testing.app import App
from regulars.testing.making import Configured
from regulars_preference_centre.manifest import manifest

WISH = """mutation ($customer: ID!) {
  alertRequest(input: {customerId: $customer, words: "the red"}) { alertRequest { topic } errors { code } }
}"""
ANNOUNCE = """mutation {
  itemAnnounce(input: {key: "red", title: "The red of 2026", url: "https://regulars.test/live"}) { errors { code } }
}"""
GRANT = """mutation ($customer: ID!) {
  consentGrant(input: {customerId: $customer, purpose: "marketing.own", channel: "email", topic: "arrivals",
                       reason: "Ticked in the shop", noticeVersion: "n1", language: "en", needsConfirmation: true}) {
    errors { code }
  }
}"""
LANGUAGE = """mutation ($id: ID!, $language: String!) {
  customerUpdate(input: {id: $id, language: $language}) { errors { code } }
}"""
ALERT_SUBJECT = "The red of 2026"


@pytest.fixture
def plugins() -> Sequence[Configured]:
    return (Configured(manifest, {"public_url": "https://regulars.test"}),)


@pytest.fixture
def server_settings() -> dict[str, Any]:
    return {"public_url": "https://regulars.test"}


async def one_mail_of_each_kind(app: App, language: str) -> UUID:
    """Return a customer who is sent a link to the page, something to confirm, and news they asked for."""
    await stream(app, "arrivals", "New arrivals")
    anna = await somebody(app)
    await app.gql(LANGUAGE, {"id": str(anna), "language": language})
    await agree(app, anna, "*")
    await app.gql(WISH, {"customer": str(anna)})
    await app.gql(ANNOUNCE)
    await app.gql(GRANT, {"customer": str(anna)})
    async with app.browser() as client:
        asked = await client.post(f"/preferences/ask?lang={language}", data={"address": "anna@example.org"})
    assert asked.status_code == 303
    return anna


@pytest.mark.parametrize("language", ["en", "de", "ar"])
async def test_a_look_at_every_link_of_every_mail_changes_no_row_of_any_table(app: App, language: str) -> None:
    await one_mail_of_each_kind(app, language)
    mails = await mails_sent(app)
    links = [link for mail in mails for link in links_in(mail)]
    before = await all_rows(app)

    async with app.browser() as client:
        looks = [
            await client.request(method, path_of(link), follow_redirects=True)
            for link in links
            for method in ("GET", "HEAD", "GET")
        ]

    assert len(mails) == 3
    assert len(links) >= 4
    assert {look.status_code for look in looks} == {200}
    assert await all_rows(app) == before


async def test_only_the_mail_of_a_stream_can_be_stopped_with_one_click_of_the_mail_program(app: App) -> None:
    await one_mail_of_each_kind(app, "en")

    mails = {str(mail["Subject"]): mail for mail in await mails_sent(app)}

    alert = mails.pop(ALERT_SUBJECT)
    assert alert["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    (stop,) = [link.strip("<>") for link in str(alert["List-Unsubscribe"]).split(",")]
    assert stop.startswith("https://regulars.test/")
    assert [mail["List-Unsubscribe"] for mail in mails.values()] == [None, None]
    async with app.browser() as client:
        clicked = await client.post(path_of(stop), data={"List-Unsubscribe": "One-Click"})
    assert (clicked.status_code, len(clicked.cookies)) == (200, 0)
    assert len(await app.events("consent.withdrawn")) == 1
