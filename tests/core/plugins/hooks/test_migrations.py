import pytest
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import gold, plugin

from regulars.plugins.contributions import Migrations
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.states import PluginWithheld
from regulars.revisions import state_of

pytestmark = pytest.mark.row(19)


class Lost:
    """A plugin whose revisions are somewhere else."""

    def __init__(self, location: str) -> None:
        self._location = location

    @hookimpl
    def migrations(self) -> Migrations:
        return Migrations(self._location)


async def test_enabling_brings_the_tables_to_the_newest_revision(make_host: MakeHost) -> None:
    host = await make_host(gold())

    await host.enable("gold")

    owner = host.plugins.plugins[0].migration_owner
    assert owner is not None
    state = await state_of(host.database.engine, owner)
    assert (state.owner, state.current, state.is_newest) == ("gold", "gold0001", True)


async def test_the_owners_of_tables_stand_in_the_order_of_their_needs(make_host: MakeHost) -> None:
    host = await make_host(gold(depends={"zinc": ">=1"}), plugin("zinc", Lost("tests.core.plugins:no_versions")))
    await host.enable("zinc")
    await host.enable("gold")

    assert [owner.name for owner in host.migration_owners] == ["zinc", "gold"]


async def test_a_start_brings_them_there_too(make_host: MakeHost) -> None:
    await (await make_host(plugin("gold"))).enable("gold")

    host = await make_host(gold())

    owner = host.plugins.plugins[0].migration_owner
    assert owner is not None
    assert (await state_of(host.database.engine, owner)).is_newest


@pytest.mark.parametrize(
    "location", ["tests.core.plugins:nowhere", "regulars_nowhere:versions", "tests.core.plugins", "", ":versions"]
)
async def test_revisions_that_are_not_there_are_refused(make_host: MakeHost, location: str) -> None:
    host = await make_host(plugin("lost", Lost(location)))

    with pytest.raises(PluginWithheld, match="migrations: "):
        await host.enable("lost")
