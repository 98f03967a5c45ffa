import pytest
from tests.plugins.preference_centre.page import Page, down_link, magic_link, opened, somebody

from regulars.testing.app import App
from regulars_preference_centre.page.words import DIRECTIONS


async def test_the_page_says_whose_it_is_and_when_it_closes(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        assert page.shown.url.path == "/preferences"
        assert "This page belongs to a•••••@example.org ." in page.text
        assert "closes in 30 minutes" in page.text
        head = page.shown.text.partition('id="who"')[2].partition("</section>")[0]
        assert "anna" not in head


async def test_a_link_in_a_message_opens_a_page_that_only_lowers(app: App) -> None:
    anna = await somebody(app)

    async with app.browser() as client:
        page = Page(client)
        answer = await page.get(down_link(app, anna))

        assert answer.status_code == 200
        assert "a•••••@example.org" in page.text
        assert "can only stop or lower what we send, whoever holds it" in page.text


async def test_not_you_ends_the_visit(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        await page.send("close")
        assert "Send me the link" in page.text

        await page.get()
        assert "Send me the link" in page.text


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [("", "", "en"), ("", "de-AT,de;q=0.9,en;q=0.8", "de"), ("?lang=ar", "de", "ar"), ("?lang=fr", "xx", "en")],
)
async def test_the_page_speaks_the_language_that_was_asked_for(
    app: App, query: str, accepted: str, language: str
) -> None:
    async with app.browser() as client:
        answer = await client.get(f"/preferences{query}", headers={"accept-language": accepted})

        assert f'<html lang="{language}" dir="{DIRECTIONS[language]}">' in answer.text


async def test_a_link_that_was_altered_opens_nothing(app: App) -> None:
    anna = await somebody(app)

    async with app.browser() as client:
        altered = await client.get(f"{down_link(app, anna)[:-1]}A")
        invented = await client.get("/preferences/by/nothing")

        assert (altered.status_code, invented.status_code) == (404, 404)
        assert "example.org" not in altered.text


async def test_the_link_of_a_mail_can_be_looked_at_as_often_as_one_likes_and_opens_once(app: App) -> None:
    anna = await somebody(app)
    link = await magic_link(app, anna)

    async with app.browser() as client:
        page = Page(client)
        looked = [(await page.get(link)).status_code for _ in range(3)]
        first = (await page.send("open")).status_code
        await page.get(link)
        again = (await page.send("open")).status_code

    assert (looked, first, again) == ([200, 200, 200], 200, 404)


async def test_an_address_below_the_page_that_there_is_not_says_so_in_the_language(app: App) -> None:
    async with app.browser() as client:
        answer = await client.get("/preferences/elsewhere/at/all?lang=de")

    assert answer.status_code == 404
    assert "Diese Seite gibt es nicht" in answer.text
    assert "/console" not in answer.text
