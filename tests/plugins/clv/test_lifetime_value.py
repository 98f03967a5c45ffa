"""Lifetime value in the database: from the touchpoints of a shop to what anybody can ask."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from regulars import JobRun
from regulars.clock import SettableClock
from regulars.demo.cdnow import cdnow_purchases
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp
from regulars.testing.shop import Happening
from regulars_clv import plugin as hooks
from regulars_clv.manifest import manifest
from regulars_clv.models import ClvStagedScore
from regulars_clv.preparation import Prepared
from regulars_clv.purchases import read_ledger

CUT = date(1997, 9, 30)
NIGHT_AFTER = datetime(1997, 10, 1, 3, tzinfo=UTC)
BEST = """
query Best($where: CustomerWhere, $first: Int) {
  customers(first: $first, where: $where, orderBy: [{field: CLV_VALUE, direction: DESC, nulls: LAST}]) {
    nodes {
      displayName
      clv {
        value { amount currency } low { amount } high { amount } level tier percentile pAlive expectedOrders
        pastProfit { amount } netValue { amount } modelVersion asOf stale warnings
      }
    }
  }
}
"""
MODELS = "{ clvModels { nodes { version name customers repeaters logLikelihood isDegenerate report warnings } } }"


@pytest.fixture
def plugins() -> Any:
    return [manifest]


async def best(app: App, where: Mapping[str, Any] | None = None, first: int = 100) -> list[dict[str, Any]]:
    found = await app.gql(BEST, {"where": where, "first": first}, as_="analyst")
    nodes: list[dict[str, Any]] = found["customers"]["nodes"]
    return nodes


async def score_of(app: App, name: str) -> dict[str, Any] | None:
    (customer,) = await best(app, {"displayName": {"eq": name}})
    score: dict[str, Any] | None = customer["clv"]
    return score


def bookshop(now: datetime, customers: int = 120) -> dict[str, list[Happening]]:
    """Return the orders of readers who buy at their own pace, and of whom some have left."""
    random = Random(11)
    return {f"Reader {number}": orders_of(random, now) for number in range(customers)}


def orders_of(random: Random, now: datetime) -> list[Happening]:
    pace, leaves = random.gammavariate(0.8, 0.05), random.betavariate(1.0, 3.0)
    usual = 15 / random.gammavariate(3.7, 0.5)
    day = random.uniform(60, 400)
    orders: list[Happening] = []
    while day > 2 and (not orders or random.random() > leaves):
        orders.append(Happening(now - timedelta(days=day), f"{random.gammavariate(6.0, usual / 6):.2f}"))
        day -= random.expovariate(pace)
    return orders


async def test_scores_come_with_range_model_and_date(app: App) -> None:
    await app.ingest({**bookshop(app.clock.now()), "Visitor": []})

    job = await app.run_job("clv.fit")

    scored = await best(app)
    values = [Decimal(one["clv"]["value"]["amount"]) for one in scored]
    first = scored[0]["clv"]
    assert job.result is not None
    assert (job.status, job.result["customers"]) == ("SUCCEEDED", 120)
    assert values == sorted(values, reverse=True)
    assert Decimal(first["low"]["amount"]) <= values[0] <= Decimal(first["high"]["amount"])
    assert (first["value"]["currency"], first["tier"], first["percentile"], first["level"]) == (
        "EUR",
        "top_1",
        100,
        0.9,
    )
    assert 0 < first["pAlive"] <= 1
    assert (first["modelVersion"], first["asOf"]) == ("mbgnbd-1", "2026-03-02T12:00:00.000000Z")
    assert (first["stale"], first["warnings"]) == (False, ["REVENUE_STANDS_IN"])
    assert await score_of(app, "Visitor") is None


async def test_scores_filter_customers_as_a_field_and_as_a_trait(app: App) -> None:
    await app.ingest(bookshop(app.clock.now()))
    await app.run_job("clv.fit")

    by_field = await best(app, {"clv": {"tier": {"in": ["top_1", "top_10"]}, "percentile": {"gt": 50.5}}})
    by_trait = await best(app, {"traits": {"clvTier": {"in": ["top_1", "top_10"]}, "clvPercentile": {"gt": "50.5"}}})

    assert len(by_field) == 12
    assert by_trait == by_field


async def test_a_trait_tells_that_a_model_guessed_it(app: App) -> None:
    await app.ingest(bookshop(app.clock.now(), customers=40))
    await app.run_job("clv.fit")

    (customer,) = (await app.gql("{ customers(first: 1) { nodes { traits { key provenance asOf } } } }"))["customers"][
        "nodes"
    ]

    told = {trait["key"]: trait["provenance"] for trait in customer["traits"] if trait["key"].startswith("clv.")}
    assert (told["clv.value"], told["clv.past_profit"]) == ("inferred", "observed")


async def test_whoever_may_not_see_values_can_neither_read_filter_nor_sort_by_them(app: App) -> None:
    await app.ingest(bookshop(app.clock.now(), customers=40))
    await app.run_job("clv.fit")

    read = await app.ask("{ customers(first: 1) { nodes { displayName clv { tier } } } }", as_="frontline")
    sort = await app.ask("{ customers(orderBy: [{field: CLV_VALUE}]) { nodes { id } } }", as_="frontline")

    assert read["data"]["customers"]["nodes"][0]["clv"] is None
    assert [error["extensions"]["code"] for error in (*read["errors"], *sort["errors"])] == ["FORBIDDEN"] * 2


async def test_what_happens_after_a_fit_makes_its_score_stale(app: App) -> None:
    ids = await app.ingest(bookshop(app.clock.now(), customers=40))
    await app.run_job("clv.fit")
    app.clock.advance(timedelta(hours=1))

    await app.add_touchpoint(ids["Reader 1"], amount="5.00")
    await app.deliver_events()

    assert (await score_of(app, "Reader 1"))["stale"] is True  # type: ignore[index]
    assert (await score_of(app, "Reader 2"))["stale"] is False  # type: ignore[index]


async def test_what_happened_on_the_day_of_a_fit_is_stale_from_the_start(app: App) -> None:
    ids = await app.ingest(bookshop(app.clock.now(), customers=40))
    await app.add_touchpoint(ids["Reader 1"], amount="5.00")

    await app.run_job("clv.fit")
    await app.deliver_events()

    assert (await score_of(app, "Reader 1"))["stale"] is True  # type: ignore[index]
    assert (await score_of(app, "Reader 2"))["stale"] is False  # type: ignore[index]


async def test_a_merged_customer_has_one_score_again_after_the_next_fit(app: App) -> None:
    ids = await app.ingest(bookshop(app.clock.now(), customers=40))
    await app.run_job("clv.fit")
    app.clock.advance(timedelta(hours=1))

    await app.merge(survivor=ids["Reader 1"], merged=ids["Reader 2"])
    after_merge = await score_of(app, "Reader 1")
    await app.run_job("clv.fit")

    again = await score_of(app, "Reader 1")
    assert after_merge is not None
    assert again is not None
    assert (after_merge["stale"], again["stale"], again["modelVersion"]) == (True, False, "mbgnbd-2")
    assert Decimal(again["pastProfit"]["amount"]) > Decimal(after_merge["pastProfit"]["amount"])


async def test_whoever_opts_out_loses_their_score_and_gets_none_at_the_next_fit(app: App) -> None:
    ids = await app.ingest(bookshop(app.clock.now(), customers=40))
    await app.run_job("clv.fit")
    out = "mutation ($input: ScoringChoiceInput!) { scoringOptOut(input: $input) { errors { code } } }"

    await app.gql(out, {"input": {"customerId": str(ids["Reader 1"]), "reason": "By the page."}})
    await app.deliver_events()
    at_once = await score_of(app, "Reader 1")
    await app.run_job("clv.fit")

    assert at_once is None
    assert await score_of(app, "Reader 1") is None
    assert await score_of(app, "Reader 2") is not None


async def test_a_shop_in_which_nobody_bought_says_so_and_keeps_no_score(app: App) -> None:
    await app.ingest({"Visitor": [Happening(app.clock.now() - timedelta(days=3), type="visit", channel="web")]})

    job = await app.run_job("clv.fit")

    assert job.status == "FAILED"
    assert "Nobody has bought anything in EUR" in (job.problem or "")
    assert (await app.gql(MODELS, as_="analyst"))["clvModels"]["nodes"] == []


async def test_where_leaving_cannot_be_seen_nobody_is_told_whether_they_left(app: App) -> None:
    day = app.clock.now() - timedelta(days=365)
    histories = {
        f"Reader {number}": [
            Happening(day + timedelta(days=float(place * 350 / (1 + number % 9))), "10.00")
            for place in range(2 + number % 9)
        ]
        for number in range(90)
    }
    await app.ingest(histories)

    await app.run_job("clv.fit")

    score = await score_of(app, "Reader 3")
    (model,) = (await app.gql(MODELS, as_="analyst"))["clvModels"]["nodes"]
    assert model["isDegenerate"] is True
    assert score is not None
    assert score["pAlive"] is None
    assert score["expectedOrders"] > 0
    assert "DEGENERATE" in score["warnings"]


async def test_refunds_take_off_profit_and_are_no_purchases(app: App) -> None:
    now = app.clock.now()
    histories = bookshop(now, customers=40)
    histories["Buyer"] = [Happening(now - timedelta(days=90), "100.00"), Happening(now - timedelta(days=60), "100.00")]
    back = Happening(now - timedelta(days=50), "-30.00", "refund")
    histories["Returner"] = [*histories["Buyer"], back]
    histories["Only returns"] = [back]
    await app.ingest(histories)

    await app.run_job("clv.fit")

    buyer, returner = await score_of(app, "Buyer"), await score_of(app, "Returner")
    assert buyer is not None
    assert returner is not None
    assert (buyer["pastProfit"]["amount"], returner["pastProfit"]["amount"]) == ("200.00", "170.00")
    assert buyer["expectedOrders"] == returner["expectedOrders"]
    assert await score_of(app, "Only returns") is None


async def test_an_order_without_an_amount_is_a_purchase_of_nothing(app: App) -> None:
    now = app.clock.now()
    gift = [Happening(now - timedelta(days=days)) for days in (80, 40)]
    await app.ingest({**bookshop(now, customers=40), "Winner": gift})

    job = await app.run_job("clv.fit")

    winner = await score_of(app, "Winner")
    assert job.status == "SUCCEEDED"
    assert winner is not None
    assert winner["pastProfit"]["amount"] == "0.00"


@pytest.mark.parametrize(
    ("zone", "repeats", "until"), [("UTC", 1, 2), ("Europe/Berlin", 0, 1), ("Pacific/Auckland", 1, 2)]
)
async def test_a_purchase_falls_on_the_day_of_the_company(app: App, zone: str, repeats: int, until: int) -> None:
    # In Berlin, where summer time began that night, both are on the 31st; in Auckland the second is on 1 April.
    late = [datetime(2024, 3, 30, 23, 30, tzinfo=UTC), datetime(2024, 3, 31, 21, 30, tzinfo=UTC)]
    await app.ingest({"Night owl": [Happening(at, "10.00") for at in late]})

    async with app.database.reading() as session:
        ledger = await read_ledger(session, currency="EUR", time_zone=zone, until=date(2024, 4, until))

    assert ledger.history.frequency.tolist() == [repeats]
    assert ledger.revenue.tolist() == [20.0]


def cdnow_until(cut: date) -> dict[str, list[Happening]]:
    histories: dict[str, list[Happening]] = {}
    for purchase in cdnow_purchases():
        if purchase.day <= cut:
            noon = datetime(purchase.day.year, purchase.day.month, purchase.day.day, 12, tzinfo=UTC)
            histories.setdefault(purchase.customer, []).append(Happening(noon, purchase.amount))
    return histories


@pytest.fixture
def in_autumn_1997(clock: SettableClock) -> None:
    """Turn the clock to the night after the end of CDNOW's calibration."""
    clock.advance(NIGHT_AFTER - clock.now())


@pytest.mark.usefixtures("in_autumn_1997")
async def test_cdnow_from_the_database_is_cdnow_from_the_file(app: App, cdnow_prepared: Prepared) -> None:
    ids = await app.ingest(cdnow_until(CUT))

    async with app.database.reading() as session:
        ledger = await read_ledger(session, currency="EUR", time_zone="UTC", until=CUT)

    place = {id: number for number, id in enumerate(ledger.customer_ids)}
    order = np.array([place[ids[name]] for name in cdnow_prepared.customer_ids])
    for name in ("frequency", "recency", "age"):
        assert np.array_equal(getattr(ledger.history, name)[order], getattr(cdnow_prepared.history, name))
    assert ledger.history.monetary_value[order] == pytest.approx(cdnow_prepared.history.monetary_value, abs=1e-9)


@pytest.mark.usefixtures("in_autumn_1997")
async def test_the_job_finds_the_published_parameters_of_cdnow(app: App, reference: dict[str, Any]) -> None:
    await app.server.host.configure("clv", {"model": "bgnbd"})
    await app.ingest(cdnow_until(CUT))

    await app.run_job("clv.fit")

    (model,) = (await app.gql(MODELS, as_="analyst"))["clvModels"]["nodes"]
    expected, spend = reference["fits"]["bgnbd"], reference["fits"]["gamma_gamma"]
    assert (model["customers"], model["repeaters"], model["isDegenerate"]) == (2357, 946, False)
    assert model["report"]["parameters"] == pytest.approx(expected["parameters"], rel=2e-5)
    assert model["logLikelihood"] == pytest.approx(expected["log_likelihood"], abs=1e-3)
    assert model["report"]["standard_errors"] == pytest.approx(expected["standard_errors"], rel=1e-3)
    assert model["report"]["gamma_gamma"]["parameters"] == pytest.approx(spend["parameters"], rel=1e-4)
    assert "ALIVE_NOT_IDENTIFIED" in model["warnings"]


async def dies_amid_scoring(run: JobRun) -> Mapping[str, Any] | None:
    progress = run.progress

    async def die(done: int, total: int | None = None, message: str | None = None) -> None:
        await progress(done, total, message)
        if message == "Scoring":
            raise RuntimeError("the machine lost its power")

    run.progress = die  # type: ignore[method-assign]
    return await hooks._fit(run)


async def test_a_run_that_dies_leaves_the_old_scores_in_force(app: App, make_app: MakeApp) -> None:
    await app.ingest(bookshop(app.clock.now(), customers=40))
    await app.run_job("clv.fit")
    before = await best(app)
    sound = app.server.job_kinds["clv.fit"]
    broken = replace(sound, job=replace(sound.job, run=dies_amid_scoring))

    app.server.job_kinds = {**app.server.job_kinds, "clv.fit": broken}  # type: ignore[assignment]
    died = await app.run_job("clv.fit")
    meanwhile = await best(app)
    async with app.database.reading() as session:
        staged = await session.scalar(select(func.count()).select_from(ClvStagedScore))
    app.server.job_kinds = {"clv.fit": sound}  # type: ignore[assignment]
    app.clock.advance(timedelta(minutes=1))
    await app.run_job("clv.fit")

    after = await best(app)
    async with app.database.reading() as session:
        left = await session.scalar(select(func.count()).select_from(ClvStagedScore))
    assert (died.status, staged, left) == ("QUEUED", 40, 0)
    assert meanwhile == before
    assert {one["clv"]["modelVersion"] for one in after} == {"mbgnbd-3"}


async def test_an_analyst_starts_a_fit_and_the_same_key_starts_it_once(app: App) -> None:
    start = 'mutation { clvModelFit(input: {key: "spring"}) { job { id kind status } errors { code } } }'

    first, again = (await app.gql(start, as_="analyst"))["clvModelFit"], (await app.gql(start))["clvModelFit"]
    refused = await app.ask(start, as_="frontline")

    assert (first["job"]["kind"], first["job"]["status"], first["errors"]) == ("clv.fit", "QUEUED", [])
    assert again["job"]["id"] == first["job"]["id"]
    assert refused["data"] == {"clvModelFit": None}
