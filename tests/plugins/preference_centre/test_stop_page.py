"""The core's page behind a stop link, with the names of the preference centre, and the way to it."""

import pytest
from tests.plugins.preference_centre.page import Page, down_link, somebody, stream

from regulars.testing.app import App
from regulars_preference_centre.streams import define_stream


async def stop_link(app: App, topic: str = "arrivals") -> str:
    return f"/stop/{down_link(app, await somebody(app), topic).rpartition('/')[2]}"


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Your company sends you no more messages about “New arrivals”."),
        ("de", "Your company Ihnen dies nicht mehr: Nachrichten zu „Neu im Laden“."),
        ("ar", "بعد الآن: رسائل عن «New arrivals»."),
    ],
)
async def test_the_stop_page_calls_a_stream_by_its_name(app: App, language: str, said: str) -> None:
    async with app.database.writing() as session:
        await define_stream(
            session,
            topic="arrivals",
            purpose="marketing.own",
            channels=["email"],
            titles={"en": "New arrivals", "de": "Neu im Laden"},
            descriptions={},
            position=0,
            now=app.clock.now(),
        )

    async with app.browser() as client:
        page = Page(client)
        await page.get(f"{await stop_link(app)}?lang={language}")

    assert said in page.text
    assert f'<html lang="{language}"' in page.shown.text


async def test_the_stop_page_calls_a_topic_that_nobody_described_by_a_plain_name(app: App) -> None:
    async with app.browser() as client:
        page = Page(client)
        await page.get(await stop_link(app, "vip-churn_risk"))

    assert "no more messages about “Vip churn risk”" in page.text


async def test_the_stop_page_leads_to_the_other_choices(app: App) -> None:
    await stream(app, "arrivals", "New arrivals")
    link = await stop_link(app)

    async with app.browser() as client:
        page = Page(client)
        await page.get(link)
        assert f'href="/preferences/by/{link.rpartition("/")[2]}"' in page.shown.text
        await page.get(f"/preferences/by/{link.rpartition('/')[2]}")

        assert "a•••••@example.org" in page.text
