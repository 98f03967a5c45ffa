import re
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import func, select
from tests.core.messages.conftest import Postman
from tests.plugins.preference_centre.page import Page, somebody

from regulars.customers.models import Customer
from regulars.suppressions.models import Suppression
from regulars.testing.app import App
from regulars.testing.background import send_messages

LINK = re.compile(r"(\S*/preferences/no-scores/open\?\S*)")
SCORED = "query ($id: ID!) { customer(id: $id) { isScored } }"
STRANGER = "Zoe@Example.net"


async def ask(client: httpx.AsyncClient, address: str, language: str = "en") -> httpx.Response:
    """Send the form that asks for a link."""
    return await client.post("/preferences/no-scores/ask", data={"address": address}, params={"lang": language})


async def link_in_mail(app: App, postman: Postman) -> str:
    """Return the address in the one mail that goes out."""
    await send_messages(app.server, {"email": postman})
    (mail,) = postman.taken
    found = LINK.search(mail.content.text)
    assert found is not None
    parts = urlsplit(found.group(1))
    return f"{parts.path}?{parts.query}"


async def entries(app: App) -> list[tuple[str, bool]]:
    """Return the kinds of the entries of the suppression list, and whether each is about an address."""
    async with app.database.reading() as session:
        rows = (await session.scalars(select(Suppression))).all()
    return sorted((row.kind, row.address_hash is not None) for row in rows)


async def count_customers(app: App) -> int:
    async with app.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Customer)) or 0


async def test_a_stranger_opts_out_in_two_steps_and_no_customer_is_made(app: App) -> None:
    postman = Postman()

    async with app.browser() as client:
        page = Page(client)
        asked = await ask(client, STRANGER)
        await page.get(await link_in_mail(app, postman))
        await page.send("no-scores/open")

        assert asked.headers["location"] == "/preferences/no-scores/sent?lang=en"
        assert "We did not create an account." in page.text
    assert await entries(app) == [("no_link", True), ("no_scoring", True)]
    assert await count_customers(app) == 0


async def test_whoever_comes_later_with_that_address_is_not_scored(app: App) -> None:
    postman = Postman()
    async with app.browser() as client:
        page = Page(client)
        await ask(client, STRANGER)
        await page.get(await link_in_mail(app, postman))
        await page.send("no-scores/open")

    zoe = await app.add_customer("Zoe", email="zoe@example.net")

    assert (await app.gql(SCORED, {"id": str(zoe)}))["customer"]["isScored"] is False


async def test_a_customer_who_opts_out_this_way_is_not_scored(app: App) -> None:
    anna, postman = await somebody(app), Postman()

    async with app.browser() as client:
        page = Page(client)
        await ask(client, "anna@example.org")
        await page.get(await link_in_mail(app, postman))
        await page.send("no-scores/open")

    assert (await app.gql(SCORED, {"id": str(anna)}))["customer"]["isScored"] is False


async def test_customers_and_strangers_get_the_same_answer_and_the_same_mail(app: App) -> None:
    await somebody(app)
    known, unknown = Postman(), Postman()

    async with app.browser() as client:
        of_known = await ask(client, "anna@example.org")
        link_of_known = await link_in_mail(app, known)
        of_unknown = await ask(client, STRANGER)
        link_of_unknown = await link_in_mail(app, unknown)

    assert (of_known.status_code, of_known.headers["location"]) == (303, of_unknown.headers["location"])
    assert of_known.content == of_unknown.content
    assert link_of_known.partition("=")[0] == link_of_unknown.partition("=")[0]
    assert known.taken[0].content.subject == unknown.taken[0].content.subject


async def test_looking_at_the_link_changes_nothing_and_tells_nobody_the_address(app: App) -> None:
    postman = Postman()

    async with app.browser() as client:
        await ask(client, STRANGER)
        link = await link_in_mail(app, postman)
        looked = [await client.get(link), await client.head(link)]

    assert [answer.status_code for answer in looked] == [200, 200]
    assert "example" not in link
    assert "zoe" not in looked[0].text.lower()
    assert await entries(app) == []


@pytest.mark.parametrize("proof", ["", "nothing", "A" * 80])
async def test_a_link_that_was_never_sent_stops_nothing(app: App, proof: str) -> None:
    async with app.browser() as client:
        answer = await client.post("/preferences/no-scores/open", data={"proof": proof})

    assert answer.status_code == 404
    assert await entries(app) == []


async def test_asking_again_at_once_sends_one_mail(app: App) -> None:
    postman = Postman()

    async with app.browser() as client:
        await ask(client, STRANGER)
        await ask(client, STRANGER.lower())
    await send_messages(app.server, {"email": postman})

    assert len(postman.taken) == 1


async def test_what_is_no_address_is_said_with_the_input_kept(app: App) -> None:
    async with app.browser() as client:
        answer = await ask(client, "zoe at example", "de")

    assert answer.status_code == 422
    assert 'value="zoe at example"' in answer.text
    assert '<a href="#address">Schreiben Sie Ihre E-Mail-Adresse wie anna@example.org.</a>' in answer.text
