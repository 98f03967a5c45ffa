import pytest
from tests.core.plugins.conftest import MakeHost, points_of
from tests.core.plugins.fakes import CUSTOMER, OTHER_CUSTOMER, GoldCard, gold, plugin

from regulars.database import Database
from regulars.plugins.calling.hook_calls import erase_personal_data
from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import ErasureReceipt
from regulars.plugins.hookspecs import hookimpl

pytestmark = pytest.mark.usefixtures("two_customers")


async def test_a_plugin_erases_one_customer_and_counts(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold())
    await host.enable("gold")
    async with database.writing() as session:
        session.add(GoldCard(customer_id=CUSTOMER, points=1))
        session.add(GoldCard(customer_id=OTHER_CUSTOMER, points=2))

    async with database.writing() as session:
        (golden,) = await erase_personal_data(host, session, customer_id=CUSTOMER, actor="system")

    assert golden.value == ErasureReceipt({"gold_card": 1})
    assert await points_of(database) == {OTHER_CUSTOMER: 2}


async def test_a_disabled_plugin_erases_too(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold())
    await host.enable("gold")
    async with database.writing() as session:
        session.add(GoldCard(customer_id=CUSTOMER, points=1))
    await host.disable("gold")

    async with database.writing() as session:
        await erase_personal_data(host, session, customer_id=CUSTOMER, actor="system")

    assert await points_of(database) == {}


async def test_a_receipt_that_counts_nothing_sensible_rolls_the_part_back(
    make_host: MakeHost, database: Database
) -> None:
    class Vague:
        @hookimpl
        async def personal_data_erase(self, ctx: PluginContext) -> ErasureReceipt:
            return ErasureReceipt({"vague_table": -1})

    host = await make_host(plugin("vague", Vague()))
    await host.enable("vague")

    async with database.writing() as session:
        (vague,) = await erase_personal_data(host, session, customer_id=CUSTOMER, actor="system")

    assert vague.value is None
    assert "count rows, zero or more" in str(vague.failure)
