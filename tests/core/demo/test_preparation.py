from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from regulars.customers.models import Customer, CustomerIdentity
from regulars.demo.preparation import History, JobNotDone, prepare_demo
from regulars.demo.purchases import by_customer
from regulars.demo.welcome import EXAMPLE_QUERY
from regulars.jobs.models import Job
from regulars.plugins.states import PluginState
from regulars.testing.app import App
from regulars.testing.shop import Happening, add_touchpoints
from regulars.touchpoints.models import Touchpoint

LOADING = "Loading customers and their purchases"
COUNTED = (Customer, CustomerIdentity, Touchpoint)


class BrokenOff(Exception):
    """The start ended here."""


class Start:
    """A start of the demo that remembers its steps, and may be broken off at one of them."""

    def __init__(self, *, until: str = "") -> None:
        self.steps: list[str] = []
        self._until = until

    def __call__(self, title: str, done: int, total: int | None) -> None:
        self.steps = [*dict.fromkeys([*self.steps, title])]
        if self._until and title.startswith(self._until):
            raise BrokenOff


async def counted(app: App, models: Sequence[Any] = COUNTED) -> list[int]:
    async with app.database.reading() as session:
        return [await session.scalar(select(func.count()).select_from(model)) or 0 for model in models]


async def fits(app: App) -> Sequence[Job]:
    async with app.database.reading() as session:
        return (await session.scalars(select(Job).where(col(Job.kind) == "clv.fit"))).all()


async def buy_again(app: App, customer_ids: Sequence[UUID]) -> None:
    days = [app.clock.now() - timedelta(days=1 + number) for number in range(len(customer_ids))]
    orders = [Happening(day, "20.00", currency="USD").draft(id) for id, day in zip(customer_ids, days, strict=True)]
    async with app.database.writing() as session:
        await add_touchpoints(session, drafts=orders, types=app.server.touchpoint_types, now=app.clock.now())


async def test_the_example_query_shows_the_best_customers_with_their_last_touchpoints(
    app: App, history: History
) -> None:
    await prepare_demo(app.server, history, progress=Start())

    best = (await app.gql(EXAMPLE_QUERY))["customers"]["nodes"]

    values = [float(customer["clv"]["value"]["amount"]) for customer in best]
    assert values == sorted(values, reverse=True)
    assert {customer["clv"]["value"]["currency"] for customer in best} == {"USD"}
    assert min(len(customer["touchpoints"]["nodes"]) for customer in best) >= 2


async def test_the_history_ends_yesterday_and_no_score_is_out_of_date(app: App, history: History) -> None:
    await prepare_demo(app.server, history, progress=Start())

    newest = '{ touchpoints(first: 1, where: {type: {eq: "order"}}) { nodes { occurredAt source } } }'
    told = await app.gql(newest)
    stale = await app.gql("{ customers(where: {clv: {stale: {eq: true}}}) { totalCount } }")
    assert told["touchpoints"]["nodes"][0]["occurredAt"].startswith("2026-03-01T")
    assert stale["customers"]["totalCount"] == 0


async def test_the_model_is_fitted_once(app: App, history: History) -> None:
    await prepare_demo(app.server, history, progress=Start())

    assert [fit.status for fit in await fits(app)] == ["SUCCEEDED"]


async def test_the_second_start_has_nothing_to_do(app: App, history: History) -> None:
    await prepare_demo(app.server, history, progress=Start())
    before = await counted(app, [*COUNTED, Job])
    second = Start()

    await prepare_demo(app.server, history, progress=second)

    assert second.steps == []
    assert await counted(app, [*COUNTED, Job]) == before


@pytest.mark.parametrize("step", [LOADING, "Telling", "Enabling", "Fitting"])
async def test_a_start_that_was_broken_off_is_completed_by_the_next(app: App, history: History, step: str) -> None:
    with pytest.raises(BrokenOff):
        await prepare_demo(app.server, history, progress=Start(until=step))

    await prepare_demo(app.server, history, progress=Start())

    [customers, identities, touchpoints] = await counted(app)
    assert (customers, identities) == (110, 220)
    assert touchpoints > len(history.purchases) + 110
    assert (await app.gql("{ clvModels { nodes { customers } } }"))["clvModels"]["nodes"] == [{"customers": 110}]


async def test_what_a_visitor_deleted_does_not_come_back(app: App, history: History) -> None:
    with pytest.raises(BrokenOff):
        await prepare_demo(app.server, history, progress=Start(until="Telling"))
    [customer] = (await app.gql("{ customers(first: 1) { nodes { id } } }"))["customers"]["nodes"]
    await app.gql(
        "mutation ($id: ID!) { customerDelete(input: {id: $id}) { errors { message } } }", {"id": customer["id"]}
    )

    await prepare_demo(app.server, history, progress=Start())

    assert (await app.gql("{ customers { totalCount } }"))["customers"]["totalCount"] == 109


async def test_a_plugin_that_a_visitor_disabled_stays_so(app: App, history: History) -> None:
    await prepare_demo(app.server, history, progress=Start())
    await app.server.host.disable("clv")

    await prepare_demo(app.server, history, progress=Start())

    assert app.server.host.statuses["clv"].state is PluginState.DISABLED


async def test_a_fit_that_failed_says_why_and_is_repeated_by_the_next_start(app: App, history: History) -> None:
    firsts = [purchases[0] for purchases in by_customer(history.purchases).values()]
    with pytest.raises(JobNotDone, match="None of the 110 customers bought on a second day"):
        await prepare_demo(app.server, History(history.source, firsts), progress=Start())
    async with app.database.reading() as session:
        some = (await session.scalars(select(col(Customer.id)).limit(30))).all()
    await buy_again(app, some)

    await prepare_demo(app.server, history, progress=Start())

    assert [fit.status for fit in await fits(app)] == ["SUCCEEDED"]
