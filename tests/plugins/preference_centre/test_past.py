import json
import re
from datetime import timedelta
from importlib.resources import files as files_of
from uuid import UUID

import jsonschema
import pytest_asyncio
from tests.plugins.preference_centre.page import Page, down_link, opened, somebody

from regulars.testing.app import App

PUBLISH = """mutation {
  noticePublish(input: {version: "n1", language: "en", text: "Yes, tell me about <tastings>."}) { errors { message } }
}"""
GRANT = """mutation ($id: ID!, $topic: String!) {
  consentGrant(input: {customerId: $id, purpose: "marketing.own", channel: "email", topic: $topic, reason: "asked",
                       noticeVersion: "n1", language: "en"}) { errors { message } }
}"""
WITHDRAW = """mutation ($id: ID!) {
  consentWithdraw(input: {customerId: $id, purpose: "*", channel: "*", reason: "enough"}) { errors { message } }
}"""
RECEIPT = re.compile(r'href="(/preferences/past/[^"]*)"')


@pytest_asyncio.fixture
async def anna(app: App) -> UUID:
    """Return a customer who asked for something, and then stopped everything."""
    id = await somebody(app)
    assert (await app.gql(PUBLISH))["noticePublish"]["errors"] == []
    assert (await app.gql(GRANT, {"id": str(id), "topic": "tastings"}))["consentGrant"]["errors"] == []
    app.clock.advance(timedelta(minutes=5))
    assert (await app.gql(WITHDRAW, {"id": str(id)}))["consentWithdraw"]["errors"] == []
    return id


async def test_choices_are_told_the_newest_first_with_the_text_as_shown(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        stopped, asked = page.text.index("You stopped everything"), page.text.index("You asked for Tastings")

        assert stopped < asked
        assert "by e-mail, written down by our staff" in page.text
        assert "“Yes, tell me about <tastings>.”" in page.text
        assert "<tastings>" not in page.shown.text


async def test_each_choice_has_a_receipt_that_fits_the_schema(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        links = RECEIPT.findall(page.shown.text)
        files = [await page.client.get(link) for link in links]

    schema = json.loads(files_of("regulars.consents").joinpath("receipt.schema.json").read_text())
    assert [file.status_code for file in files] == [200, 200]
    assert [list(jsonschema.Draft202012Validator(schema).iter_errors(file.json())) for file in files] == [[], []]
    assert files[0].headers["content-disposition"].startswith("attachment")


async def test_a_receipt_opens_for_nobody_else(app: App, anna: UUID) -> None:
    berta = await somebody(app, "Berta", "berta@example.org")
    async with opened(app, anna) as page:
        (link, _) = RECEIPT.findall(page.shown.text)

    async with opened(app, berta, "berta@example.org") as other:
        others = await other.client.get(link)
    async with app.browser() as client:
        nobodys = await client.get(link)

    assert (others.status_code, nobodys.status_code) == (404, 403)


async def test_the_link_of_a_message_tells_no_choices(app: App, anna: UUID) -> None:
    async with app.browser() as client:
        page = Page(client)
        await page.get(down_link(app, anna))

    assert "tastings" not in page.text.lower()
    assert "Your past choices" not in page.text
