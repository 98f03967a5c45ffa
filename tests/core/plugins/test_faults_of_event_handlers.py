from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from tests.core.plugins.conftest import SHORT, MakeHost, points_of
from tests.core.plugins.fakes import CUSTOMER, Gold, GoldCard, gold, plugin
from tests.core.plugins.faults import AWAITED_FAULTS, HANGS, AwaitedFault

from regulars.clock import SettableClock
from regulars.customers.models import Customer
from regulars.database import Database
from regulars.events.envelope import EventEnvelope
from regulars.plugins.calling.calls import PluginCallFailed, PluginPaused
from regulars.plugins.calling.hook_calls import handle_events
from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import EventHandler
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.manifest import Grants
from regulars.plugins.models import PluginProblem

pytestmark = pytest.mark.row(13)

LISTENS = Grants(events=("customer.created",))
EVENT = UUID("01890000-0000-7000-8000-0000000000ff")


class GoldListening(Gold):
    """Keeps a card for each new customer, and does what a test says next."""

    def __init__(self, handler: EventHandler) -> None:
        self._handler = handler

    @hookimpl
    def events(self) -> Mapping[str, EventHandler]:
        return {"customer.created": self._handler}


def told(clock: SettableClock) -> list[EventEnvelope]:
    subject = f"customer:{CUSTOMER}"
    return [EventEnvelope(EVENT, "customer.created", clock.now(), subject, "system", {"tags": ["new"]})]


def writing_then(fault: AwaitedFault) -> EventHandler:
    async def handle(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        ctx.session.add(GoldCard(customer_id=CUSTOMER, points=1))
        await ctx.session.flush()
        result: None = await fault()
        return result

    return handle


@pytest.mark.usefixtures("two_customers")
@pytest.mark.parametrize("fault", HANGS)
async def test_a_handler_that_hangs_is_ended_and_leaves_nothing(
    make_host: MakeHost, database: Database, clock: SettableClock, fault: str
) -> None:
    host = await make_host(plugin("gold", GoldListening(writing_then(HANGS[fault])), grants=LISTENS), budgets=SHORT)
    await host.enable("gold")

    with pytest.raises(PluginCallFailed, match="It did not end within"):
        await handle_events(host, plugin_id="gold", event_type="customer.created", events=told(clock))

    assert await points_of(database) == {}


@pytest.mark.usefixtures("two_customers")
@pytest.mark.parametrize("fault", AWAITED_FAULTS)
async def test_a_faulty_handler_is_named_and_leaves_nothing(
    make_host: MakeHost, database: Database, clock: SettableClock, fault: str
) -> None:
    host = await make_host(plugin("gold", GoldListening(writing_then(AWAITED_FAULTS[fault])), grants=LISTENS))
    await host.enable("gold")

    with pytest.raises(PluginCallFailed, match="The plugin gold failed in events"):
        await handle_events(host, plugin_id="gold", event_type="customer.created", events=told(clock))

    assert await points_of(database) == {}
    assert [problem.key for problem in host.problems.known("gold")] == ["events"]


@pytest.mark.usefixtures("two_customers")
async def test_a_handler_that_ends_well_keeps_what_it_wrote(
    make_host: MakeHost, database: Database, clock: SettableClock
) -> None:
    async def handle(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        ctx.session.add(GoldCard(customer_id=CUSTOMER, points=len(events)))

    host = await make_host(plugin("gold", GoldListening(handle), grants=LISTENS))
    await host.enable("gold")

    await handle_events(host, plugin_id="gold", event_type="customer.created", events=told(clock))

    assert await points_of(database) == {CUSTOMER: 1}


async def test_a_handler_cannot_change_the_event_for_others(make_host: MakeHost, clock: SettableClock) -> None:
    async def handle(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        tags: Any = events[0].data["tags"]
        tags.append("changed")

    events = told(clock)
    host = await make_host(plugin("gold", GoldListening(handle), grants=LISTENS))
    await host.enable("gold")

    with pytest.raises(PluginCallFailed, match="AttributeError"):
        await handle_events(host, plugin_id="gold", event_type="customer.created", events=events)

    assert events[0].data == {"tags": ["new"]}


@pytest.mark.usefixtures("two_customers")
async def test_a_handler_cannot_write_a_table_of_the_core(
    make_host: MakeHost, database: Database, clock: SettableClock
) -> None:
    async def handle(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        customer = await ctx.session.get_one(Customer, CUSTOMER)
        customer.display_name = "Mallory"

    host = await make_host(plugin("gold", GoldListening(handle), grants=LISTENS))
    await host.enable("gold")

    with pytest.raises(PluginCallFailed, match="may not write to core_customer"):
        await handle_events(host, plugin_id="gold", event_type="customer.created", events=told(clock))

    async with database.reading() as session:
        assert (await session.get_one(Customer, CUSTOMER)).display_name is None


@pytest.mark.usefixtures("two_customers")
async def test_a_handler_that_was_granted_an_entity_writes_it(
    make_host: MakeHost, database: Database, clock: SettableClock
) -> None:
    async def handle(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        customer = await ctx.session.get_one(Customer, CUSTOMER)
        customer.display_name = "Ada"

    grants = Grants(events=("customer.created",), write=("customer.display_name",))
    host = await make_host(plugin("gold", GoldListening(handle), grants=grants))
    await host.enable("gold")

    await handle_events(host, plugin_id="gold", event_type="customer.created", events=told(clock))

    async with database.reading() as session:
        assert (await session.get_one(Customer, CUSTOMER)).display_name == "Ada"


@pytest.mark.usefixtures("two_customers")
async def test_a_transaction_left_open_holds_up_nobody(
    make_host: MakeHost, database: Database, clock: SettableClock
) -> None:
    async def handle(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        await ctx.session.begin_nested()
        await ctx.session.execute(text("SELECT 1"))

    host = await make_host(plugin("gold", GoldListening(handle), grants=LISTENS))
    await host.enable("gold")

    await handle_events(host, plugin_id="gold", event_type="customer.created", events=told(clock))

    async with database.writing() as session:
        assert await session.scalar(select(func.count()).select_from(Customer)) == 2


async def test_a_handler_that_keeps_failing_rests_and_is_tried_again(make_host: MakeHost, clock: SettableClock) -> None:
    calls: list[int] = []

    async def handle(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        calls.append(len(events))
        raise ValueError("sour")

    host = await make_host(plugin("gold", GoldListening(handle), grants=LISTENS))
    await host.enable("gold")

    async def tell() -> PluginCallFailed:
        with pytest.raises(PluginCallFailed) as failure:
            await handle_events(host, plugin_id="gold", event_type="customer.created", events=told(clock))
        return failure.value

    failures = [await tell() for _ in range(6)]
    clock.advance(timedelta(seconds=31))
    after_the_pause = await tell()

    assert isinstance(failures[5], PluginPaused)
    assert failures[5].until == clock.now() - timedelta(seconds=1)
    assert not isinstance(after_the_pause, PluginPaused)
    assert len(calls) == 6


async def test_a_problem_is_counted_in_the_database(
    make_host: MakeHost, database: Database, clock: SettableClock
) -> None:
    async def handle(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        ctx.problem("quota", "The quota is used up.", critical=True)

    host = await make_host(plugin("gold", GoldListening(handle), grants=LISTENS))
    await host.enable("gold")
    await handle_events(host, plugin_id="gold", event_type="customer.created", events=told(clock))
    clock.advance(timedelta(hours=1))
    await handle_events(host, plugin_id="gold", event_type="customer.created", events=told(clock))
    await host.problems.settle()

    async with database.reading() as session:
        problem = (await session.scalars(select(PluginProblem))).one()
    assert (problem.key, problem.message, problem.is_critical) == ("quota", "The quota is used up.", True)
    assert (problem.count, problem.last_seen_at - problem.first_seen_at) == (2, timedelta(hours=1))


async def test_enabling_again_begins_with_a_clean_sheet(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold())
    await host.enable("gold")
    host.problems.report("gold", "quota", "The quota is used up.")
    await host.problems.settle()

    await host.enable("gold")

    async with database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM core_plugin_problem")) == 0
    assert host.problems.known("gold") == ()
