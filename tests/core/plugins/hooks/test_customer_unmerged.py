from uuid import UUID

import pytest
from tests.core.plugins.conftest import MakeHost, points_of
from tests.core.plugins.fakes import CUSTOMER, OTHER_CUSTOMER, GoldCard, gold, plugin

from regulars.database import Database
from regulars.plugins.calling.calls import PluginCallFailed
from regulars.plugins.calling.hook_calls import on_unmerged
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.host import PluginHost

pytestmark = pytest.mark.usefixtures("two_customers")


async def unmerge(host: PluginHost, database: Database) -> None:
    async with database.writing() as session:
        await on_unmerged(host, actor="system")(session, CUSTOMER, OTHER_CUSTOMER, UUID(int=7))


async def test_a_plugin_parts_its_rows_again(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold())
    await host.enable("gold")
    async with database.writing() as session:
        session.add(GoldCard(customer_id=CUSTOMER, points=5))

    await unmerge(host, database)

    assert await points_of(database) == {OTHER_CUSTOMER: 5}


async def test_nothing_is_parted_when_one_plugin_cannot(make_host: MakeHost, database: Database) -> None:
    class Clinging:
        @hookimpl
        async def customer_unmerged(self) -> None:
            raise ValueError("never")

    host = await make_host(gold(), plugin("zinc", Clinging()))
    await host.enable("gold")
    await host.enable("zinc")
    async with database.writing() as session:
        session.add(GoldCard(customer_id=CUSTOMER, points=5))

    with pytest.raises(PluginCallFailed, match="The plugin zinc failed in customer_unmerged"):
        await unmerge(host, database)

    assert await points_of(database) == {CUSTOMER: 5}
