"""The cases P06, P07, P11 and P12 of the case file: the ways in, and what the page shows to whom."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col
from tests.plugins.preference_centre.page import (
    Page,
    agree,
    down_link,
    opened,
    outcome,
    send_lately,
    somebody,
    stream,
)

from regulars.consents.models import ConsentEvent
from regulars.messages.models import Message
from regulars.selfservice.models import CustomerSession
from regulars.testing.app import App


async def ask(app: App, address: str) -> httpx.Response:
    async with app.browser() as client:
        return await client.post("/preferences/ask", data={"address": address}, follow_redirects=False)


async def messages(app: App) -> Sequence[Message]:
    async with app.database.reading() as session:
        return (await session.scalars(select(Message).order_by(col(Message.created_at), col(Message.id)))).all()


async def consents(app: App, customer_id: UUID) -> Sequence[ConsentEvent]:
    async with app.database.reading() as session:
        query = select(ConsentEvent).where(col(ConsentEvent.customer_id) == customer_id)
        return (await session.scalars(query.order_by(col(ConsentEvent.id)))).all()


async def test_p06_a_known_and_an_unknown_address_get_the_same_answer(app: App) -> None:
    await somebody(app)

    known, unknown = await ask(app, "anna@example.org"), await ask(app, "nobody@example.org")

    assert (known.status_code, known.headers["location"]) == (303, "/preferences/sent")
    assert (unknown.status_code, unknown.headers["location"]) == (known.status_code, known.headers["location"])
    assert unknown.content == known.content
    assert {name: value for name, value in unknown.headers.items() if name != "x-request-id"} == {
        name: value for name, value in known.headers.items() if name != "x-request-id"
    }


async def test_p06_a_known_and_an_unknown_address_make_the_same_work(app: App) -> None:
    await somebody(app)

    await ask(app, "anna@example.org")
    await ask(app, "nobody@example.org")

    known, unknown = await messages(app)
    assert (known.customer_id, known.state, known.template) == (None, "pending", "preference_centre.link")
    assert (unknown.customer_id, unknown.state, unknown.template) == (known.customer_id, known.state, known.template)
    assert {known.address, unknown.address} == {"anna@example.org", "nobody@example.org"}


async def test_p06_asking_again_soon_is_the_same_mail(app: App) -> None:
    await ask(app, "anna@example.org")
    await ask(app, " Anna@Example.org ")
    app.clock.advance(timedelta(minutes=3))
    await ask(app, "anna@example.org")

    assert len(await messages(app)) == 2


async def test_p06_what_is_no_address_is_said_with_what_was_typed(app: App) -> None:
    answer = await ask(app, "anna at home")

    assert answer.status_code == 422
    assert "<title>Error: Your choices with us" in answer.text
    assert 'value="anna at home"' in answer.text
    assert '<a href="#address">' in answer.text
    assert await messages(app) == []


async def test_p07_a_forwarded_message_shows_a_masked_address_and_no_fact(app: App) -> None:
    anna = await somebody(app)
    await stream(app, "arrivals", "New arrivals")
    await agree(app, anna, "arrivals")
    await send_lately(app, anna, "arrivals", 3)

    async with app.browser() as friend:
        page = Page(friend)
        await page.get(down_link(app, anna, "arrivals"))

    assert "a•••••@example.org" in page.text
    assert "anna" not in page.shown.text.lower()
    assert "You get this" not in page.text
    assert "in the last 30 days" not in page.text
    assert "checked" not in page.shown.text
    assert page.sections == ["who", "stop", "less", "streams"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("streams/start", {"topic": "arrivals"}),
        ("channels/save", {"channel": "sms"}),
        ("channels/hours", {"from": "20:00", "to": "08:00"}),
        ("partners/start", {"partner": "glass"}),
        ("less/resume", {"pause": "x"}),
    ],
)
async def test_p07_a_forwarded_message_allows_and_shows_nothing(app: App, path: str, fields: dict[str, str]) -> None:
    anna = await somebody(app)
    await stream(app, "arrivals", "New arrivals")

    async with app.browser() as friend:
        answer = await friend.post(f"{down_link(app, anna)}/{path}", data=fields)

    assert answer.status_code == 404
    assert await consents(app, anna) == []


async def test_p07_a_forwarded_message_can_stop_a_stream(app: App) -> None:
    anna = await somebody(app)
    await stream(app, "arrivals", "New arrivals")
    await agree(app, anna, "arrivals")

    async with app.browser() as friend:
        page = Page(friend)
        await page.get(down_link(app, anna, "arrivals"))
        await page.send("streams/stop")

    newest = (await consents(app, anna))[-1]
    assert (newest.action, newest.purpose, newest.channel, newest.topic) == ("withdraw", "*", "*", "arrivals")
    assert "Stopped. It comes by no channel any more." in page.text
    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_p07_the_token_of_a_message_opens_no_session(app: App) -> None:
    anna = await somebody(app)
    token = down_link(app, anna).rpartition("/")[2]

    async with app.browser() as friend:
        answer = await friend.post("/preferences/open", data={"link": token})

    assert answer.status_code == 404
    async with app.database.reading() as session:
        assert (await session.scalars(select(CustomerSession))).all() == []


async def test_p07_the_page_behind_a_link_tells_nobody_where_it_was(app: App) -> None:
    anna = await somebody(app)

    async with app.browser() as friend:
        answer = await friend.get(down_link(app, anna))

    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "script" not in answer.headers["content-security-policy"]


async def test_p11_with_everything_off_the_page_opens_and_says_so(app: App) -> None:
    anna = await somebody(app)
    await stream(app, "arrivals", "New arrivals")
    await agree(app, anna, "arrivals")

    async with opened(app, anna) as page:
        await page.send("stop/all")
        app.clock.advance(timedelta(days=1))

    async with opened(app, anna) as page:
        assert page.shown.status_code == 200
        assert "Nothing comes to you at the moment" in page.text
        assert "You do not get this" in page.text


async def test_p11_with_everything_off_one_stream_can_be_switched_on_again(app: App) -> None:
    anna = await somebody(app)
    await stream(app, "arrivals", "New arrivals")
    await stream(app, "tastings", "Tastings")
    await agree(app, anna, "arrivals")
    async with opened(app, anna) as page:
        await page.send("stop/all")
    app.clock.advance(timedelta(days=1))

    async with opened(app, anna) as page:
        await page.send("streams/start")

        assert "Allowed. You will get it from now on." in page.text
    assert await outcome(app, anna, "arrivals") == "ALLOW"
    assert await outcome(app, anna, "tastings") == "DENY"


async def test_p12_what_nobody_described_is_listed_by_a_plain_name(app: App) -> None:
    anna = await somebody(app)
    await stream(app, "arrivals", "New arrivals")
    await agree(app, anna, "vip-churn-risk")

    async with opened(app, anna) as page:
        assert "Vip churn risk" in page.text
        assert page.shown.text.count("You get this") == 1


async def test_p12_what_came_without_a_name_of_its_own_is_listed_as_well(app: App) -> None:
    anna = await somebody(app)
    await agree(app, anna, "*")
    await send_lately(app, anna, "vip_churn.risk", 1)

    async with opened(app, anna) as page:
        assert "Vip churn risk" in page.text
        assert "Advertising in general, also of kinds that are not listed here" in page.text


async def test_p12_a_stream_that_is_offered_no_longer_is_listed_while_it_can_come(app: App) -> None:
    anna, bert = await somebody(app), await somebody(app, "Bert", "bert@example.org")
    await stream(app, "arrivals", "New arrivals", retired=True)
    await agree(app, anna, "arrivals")

    async with opened(app, anna) as page:
        assert "New arrivals" in page.text
    async with opened(app, bert, "bert@example.org") as page:
        assert "New arrivals" not in page.text


async def test_p12_what_nobody_described_can_be_switched_off(app: App) -> None:
    anna = await somebody(app)
    await agree(app, anna, "vip-churn-risk")

    async with opened(app, anna) as page:
        await page.send("streams/stop")

        assert "Stop: Vip churn risk" not in page.text
    assert await outcome(app, anna, "vip-churn-risk") == "DENY"


async def test_p12_no_stream_is_chosen_for_the_customer(app: App) -> None:
    anna = await somebody(app)
    await stream(app, "arrivals", "New arrivals")

    async with opened(app, anna) as page:
        assert "You do not get this" in page.text
        assert "“Yes, send me New arrivals by e-mail." in page.text
    assert await consents(app, anna) == []
