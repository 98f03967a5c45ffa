from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import text
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import CUSTOMER, GoldCard, gold, manifest, plugin

from regulars.database import Database
from regulars.plugins.calling.calls import PluginUnavailable
from regulars.plugins.calling.hook_calls import export_personal_data
from regulars.plugins.context import PluginContext
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.discovery import found_plugin

pytestmark = pytest.mark.usefixtures("two_customers")


class Knowing:
    """A plugin that says what a test lets it say."""

    def __init__(self, known: Any) -> None:
        self._known = known

    @hookimpl
    def personal_data_export(self) -> Mapping[str, Any]:
        known: Mapping[str, Any] = self._known
        return known


async def test_each_plugin_tells_what_it_knows(make_host: MakeHost, database: Database) -> None:
    host = await make_host(plugin("amber", Knowing({"likes": ("tea",)})), gold())
    await host.enable("amber")
    await host.enable("gold")
    async with database.writing() as session:
        session.add(GoldCard(customer_id=CUSTOMER, points=7))

    amber, golden = await export_personal_data(host, customer_id=CUSTOMER, actor="system")

    assert (amber.plugin_id, amber.value) == ("amber", {"likes": ["tea"]})
    assert (golden.plugin_id, golden.value) == ("gold", {"cards": [{"points": 7}]})


async def test_what_one_plugin_cannot_tell_is_named_and_the_rest_is_there(make_host: MakeHost) -> None:
    host = await make_host(plugin("amber", Knowing({"score": float("nan")})), gold())
    await host.enable("amber")
    await host.enable("gold")

    amber, golden = await export_personal_data(host, customer_id=CUSTOMER, actor="system")

    assert amber.value is None
    assert "nan, which is no number" in str(amber.failure)
    assert golden.value == {"cards": []}


async def test_a_disabled_plugin_is_asked(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold())
    await host.enable("gold")
    await host.disable("gold")

    (golden,) = await export_personal_data(host, customer_id=CUSTOMER, actor="system")

    assert golden.value == {"cards": []}


async def test_a_plugin_that_was_never_enabled_is_not_asked(make_host: MakeHost) -> None:
    host = await make_host(gold())

    assert await export_personal_data(host, customer_id=CUSTOMER, actor="system") == ()


async def test_a_plugin_that_cannot_be_imported_is_named(make_host: MakeHost) -> None:
    await (await make_host(gold())).enable("gold")
    host = await make_host(found_plugin(manifest("gold")))

    (golden,) = await export_personal_data(host, customer_id=CUSTOMER, actor="system")

    assert isinstance(golden.failure, PluginUnavailable)
    assert "ModuleNotFoundError" in golden.failure.reason


@pytest.mark.parametrize("kept_out", [{"blocked_plugins": ("gold",)}, {"safe_mode": True}])
async def test_a_plugin_that_is_kept_out_is_named(make_host: MakeHost, kept_out: dict[str, Any]) -> None:
    await (await make_host(gold())).enable("gold")
    host = await make_host(gold(), **kept_out)

    (golden,) = await export_personal_data(host, customer_id=CUSTOMER, actor="system")

    assert isinstance(golden.failure, PluginUnavailable)


async def test_a_plugin_that_was_uninstalled_counts_while_its_tables_are_there(
    make_host: MakeHost, database: Database
) -> None:
    await (await make_host(gold())).enable("gold")
    host = await make_host()

    (golden,) = await export_personal_data(host, customer_id=CUSTOMER, actor="system")
    async with database.writing() as session:
        await session.execute(text("DROP TABLE gold_card"))
    without_tables = await export_personal_data(host, customer_id=CUSTOMER, actor="system")

    assert isinstance(golden.failure, PluginUnavailable)
    assert without_tables == ()


async def test_an_export_cannot_write(make_host: MakeHost, database: Database) -> None:
    class Writing:
        @hookimpl
        async def personal_data_export(self, ctx: PluginContext) -> Mapping[str, Any]:
            await ctx.session.execute(text("UPDATE core_customer SET display_name = 'Mallory'"))
            return {}

    host = await make_host(plugin("amber", Writing()))
    await host.enable("amber")

    await export_personal_data(host, customer_id=CUSTOMER, actor="system")

    async with database.reading() as session:
        names = (await session.scalars(text("SELECT display_name FROM core_customer"))).all()
    assert names == [None, None]
