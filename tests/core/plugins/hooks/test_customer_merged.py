from uuid import UUID

import pytest
from tests.core.plugins.conftest import MakeHost, points_of
from tests.core.plugins.fakes import CUSTOMER, OTHER_CUSTOMER, GoldCard, gold, manifest, plugin

from regulars.database import Database
from regulars.plugins.calling.hook_calls import on_merged
from regulars.plugins.context import PluginContext
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.discovery import found_plugin

MERGE = UUID(int=7)

pytestmark = pytest.mark.usefixtures("two_customers")


class Noting:
    """A plugin that notes when it is called, and with what."""

    def __init__(self, name: str, notes: list[tuple[str, UUID]]) -> None:
        self._name, self._notes = name, notes

    @hookimpl
    def customer_merged(self, merge_id: UUID) -> None:
        self._notes.append((self._name, merge_id))


async def merge(host: PluginHost, database: Database) -> None:
    async with database.writing() as session:
        await on_merged(host, actor="staff:someone")(session, CUSTOMER, OTHER_CUSTOMER, MERGE)


async def test_a_plugin_brings_its_rows_together(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold())
    await host.enable("gold")
    async with database.writing() as session:
        session.add(GoldCard(customer_id=OTHER_CUSTOMER, points=5))

    await merge(host, database)

    assert await points_of(database) == {CUSTOMER: 5}


async def test_plugins_are_called_in_the_order_of_their_names(make_host: MakeHost, database: Database) -> None:
    notes: list[tuple[str, UUID]] = []
    host = await make_host(plugin("zinc", Noting("zinc", notes)), plugin("amber", Noting("amber", notes)))
    await host.enable("zinc")
    await host.enable("amber")

    await merge(host, database)

    assert notes == [("amber", MERGE), ("zinc", MERGE)]


async def test_a_hook_knows_who_acts_and_gets_its_settings(make_host: MakeHost, database: Database) -> None:
    seen: list[tuple[str, str, str]] = []

    class Curious:
        @hookimpl
        async def customer_merged(self, ctx: PluginContext) -> None:
            seen.append((ctx.actor, ctx.company.currency, type(ctx.settings).__name__))

    host = await make_host(plugin("curious", Curious()))
    await host.enable("curious")

    await merge(host, database)

    assert seen == [("staff:someone", "EUR", "NoSettings")]


async def test_a_plugin_that_cannot_be_loaded_misses_the_merge_and_is_told_so(
    make_host: MakeHost, database: Database
) -> None:
    await (await make_host(gold())).enable("gold")
    host = await make_host(found_plugin(manifest("gold")))

    await merge(host, database)

    keys = {problem.key for problem in host.problems.known("gold")}
    assert "missed:customer_merged" in keys


async def test_a_plugin_that_was_enabled_elsewhere_takes_part_at_once(make_host: MakeHost, database: Database) -> None:
    notes: list[tuple[str, UUID]] = []
    here, there = (
        await make_host(plugin("amber", Noting("here", []))),
        await make_host(plugin("amber", Noting("there", notes))),
    )
    await here.enable("amber")

    await merge(there, database)

    assert notes == [("there", MERGE)]
