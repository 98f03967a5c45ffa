from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.core.plugins.conftest import SHORT, MakeHost, points_of
from tests.core.plugins.fakes import CUSTOMER, OTHER_CUSTOMER, GoldCard, gold, plugin
from tests.core.plugins.faults import AWAITED_FAULTS, HANGS

from regulars.customers.models import Customer
from regulars.database import Database
from regulars.plugins.calling.calls import Budgets, PluginCallFailed
from regulars.plugins.calling.hook_calls import erase_personal_data, tell_merged
from regulars.plugins.context import PluginContext
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.host import PluginHost

pytestmark = pytest.mark.row(13)

MERGE = UUID("01890000-0000-7000-8000-0000000000aa")

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}

Hook = Callable[[PluginContext], Awaitable[Any]]


class AfterGold:
    """Comes after gold in the order of names, and does in a merge what a test says."""

    def __init__(self, hook: Hook) -> None:
        self._hook = hook

    @hookimpl
    async def customer_merged(self, ctx: PluginContext) -> None:
        result: None = await self._hook(ctx)
        return result


async def give_points(database: Database) -> None:
    async with database.writing() as session:
        session.add(GoldCard(customer_id=OTHER_CUSTOMER, points=5))


async def rename_and_merge(host: PluginHost, session: AsyncSession) -> None:
    customer = await session.get_one(Customer, OTHER_CUSTOMER)
    customer.display_name = "merged"
    await tell_merged(
        host, session, survivor_id=CUSTOMER, merged_id=OTHER_CUSTOMER, merge_id=MERGE, actor="staff:someone"
    )


async def host_with(make_host: MakeHost, hook: Hook, *, budgets: Budgets = Budgets()) -> PluginHost:  # noqa: B008
    host = await make_host(gold(), plugin("zinc", AfterGold(hook)), budgets=budgets)
    await host.enable("gold")
    await host.enable("zinc")
    return host


@pytest.mark.usefixtures("two_customers")
@pytest.mark.parametrize("fault", AWAITED_FAULTS)
async def test_a_faulty_merge_hook_rolls_the_merge_back(make_host: MakeHost, database: Database, fault: str) -> None:
    host = await host_with(make_host, lambda _ctx: AWAITED_FAULTS[fault]())
    await give_points(database)

    with pytest.raises(PluginCallFailed, match="The plugin zinc failed in customer_merged"):
        async with database.writing() as session:
            await rename_and_merge(host, session)

    assert await points_of(database) == {OTHER_CUSTOMER: 5}
    async with database.reading() as session:
        assert (await session.get_one(Customer, OTHER_CUSTOMER)).display_name is None


@pytest.mark.usefixtures("two_customers")
@pytest.mark.parametrize("fault", HANGS)
async def test_a_merge_hook_that_hangs_rolls_it_back(make_host: MakeHost, database: Database, fault: str) -> None:
    host = await host_with(make_host, lambda _ctx: HANGS[fault](), budgets=SHORT)
    await give_points(database)

    with pytest.raises(PluginCallFailed, match=r"The plugin zinc failed in customer_merged\. It did not end within"):
        async with database.writing() as session:
            await rename_and_merge(host, session)

    assert await points_of(database) == {OTHER_CUSTOMER: 5}


@pytest.mark.usefixtures("two_customers")
@pytest.mark.parametrize("ending", ["commit", "rollback", "begin_nested"])
async def test_a_hook_cannot_end_the_transaction_of_the_merge(
    make_host: MakeHost, database: Database, ending: str
) -> None:
    async def end(ctx: PluginContext) -> None:
        await ctx.session.execute(text("SELECT 1"))
        await getattr(ctx.session, ending)()

    host = await host_with(make_host, end)
    await give_points(database)

    async with database.writing() as session:
        await rename_and_merge(host, session)
        await session.rollback()

    assert await points_of(database) == {OTHER_CUSTOMER: 5}


@pytest.mark.usefixtures("two_customers")
async def test_a_hook_that_writes_the_core_rolls_the_merge_back(make_host: MakeHost, database: Database) -> None:
    async def rename(ctx: PluginContext) -> None:
        (await ctx.session.get_one(Customer, CUSTOMER)).display_name = "Mallory"

    host = await host_with(make_host, rename)

    with pytest.raises(PluginCallFailed, match="may not write to core_customer"):
        async with database.writing() as session:
            await rename_and_merge(host, session)


@pytest.mark.usefixtures("two_customers")
async def test_a_slow_query_that_is_cut_off_rolls_the_merge_back(make_host: MakeHost, database: Database) -> None:
    async def dawdle(ctx: PluginContext) -> None:
        await ctx.session.execute(text(ENDLESS[database.dialect]))

    host = await host_with(make_host, dawdle, budgets=SHORT)

    with pytest.raises(PluginCallFailed, match="The plugin zinc failed in customer_merged"):
        async with database.writing() as session:
            await rename_and_merge(host, session)

    async with database.writing() as session:
        assert (await session.get_one(Customer, OTHER_CUSTOMER)).display_name is None


@pytest.mark.usefixtures("two_customers")
async def test_an_erasure_that_fails_in_one_plugin_keeps_that_of_the_others(
    make_host: MakeHost, database: Database
) -> None:
    class Stubborn:
        @hookimpl
        async def personal_data_erase(self, ctx: PluginContext) -> Any:
            await ctx.session.execute(text("SELECT 1"))
            raise ValueError("no")

    host = await make_host(plugin("amber", Stubborn()), gold())
    await host.enable("amber")
    await host.enable("gold")
    await give_points(database)

    async with database.writing() as session:
        amber, erased = await erase_personal_data(host, session, customer_id=OTHER_CUSTOMER, actor="system")

    assert (amber.plugin_id, amber.value, erased.plugin_id) == ("amber", None, "gold")
    assert amber.failure is not None
    assert erased.value is not None
    assert erased.value.rows == {"gold_card": 1}
    assert await points_of(database) == {}
