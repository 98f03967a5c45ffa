"""The case P06 of the case file: what comes of a link that was asked for, once the messages are sent."""

import re
from datetime import timedelta

from tests.core.messages.conftest import Postman
from tests.plugins.preference_centre.page import Page, opened, somebody

from regulars.testing.app import App
from regulars.testing.background import send_messages
from regulars_preference_centre.manifest import manifest

LINK = re.compile(r"https://shop\.example\.org(/preferences/open\?link=\S+)")


async def ask(app: App, address: str, language: str = "en") -> None:
    await app.server.host.configure(manifest.id, {"public_url": "https://shop.example.org"})
    async with app.browser() as client:
        await client.post(f"/preferences/ask?lang={language}", data={"address": address})


async def test_p06_a_mail_goes_to_the_known_address_alone(app: App) -> None:
    postman = Postman()
    await somebody(app)
    await ask(app, "anna@example.org")
    await ask(app, "nobody@example.org")

    await send_messages(app.server, {"email": postman})

    assert [mail.address for mail in postman.taken] == ["anna@example.org"]


async def test_p06_the_link_in_the_mail_opens_the_page_in_its_language(app: App) -> None:
    postman = Postman()
    await somebody(app)
    await ask(app, "anna@example.org", "de")
    await send_messages(app.server, {"email": postman})

    found = LINK.search(postman.taken[0].content.text)
    assert found is not None
    async with app.browser() as client:
        page = Page(client)
        await page.get(found[1])
        await page.send("open")

        assert "Diese Seite gehört a•••••@example.org" in page.text


async def test_p06_an_address_that_two_claim_opens_nothing(app: App) -> None:
    postman = Postman()
    await app.add_customer("Anna", email="both@example.org")
    await app.add_customer("Bert", email="both@example.org")
    await ask(app, "both@example.org")

    await send_messages(app.server, {"email": postman})

    assert postman.taken == []


async def test_p06_after_five_links_in_an_hour_no_more_are_sent(app: App) -> None:
    postman = Postman()
    await somebody(app)
    for _ in range(7):
        await ask(app, "anna@example.org")
        await send_messages(app.server, {"email": postman})
        app.clock.advance(timedelta(minutes=3))

    assert len(postman.taken) == 5


async def test_p06_a_newer_link_makes_the_earlier_ones_void(app: App) -> None:
    postman = Postman()
    anna = await somebody(app)
    await ask(app, "anna@example.org")
    await send_messages(app.server, {"email": postman})
    found = LINK.search(postman.taken[0].content.text)
    assert found is not None

    async with opened(app, anna), app.browser() as client:
        page = Page(client)
        await page.get(found[1])
        await page.send("open")

        assert page.shown.status_code == 404
