"""What customers see of their score on their own page."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col
from tests.plugins.clv.test_lifetime_value import bookshop
from tests.plugins.preference_centre.page import Page, down_link, opened

from regulars.customers.models import CustomerIdentity
from regulars.testing.app import App
from regulars_clv.manifest import manifest as clv
from regulars_clv.models import ClvPastScore, ClvScore
from regulars_clv.range_chart import MonthRange, range_chart
from regulars_preference_centre.manifest import manifest as preference_centre

EMAIL = "anna@example.org"
DELETE = """mutation ($id: ID!) { traitDelete(input: {customerId: $id, key: "clv.tier"}) { errors { code } } }"""


@pytest.fixture
def plugins() -> Any:
    return [clv, preference_centre]


async def regular(app: App, orders: int = 6) -> UUID:
    """Return a customer with an address and some orders, in a shop where others buy as well."""
    await app.ingest(bookshop(app.clock.now(), customers=120))
    anna = await app.add_customer("Anna", email=EMAIL)
    async with app.database.writing() as session:
        confirmed = update(CustomerIdentity).where(col(CustomerIdentity.customer_id) == anna)
        await session.execute(confirmed.values(verified_at=app.clock.now()))
    for number in range(orders):
        await app.add_touchpoint(anna, amount="20.00", at=app.clock.now() - timedelta(days=20 * number + 10))
    return anna


async def rows(app: App, table: type[ClvScore | ClvPastScore], customer_id: UUID) -> int:
    """Return how many rows of a table are about a customer."""
    async with app.database.reading() as session:
        return len((await session.scalars(select(table).where(col(table.customer_id) == customer_id))).all())


async def put_into(app: App, customer_id: UUID, tier: str) -> None:
    """Put a customer into a tier."""
    async with app.database.writing() as session:
        await session.execute(update(ClvScore).where(col(ClvScore.customer_id) == customer_id).values(tier=tier))


async def test_the_score_is_shown_as_a_range_the_lower_bound_first_with_its_method(app: App) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")

    async with opened(app, anna, EMAIL) as page:
        shown = page.text.partition("What we expect you to buy")[2]

    low, _, high = shown.partition("at least €")[2].partition(", at best €")
    assert int(low) <= int(high.partition(".")[0].split()[0])
    assert "looks at when you ordered and for how much" in shown
    assert "90 of 100 cases" in shown
    assert "Version: mbgnbd-1." in shown


async def test_two_months_make_a_history_with_a_picture_and_the_same_as_a_table(app: App) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")
    app.clock.advance(timedelta(days=31))
    await app.run_job("clv.fit")
    await app.run_job("clv.fit")

    async with opened(app, anna, EMAIL) as page:
        html = page.shown.text

    assert await rows(app, ClvPastScore, anna) == 2
    assert html.count('role="img" aria-label="Ranges by month. Mar 2026: €') == 2
    assert '<th scope="row">Apr 2026</th>' in html


async def test_without_a_range_the_page_says_that_it_cannot_tell(app: App) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")
    async with app.database.writing() as session:
        await session.execute(update(ClvScore).values(value=None, low=None, high=None))

    async with opened(app, anna, EMAIL) as page:
        assert "Cannot tell What we know of your orders is not enough" in page.text


async def test_who_never_bought_is_told_that_there_is_no_score(app: App) -> None:
    anna = await regular(app, orders=0)
    await app.run_job("clv.fit")

    async with opened(app, anna, EMAIL) as page:
        assert "We have no score of you: you have not bought anything yet" in page.text


async def test_in_a_shop_that_scores_nobody_nothing_is_shown(app: App) -> None:
    anna = await regular(app)

    async with opened(app, anna, EMAIL) as page:
        assert "Nothing is computed of you at the moment." in page.text


async def test_what_the_shop_uses_scores_for_stands_beside_them_in_the_readers_language(app: App) -> None:
    anna = await regular(app)
    await app.server.host.configure("clv", {"used_for": {"en": "We keep a seat.", "de": "Wir halten Platz frei."}})
    await app.run_job("clv.fit")

    async with opened(app, anna, EMAIL) as page:
        await page.get("/preferences?lang=de")
        assert "Wir halten Platz frei." in page.text
        assert "Was Sie voraussichtlich kaufen" in page.text


@pytest.mark.parametrize(
    ("language", "title"), [("de", "Gewinn bisher"), ("ar", "الربح حتى الآن"), ("en", "Profit so far")]
)
async def test_the_facts_behind_a_score_are_called_by_names_in_the_readers_language(
    app: App, language: str, title: str
) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")
    await app.gql(DELETE, {"id": str(anna)})

    async with opened(app, anna, EMAIL) as page:
        await page.get(f"/preferences?lang={language}")

    assert f"<h3><bdi>{title}</bdi>: <bdi>" in page.shown.text
    assert ("Tier by expected profit" in page.text) == (language == "en")


@pytest.mark.parametrize(
    ("language", "use", "tier"),
    [
        ("en", "Used for: We keep a seat.", "Tier by expected profit: top 1 in 100 customers"),
        ("de", "Wofür: Wir halten Platz frei.", "Stufe nach erwartetem Gewinn: oberste 1 von 100 Kunden"),
        ("ar", "نستعمله من أجل: We keep a seat.", "الفئة حسب الربح المتوقع: ضمن أعلى 1 من كل 100 زبون"),
    ],
)
async def test_facts_say_what_the_shop_uses_scores_for_and_what_a_tier_means(
    app: App, language: str, use: str, tier: str
) -> None:
    anna = await regular(app)
    await app.server.host.configure("clv", {"used_for": {"en": "We keep a seat.", "de": "Wir halten Platz frei."}})
    await app.run_job("clv.fit")
    await put_into(app, anna, "top_1")

    async with opened(app, anna, EMAIL) as page:
        await page.get(f"/preferences?lang={language}")

    assert page.text.count(use) == 7
    assert tier in page.text
    assert "top_1" not in page.text


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "Probability of not having left: 96.5 %"),
        ("de", "Wahrscheinlichkeit, noch Kunde zu sein: 96,5 %"),
        ("ar", "احتمال البقاء زبونًا: 96.5 %"),
    ],
)
async def test_a_probability_is_shown_in_percent(app: App, language: str, shown: str) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")
    async with app.database.writing() as session:
        await session.execute(update(ClvScore).where(col(ClvScore.customer_id) == anna).values(p_alive=0.96513))

    async with opened(app, anna, EMAIL) as page:
        await page.get(f"/preferences?lang={language}")

    assert shown in page.text.replace("\xa0", " ")


@pytest.mark.parametrize(
    ("language", "guess", "seen"),
    [
        ("en", "From: our estimate from your orders", "From: your orders"),
        ("de", "Quelle: unsere Schätzung aus Ihren Bestellungen", "Quelle: Ihre Bestellungen"),
        ("ar", "المصدر: تقديرنا من مشترياتك", "المصدر: مشترياتك"),
    ],
)
async def test_facts_say_where_they_come_from_and_numbers_in_which_unit(
    app: App, language: str, guess: str, seen: str
) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")

    async with opened(app, anna, EMAIL) as page:
        await page.get(f"/preferences?lang={language}")

    assert (page.text.count(guess), page.text.count(seen)) == (6, 1)
    assert "clv" not in page.text
    assert len(re.findall(r": \d[\d.,]* EUR", page.text)) == 2
    assert len(re.findall(r": \d[\d.,]* %", page.text)) == 2


async def test_a_tier_is_told_as_it_was_when_the_score_was_made_with_the_name_that_the_shop_gave_it(app: App) -> None:
    anna = await regular(app)
    await app.server.host.configure("clv", {"tiers": {"gold": 12.5}})
    await app.run_job("clv.fit")
    await put_into(app, anna, "gold")
    await app.server.host.configure("clv", {"tiers": {"gold": 50}})

    async with opened(app, anna, EMAIL) as page:
        assert "Tier by expected profit: gold (top 12.5 in 100 customers)" in page.text
        await page.get("/preferences?lang=de")
        assert "gold (oberste 12,5 von 100 Kunden)" in page.text


@pytest.mark.parametrize(
    ("tier", "words"), [("rest", "below the top 70 in 100 customers"), ("unprofitable", "costs more than it brings")]
)
async def test_tiers_below_all_others_are_told_in_words_too(app: App, tier: str, words: str) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")
    await put_into(app, anna, tier)

    async with opened(app, anna, EMAIL) as page:
        assert f"Tier by expected profit: {words}" in page.text
        assert "Used for: nothing that is written down" in page.text


async def test_stopping_scores_on_the_page_takes_score_and_history_away(app: App) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")

    async with opened(app, anna, EMAIL) as page:
        await page.send("scores/stop")
        assert "We compute no scores of you" in page.text
    await app.deliver_events()
    await app.run_job("clv.fit")

    assert (await rows(app, ClvScore, anna), await rows(app, ClvPastScore, anna)) == (0, 0)


async def test_a_deleted_guess_of_this_plugin_takes_its_score_and_no_fit_makes_it_again(app: App) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")

    await app.gql(DELETE, {"id": str(anna)})
    await app.deliver_events()
    await app.run_job("clv.fit")

    async with opened(app, anna, EMAIL) as page:
        assert "Guesses that stay away Tier by expected profit" in page.text
    assert (await rows(app, ClvScore, anna), await rows(app, ClvPastScore, anna)) == (0, 0)


async def test_the_link_of_a_message_shows_no_score(app: App) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")

    async with app.browser() as client:
        page = Page(client)
        await page.get(down_link(app, anna))

    assert "expect you to buy" not in page.text


async def test_history_is_part_of_a_copy_and_goes_with_an_erasure(app: App) -> None:
    anna = await regular(app)
    await app.run_job("clv.fit")

    told = (await app.export_personal_data(anna))["clv"]
    erased = (await app.erase_personal_data(anna))["clv"]

    assert [one["month"] for one in told["earlier"]] == ["2026-03"]
    assert erased["clv_past_score"] == 1


def months(*bounds: tuple[float, float]) -> list[MonthRange]:
    return [MonthRange(f"M{n} 2026", low, high, f"€{low:g}", f"€{high:g}") for n, (low, high) in enumerate(bounds)]


def test_bars_start_at_the_lower_and_end_at_the_upper_bound_above_a_zero_that_is_drawn() -> None:
    chart = range_chart(
        months((20, 60), (50, 100)), width=560, height=210, is_right_to_left=False, are_all_written=True
    )

    first, last = chart.bars
    assert [tick.value for tick in chart.ticks] == [50, 100]
    assert last.y == 26.0
    assert last.y + last.height == pytest.approx(26 + 158 / 2)
    assert first.y > last.y
    assert first.x < last.x
    assert chart.base == 184


def test_time_runs_in_reading_direction() -> None:
    chart = range_chart(months((20, 60), (50, 100)), width=560, height=210, is_right_to_left=True, are_all_written=True)

    assert chart.bars[0].x > chart.bars[1].x


def test_a_range_of_nothing_is_drawn_on_the_line_of_zero() -> None:
    chart = range_chart(months((0, 0), (0, 0)), width=260, height=190, is_right_to_left=False, are_all_written=False)

    assert {bar.y for bar in chart.bars} == {chart.base}
    assert [tick.value for tick in chart.ticks] == [5, 10]
