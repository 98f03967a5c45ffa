"""What the page's forms keep, what they leave alone, and what they say when something is wrong."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col
from tests.plugins.preference_centre.page import Page, agree, down_link, opened, outcome, send_lately, somebody, stream

from regulars.consents.models import ConsentEvent, GpcSignal
from regulars.notices.models import Notice
from regulars.testing.app import App
from regulars_preference_centre.choices import CapChoice, keep_caps, keep_channels
from regulars_preference_centre.manifest import manifest
from regulars_preference_centre.models import Cap, ChannelChoice, Choices, Pause


@pytest.fixture
async def anna(app: App) -> UUID:
    id = await somebody(app)
    await stream(app, "arrivals", "New arrivals")
    await stream(app, "tastings", "Tastings")
    await agree(app, id, "arrivals")
    await agree(app, id, "tastings")
    return id


async def caps(app: App) -> dict[str, int | None]:
    async with app.database.reading() as session:
        return {row.topic: row.most for row in await session.scalars(select(Cap))}


async def test_how_often_shows_what_really_came(app: App, anna: UUID) -> None:
    await send_lately(app, anna, "arrivals", 6)
    await send_lately(app, anna, "tastings.riesling", 1)

    async with opened(app, anna) as page:
        assert "New arrivals 6 e-mails in the last 30 days" in page.text
        assert "Tastings 1 e-mail in the last 30 days" in page.text
        assert "All of it together 7 e-mails in the last 30 days" in page.text


async def test_only_what_was_touched_is_written(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("less/save", **{"level.*": "as_now", "level.arrivals": "weekly", "level.tastings": "as_now"})

        assert "Saved: how often." in page.text
    assert await caps(app) == {"arrivals": 1}


async def test_from_an_old_tab_the_newer_choice_stays_and_is_told(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        async with app.database.writing() as session:
            await keep_caps(
                session,
                customer_id=anna,
                seen={},
                wanted={"arrivals": CapChoice(0, 168), "tastings": CapChoice(1, 168)},
                now=app.clock.now(),
            )
        await page.send("less/save", **{"level.arrivals": "fortnightly"})

        assert page.shown.status_code == 409
        assert "You chose otherwise in the meantime" in page.text
        assert "The newer choice stays: New arrivals." in page.text
    assert await caps(app) == {"arrivals": 0, "tastings": 1}


async def test_none_is_never_and_the_page_says_so(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("less/save", **{"level.arrivals": "none"})

        assert "You allowed this, and set it to none" in page.text
    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_a_forwarded_message_can_only_lower_how_often(app: App, anna: UUID) -> None:
    async with app.database.writing() as session:
        await keep_caps(
            session,
            customer_id=anna,
            seen={},
            wanted={"arrivals": CapChoice(1, 672), "tastings": CapChoice(1, 168)},
            now=app.clock.now(),
        )

    async with app.browser() as client:
        page = Page(client)
        await page.get(down_link(app, anna))
        await page.send("less/save", **{"level.arrivals": "weekly", "level.tastings": "none"})

        assert "Saved: less of what you chose." in page.text
    assert await caps(app) == {"arrivals": 1, "tastings": 0}
    async with app.database.reading() as session:
        assert await session.scalar(select(col(Cap.window_h)).where(col(Cap.topic) == "arrivals")) == 672


async def test_a_pause_holds_until_its_day_and_can_be_ended(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("less/pause", until="2026-03-20")
        assert "Paused until 20 March 2026" in page.text
        paused = await outcome(app, anna, "arrivals")
        await page.send("less/resume")

        assert "The pause is over." in page.text
    assert (paused, await outcome(app, anna, "arrivals")) == ("DEFER", "ALLOW")


@pytest.mark.parametrize("day", ["2026-03-02", "2020-01-01", "tomorrow", ""])
async def test_a_day_that_is_none_is_said_at_the_top_and_at_the_field(app: App, anna: UUID, day: str) -> None:
    async with opened(app, anna) as page:
        await page.send("less/pause", until=day)

        assert page.shown.status_code == 422
        assert "<title>Error: Your choices with us" in page.shown.text
        assert '<a href="#less-until">Choose a day after today' in page.shown.text
        assert f'id="less-until" name="until" value="{day}"' in page.shown.text
        assert page.shown.text.index("error-summary") < page.shown.text.index("<h1>")
    async with app.database.reading() as session:
        assert (await session.scalars(select(Pause))).all() == []
        assert (await session.scalars(select(Choices))).all() == []


async def test_a_channel_that_is_switched_off_carries_nothing(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("channels/save", seen=["email", "sms"], channel=["sms"])

        assert "Saved: your channels." in page.text
        assert "You allowed this, and switched its channels off" in page.text
    async with app.database.reading() as session:
        rows = (await session.scalars(select(ChannelChoice))).all()
    assert [(row.channel, row.is_on) for row in rows] == [("email", False)]
    assert await outcome(app, anna, "arrivals") == "DENY"


async def test_a_channel_that_was_switched_off_elsewhere_stays_off(app: App, anna: UUID) -> None:
    async with app.database.writing() as session:
        await keep_channels(session, customer_id=anna, seen={}, wanted={"sms": False}, now=app.clock.now())

    async with opened(app, anna) as page:
        async with app.database.writing() as session:
            await keep_channels(
                session, customer_id=anna, seen={"sms": False}, wanted={"sms": True}, now=app.clock.now()
            )
            await keep_channels(session, customer_id=anna, seen={}, wanted={"email": False}, now=app.clock.now())
        await page.send("channels/save", seen=["email", "voice"], channel=["email", "voice", "sms"])

    async with app.database.reading() as session:
        rows = (await session.scalars(select(ChannelChoice))).all()
    assert {row.channel: row.is_on for row in rows} == {"sms": True, "email": False}


@pytest.mark.parametrize(
    ("begin", "end", "kept", "said"),
    [
        ("20:30", "09:00", ("20:30", "09:00"), "Saved: your quiet hours."),
        ("", "", None, "Saved: you have no quiet hours."),
        ("08:00", "08:00", None, "Saved: you have no quiet hours."),
    ],
)
async def test_quiet_hours_are_kept_as_times_on_the_wall(
    app: App, anna: UUID, begin: str, end: str, kept: tuple[str, str] | None, said: str
) -> None:
    async with opened(app, anna) as page:
        await page.send("channels/hours", **{"from": begin, "to": end})

        assert said in page.text
    async with app.database.reading() as session:
        row = (await session.scalars(select(Choices))).one()
    assert (row.quiet_from, row.quiet_to) == (kept or (None, None))


async def test_a_time_that_no_clock_shows_is_said_with_what_was_typed(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("channels/hours", **{"from": "20:30", "to": "9 in the morning"})

        assert page.shown.status_code == 422
        assert '<a href="#channels-to">Write a time such as 20:30</a>' in page.shown.text
        assert 'value="9 in the morning"' in page.shown.text
        assert 'name="from" value="20:30"' in page.shown.text


async def test_what_is_allowed_is_proven_by_the_words_that_were_shown(app: App, anna: UUID) -> None:
    await stream(app, "cellar", "Cellar letter")

    async with opened(app, anna) as page:
        await page.send("streams/start")

    async with app.database.reading() as session:
        entry = (await session.scalars(select(ConsentEvent).where(col(ConsentEvent.topic) == "cellar"))).one()
        notice = await session.get_one(Notice, (entry.notice_version, entry.language))
    assert notice.text == (
        "“Yes, send me Cellar letter by e-mail. I can stop at any time, on this page or in any message.”"
    )
    assert (entry.session, entry.origin, entry.text_sha256) == ("up", "customer", notice.text_sha256)


async def test_words_that_changed_since_are_shown_before_anything_is_allowed(app: App, anna: UUID) -> None:
    await stream(app, "cellar", "Cellar letter")

    async with opened(app, anna) as page:
        await stream(app, "cellar", "Cellar letter and offers")
        await page.send("streams/start")

        assert page.shown.status_code == 422
        assert "The words beside this button have changed." in page.text
        assert "Cellar letter and offers" in page.text
    async with app.database.reading() as session:
        query = select(func.count()).where(col(ConsentEvent.topic) == "cellar")
        assert await session.scalar(query) == 0


async def test_a_form_of_another_visit_changes_nothing(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        await page.send("less/save", visit="0" * 32, **{"level.arrivals": "none"})

        assert page.shown.status_code == 403
        assert "Your visit has ended" in page.text
    assert await caps(app) == {}


async def test_after_half_an_hour_nothing_is_changed(app: App, anna: UUID) -> None:
    async with opened(app, anna) as page:
        app.clock.advance(timedelta(minutes=30))
        await page.send("less/save", **{"level.arrivals": "none"})

        assert page.shown.status_code == 403
    assert await caps(app) == {}


@pytest.mark.parametrize("path", ["less/everything", "nothing/save", "who/save"])
async def test_a_form_that_there_is_not_is_not_found(app: App, anna: UUID, path: str) -> None:
    async with opened(app, anna) as page:
        _, hidden = page.form("less/save")

        assert (await page.client.post(f"/preferences/{path}", data=hidden)).status_code == 404


async def allow_partner(app: App) -> None:
    await app.server.host.configure(manifest.id, {"partners": [{"id": "glass", "title": "Glassware Ltd"}]})


async def test_a_partner_is_off_until_the_customer_allows_this_one(app: App, anna: UUID) -> None:
    await allow_partner(app)

    async with opened(app, anna) as page:
        off = "Off: we pass nothing on" in page.text
        await page.send("partners/start")
        on = "On: may write to you" in page.text
        app.clock.advance(timedelta(minutes=1))
        await page.send("partners/stop")

        assert (off, on, "Off: we pass nothing on" in page.text) == (True, True, True)
    async with app.database.reading() as session:
        entries = (await session.scalars(select(ConsentEvent).where(col(ConsentEvent.recipient).is_not(None)))).all()
    assert {entry.recipient for entry in entries} == {"glass"}


async def test_a_browser_that_asks_for_no_sharing_is_believed_as_soon_as_the_page_is_looked_at(
    app: App, anna: UUID
) -> None:
    await allow_partner(app)

    async with opened(app, anna) as page:
        await page.send("partners/start")
        app.clock.advance(timedelta(minutes=1))
        page.client.headers["sec-gpc"] = "1"
        await page.get()

        assert "Your browser asks us not to share or sell your data." in page.text
        assert "Off: we pass nothing on" in page.text
        assert await signals(app) == 1
        await page.get()
        await page.send("less/save")
        assert "Off: we pass nothing on" in page.text
    assert await signals(app) == 1


async def test_who_allows_a_partner_after_the_signal_means_it(app: App, anna: UUID) -> None:
    await allow_partner(app)

    async with opened(app, anna) as page:
        page.client.headers["sec-gpc"] = "1"
        await page.get()
        app.clock.advance(timedelta(minutes=1))
        await page.send("partners/start")
        await page.get()

        assert "On: may write to you" in page.text
    assert await signals(app) == 1


async def test_the_signal_of_whoever_opens_the_link_of_a_message_counts_only_when_a_form_is_sent(
    app: App, anna: UUID
) -> None:
    async with app.browser() as client:
        client.headers["sec-gpc"] = "1"
        page = Page(client)
        await page.get(down_link(app, anna))
        await page.client.head(down_link(app, anna))
        looked = await signals(app)
        await page.send("stop/all")

    assert (looked, await signals(app)) == (0, 1)


async def signals(app: App) -> int:
    async with app.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(GpcSignal)) or 0
