from typing import Any
from uuid import UUID

import pytest_asyncio
from tests.plugins.preference_centre.page import Page, down_link, opened, somebody

from regulars.testing.app import App
from regulars_preference_centre.answers import answers_of, define_question


@pytest_asyncio.fixture
async def anna(app: App) -> UUID:
    """Return a customer, and let the shop ask one question of each kind."""
    async with app.database.writing() as session:
        price: dict[str, dict[str, str]] = {"price": {"en": "Price", "de": "Preis"}, "taste": {"en": "Taste"}}
        for key, kind, title, options in (
            ("value", "matter", "What matters most", price),
            ("delivery", "roadblock", "Delivery costs too much", {}),
            ("hours", "roadblock", "Opening hours", {}),
            ("job", "fact", "Your profession", {}),
        ):
            await define_question(
                session,
                key=key,
                kind=kind,
                titles={"en": title, "de": f"{title} (de)"},
                options=options,
                topic=None,
                position=0,
            )
    return await somebody(app)


async def told(app: App, id: UUID) -> dict[str, Any]:
    """Return what the customer told, by question: the words, and whether they may be used."""
    async with app.database.reading() as session:
        answers = await answers_of(session, customer_id=id)
        return {key: (one.value, one.may_be_used) for key, one in answers.items()}


async def test_what_matters_is_chosen_and_taken_back(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("matters/values", **{"q.value": "taste"})
        assert "Saved what matters to you." in page.text
        assert "You told us on 2 March 2026" in page.text
        chosen = await told(app, anna)

        await page.send("matters/values", **{"q.value": ""})

    assert chosen == {"value": ("taste", False)}
    assert await told(app, anna) == {}


async def test_answers_aim_messages_only_where_the_last_line_is_ticked(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("matters/stops", **{"q.delivery": "yes"})
        before = await told(app, anna)
        await page.send("matters/stops", **{"q.delivery": "yes", "aim": "yes"})

        assert "Used for: choosing what we send you" in page.text
    assert before == {"delivery": ("yes", False)}
    assert await told(app, anna) == {"delivery": ("yes", True)}


async def test_nothing_is_ticked_beforehand(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        inside = page.shown.text.partition('id="matters"')[2].partition("</section>")[0]

    assert " checked" not in inside


async def test_an_answer_that_is_too_long_is_kept_in_its_field_and_nowhere_else(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        answer = await page.send("matters/facts", **{"q.job": "x" * 501})

        assert answer.status_code == 422
        assert '<a href="#matters-answers.job">Say it in up to 500 letters.</a>' in answer.text
        assert "x" * 501 in answer.text
    assert await told(app, anna) == {}


async def test_an_old_tab_does_not_undo_a_newer_answer(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("matters/facts", **{"q.job": "baker", "was.job": ""})
        answer = await page.send("matters/facts", **{"q.job": "cook", "was.job": ""})

        assert answer.status_code == 409
        assert "The newer choice stays: Your profession." in page.text
    assert await told(app, anna) == {"job": ("baker", False)}


async def test_an_answer_is_a_known_fact_that_can_be_deleted(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("matters/facts", **{"q.job": "baker"})
        assert "Your profession: baker You told us On this page" in page.text

        await page.send("known/delete", fact="answer:job")

    assert await told(app, anna) == {}


async def test_the_link_of_a_message_shows_no_answers(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("matters/facts", **{"q.job": "baker"})
    async with app.browser() as client:
        page = Page(client)
        await page.get(down_link(app, anna))
        sent = await client.post(f"{down_link(app, anna)}/matters/facts", data={"q.job": "cook"})

    assert "baker" not in page.shown.text
    assert sent.status_code == 404
    assert await told(app, anna) == {"job": ("baker", False)}
