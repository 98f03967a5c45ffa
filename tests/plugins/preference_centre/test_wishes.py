from typing import Any
from uuid import UUID

import pytest
from tests.plugins.preference_centre.page import Page, down_link, opened, somebody

from regulars.testing.app import App
from regulars_preference_centre.streams import define_stream
from regulars_preference_centre.wishes import open_wishes

CONSENTS = "query ($id: ID!) { customer(id: $id) { consents { purpose channel topic status } } }"


async def wishes(app: App, id: UUID) -> list[dict[str, Any]]:
    """Return what the customer waits for."""
    async with app.database.reading() as session:
        found = await open_wishes(session, customer_id=id, now=app.clock.now())
        return [{"words": one.words, "channel": one.channel, "topic": one.topic, "ends": one.ends_at} for one in found]


async def consents(app: App, id: UUID) -> list[dict[str, str]]:
    found: list[dict[str, str]] = (await app.gql(CONSENTS, {"id": str(id)}))["customer"]["consents"]
    return found


async def test_a_wish_is_kept_with_its_end_and_allows_that_we_tell(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        assert "You are not waiting for anything yet." in page.text
        await page.send("wishes/add", words="the 2021  red", end="2026-03-31", channel="sms")

        assert "We look out for it from now on." in page.text
        assert "“the 2021 red”, by text message, until 31 March 2026" in page.text
        assert "You asked for news of “the 2021 red”" in page.text
    (wish,) = await wishes(app, anna)
    assert (wish["words"], wish["channel"], wish["ends"].isoformat()) == (
        "the 2021 red",
        "sms",
        "2026-04-01T00:00:00+00:00",
    )
    assert await consents(app, anna) == [
        {"purpose": "marketing.own", "channel": "sms", "topic": wish["topic"], "status": "granted"}
    ]


async def test_a_wish_that_is_removed_is_not_allowed_any_more(app: App) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        await page.send("wishes/add", words="the red")
        await page.send("wishes/remove")

        assert "Removed. We do not look out for it any more." in page.text
    assert await wishes(app, anna) == []
    assert [one["status"] for one in await consents(app, anna)] == ["withdrawn"]


async def test_a_wish_can_be_about_a_subject_of_the_shop(app: App) -> None:
    anna = await somebody(app)
    async with app.database.writing() as session:
        await define_stream(
            session,
            topic="books.tartt",
            purpose="marketing.own",
            channels=["email"],
            titles={"en": "Donna Tartt"},
            descriptions={},
            position=0,
            now=app.clock.now(),
        )

    async with opened(app, anna) as page:
        await page.send("wishes/add", words="her next book", topic="books.tartt")

        assert "“her next book”, about Donna Tartt, by e-mail" in page.text
    assert [one["topic"] for one in await wishes(app, anna)] == ["books.tartt"]


@pytest.mark.parametrize(
    ("fields", "target", "said"),
    [
        ({"words": " ! "}, "words", "Say in a few words what you are waiting for."),
        ({"words": "x" * 201}, "words", "Say it in up to 200 letters."),
        ({"words": "the red", "end": "2026-03-02"}, "end", "Choose a day after today, within two years."),
    ],
)
async def test_what_cannot_be_looked_for_is_said_beside_its_field_with_the_input(
    app: App, fields: dict[str, str], target: str, said: str
) -> None:
    anna = await somebody(app)

    async with opened(app, anna) as page:
        answer = await page.send("wishes/add", **fields)

        assert answer.status_code == 422
        assert f'<a href="#wishes-{target}">{said}' in answer.text
        assert fields["words"] in answer.text
    assert await wishes(app, anna) == []
    assert await consents(app, anna) == []


async def test_the_link_of_a_message_adds_and_shows_no_wishes(app: App) -> None:
    anna = await somebody(app)
    async with opened(app, anna) as page:
        await page.send("wishes/add", words="the red")

    async with app.browser() as client:
        page = Page(client)
        await page.get(down_link(app, anna))
        sent = await client.post(f"{down_link(app, anna)}/wishes/add", data={"words": "the white"})

    assert "the red" not in page.text
    assert sent.status_code == 404
    assert [one["words"] for one in await wishes(app, anna)] == ["the red"]
