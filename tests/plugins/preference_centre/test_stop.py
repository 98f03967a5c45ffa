"""The case P10 of the case file: stop everything, and undo it in the same browser."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col
from tests.plugins.preference_centre.page import Page, agree, down_link, opened, outcome, somebody, stream

from regulars.consents.models import ConsentEvent
from regulars.testing.app import App


async def ledger(app: App, customer_id: UUID) -> Sequence[ConsentEvent]:
    async with app.database.reading() as session:
        query = select(ConsentEvent).where(col(ConsentEvent.customer_id) == customer_id)
        return (await session.scalars(query.order_by(col(ConsentEvent.id)))).all()


async def somebody_who_gets_arrivals(app: App) -> UUID:
    anna = await somebody(app)
    await stream(app, "arrivals", "New arrivals")
    await agree(app, anna, "arrivals")
    return anna


async def test_p10_one_button_stops_everything_and_leads_to_what_stopped(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)

    async with opened(app, anna) as page:
        await page.send("stop/all")

    newest = (await ledger(app, anna))[-1]
    assert (newest.action, newest.purpose, newest.channel, newest.topic) == ("withdraw", "*", "*", "*")
    assert newest.origin == "customer"
    assert page.shown.url.path == "/preferences/stopped"
    assert [answer.status_code for answer in page.shown.history] == [303]
    assert f"Reference {newest.id}" in page.text
    assert "What still comes" in page.text
    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_p10_undo_within_ten_minutes_is_a_new_grant_by_the_customer(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)

    async with opened(app, anna) as page:
        await page.send("stop/all")
        app.clock.advance(timedelta(minutes=9))
        await page.send("stop/undo", then="")

    earlier, withdrawal, again = await ledger(app, anna)
    assert (again.action, again.origin, again.confirmed_at) == ("grant", "customer", app.clock.now())
    assert (again.purpose, again.channel, again.topic) == (earlier.purpose, earlier.channel, earlier.topic)
    assert (again.notice_version, again.text_sha256) == (earlier.notice_version, earlier.text_sha256)
    assert withdrawal.action == "withdraw"
    assert "What you had allowed before comes again." in page.text
    assert await outcome(app, anna, "arrivals") == "ALLOW"


async def test_p10_undo_by_the_link_of_a_message_works_in_the_browser_that_stopped(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)

    async with app.browser() as client:
        page = Page(client)
        await page.get(down_link(app, anna, "arrivals"))
        await page.send("stop/all")
        app.clock.advance(timedelta(minutes=1))
        await page.send("stop/undo", then="")

    assert await outcome(app, anna, "arrivals") == "ALLOW"


async def test_p10_a_scanner_with_the_same_link_can_undo_nothing(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)
    link = down_link(app, anna, "arrivals")

    async with app.browser() as client, app.browser() as scanner:
        page = Page(client)
        await page.get(link)
        await page.send("stop/all")
        app.clock.advance(timedelta(minutes=1))
        looked = await scanner.get(f"{link}/stopped")
        clicked = await scanner.post(f"{link}/stop/undo", follow_redirects=True)

    assert "Undo" not in looked.text
    assert "This can no longer be undone here" in clicked.text
    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_p10_after_ten_minutes_nothing_is_undone(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)

    async with opened(app, anna) as page:
        await page.send("stop/all")
        app.clock.advance(timedelta(minutes=10))
        target, hidden = page.form("stop/undo")
        await page.get("/preferences/stopped")
        late = await page.client.post(target, data=hidden, follow_redirects=True)

    assert "take it back until" not in page.text
    assert "This can no longer be undone here" in late.text
    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_p10_undoing_twice_grants_once(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)

    async with opened(app, anna) as page:
        await page.send("stop/all")
        app.clock.advance(timedelta(minutes=1))
        target, hidden = page.form("stop/undo")
        await page.client.post(target, data=hidden)
        await page.client.post(target, data=hidden)

    assert [entry.action for entry in await ledger(app, anna)] == ["grant", "withdraw", "grant"]


async def test_p10_undo_lifts_this_withdrawal_and_no_other(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)
    await agree(app, anna, "tastings")

    async with app.browser() as client:
        page = Page(client)
        await page.get(down_link(app, anna, "tastings"))
        await page.send("streams/stop", topic="tastings")
        app.clock.advance(timedelta(minutes=1))
        await page.send("stop/all")
        app.clock.advance(timedelta(minutes=1))
        await page.send("stop/undo", then="")

    assert await outcome(app, anna, "arrivals") == "ALLOW"
    assert await outcome(app, anna, "tastings") == "DENY"


async def test_p10_a_later_stop_by_another_way_stays(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)
    token = down_link(app, anna).rpartition("/")[2]

    async with opened(app, anna) as page, app.browser() as mail:
        await page.send("stop/all")
        app.clock.advance(timedelta(minutes=1))
        await agree(app, anna, "arrivals", days_ago=0)
        app.clock.advance(timedelta(minutes=1))
        await mail.post(f"/stop/{token}", data={"List-Unsubscribe": "One-Click"})
        app.clock.advance(timedelta(minutes=1))
        await page.send("stop/undo", then="")

    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_p10_less_instead_leads_to_how_often(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)

    async with opened(app, anna) as page:
        await page.send("stop/all")
        app.clock.advance(timedelta(minutes=1))
        await page.send("stop/undo", then="less")

        assert page.shown.url.path == "/preferences"
        assert "Now choose how much less you want." in page.text
        assert "New arrivals" in page.text


async def test_p10_the_browser_keeps_what_only_the_server_can_read(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)

    async with opened(app, anna) as page:
        await page.send("stop/all")

    kept = page.shown.history[0].headers["set-cookie"]
    assert kept.startswith("__Host-regulars-undo=")
    assert "HttpOnly" in kept
    assert "Secure" in kept
    assert "Max-Age=600" in kept
    assert "SameSite=lax" in kept


async def test_p10_stopping_what_is_stopped_is_no_second_entry(app: App) -> None:
    anna = await somebody_who_gets_arrivals(app)

    async with opened(app, anna) as page:
        await page.send("stop/all")
        await page.get()
        await page.send("stop/all")

    assert [entry.action for entry in await ledger(app, anna)] == ["grant", "withdraw"]
