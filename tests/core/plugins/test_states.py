import pytest
from pydantic import BaseModel, SecretStr
from sqlalchemy import inspect
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import gold, manifest, plugin

from regulars.clock import SettableClock
from regulars.database import Database
from regulars.plugins.calling.problems import read_problems
from regulars.plugins.contributions import Migrations
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.plugins.manifest import Grants
from regulars.plugins.states import PluginState, PluginWithheld, UnknownPlugin


class KeySettings(BaseModel):
    api_key: SecretStr
    colour: str = "green"


class BrokenMigrations:
    @hookimpl
    def migrations(self) -> Migrations:
        return Migrations("tests.core.plugins:broken_versions")


async def table_names(database: Database) -> list[str]:
    async with database.engine.connect() as connection:
        return await connection.run_sync(lambda sync: inspect(sync).get_table_names())


async def test_a_plugin_starts_disabled(make_host: MakeHost) -> None:
    host = await make_host(gold())

    assert host.statuses["gold"].state is PluginState.DISABLED
    assert host.statuses["gold"].reason == "Nobody has enabled it yet."
    assert host.plugins.ids == ()


async def test_enabling_makes_its_tables_and_lets_it_take_part(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold())

    status = await host.enable("gold")

    assert status.state is PluginState.ENABLED
    assert host.plugins.ids == ("gold",)
    assert {"gold_card", "alembic_version_gold"} <= set(await table_names(database))


async def test_the_next_process_finds_it_enabled(make_host: MakeHost) -> None:
    await (await make_host(gold())).enable("gold")

    later = await make_host(gold())

    assert later.plugins.ids == ("gold",)


async def test_another_process_follows_by_the_revision(make_host: MakeHost) -> None:
    here, there = await make_host(gold()), await make_host(gold())
    before = there.plugins

    await here.enable("gold")
    has_changed = await there.refresh()
    has_changed_again = await there.refresh()

    assert (before.ids, there.plugins.ids) == ((), ("gold",))
    assert there.plugins.revision == here.plugins.revision == before.revision + 1
    assert (has_changed, has_changed_again) == (True, False)


async def test_disabling_keeps_the_tables(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold())
    await host.enable("gold")

    status = await host.disable("gold")

    assert (status.state, status.reason) == (PluginState.DISABLED, "An admin disabled it.")
    assert host.plugins.ids == ()
    assert "gold_card" in await table_names(database)


async def test_a_state_keeps_its_time_until_it_changes(make_host: MakeHost, clock: SettableClock) -> None:
    host = await make_host(gold(), plugin("silver"))
    began = clock.now()
    clock.advance(clock.now() - clock.now().replace(hour=0))

    await host.enable("silver")

    assert host.statuses["gold"].since == began
    assert host.statuses["silver"].since == clock.now()


async def test_an_unknown_plugin_is_refused_with_a_near_name(make_host: MakeHost) -> None:
    host = await make_host(gold())

    with pytest.raises(UnknownPlugin, match="Did you mean 'gold'"):
        await host.enable("golt")


async def test_a_blocked_plugin_stays_out_whatever_was_wished(make_host: MakeHost) -> None:
    await (await make_host(gold())).enable("gold")

    host = await make_host(gold(), blocked_plugins=("gold",))

    assert host.statuses["gold"].state is PluginState.DISABLED
    assert "REGULARS_BLOCKED_PLUGINS" in str(host.statuses["gold"].reason)
    with pytest.raises(PluginWithheld, match="REGULARS_BLOCKED_PLUGINS"):
        await host.enable("gold")


async def test_a_blocked_plugin_whose_manifest_was_not_read_is_disabled(make_host: MakeHost) -> None:
    host = await make_host(FoundPlugin("gold", "regulars-gold 1.0"), blocked_plugins=("gold",))

    assert host.statuses["gold"].state is PluginState.DISABLED
    with pytest.raises(PluginWithheld, match="its manifest was not read"):
        await host.configure("gold", {"colour": "red"})


async def test_a_problem_of_a_start_is_over_with_a_good_start(make_host: MakeHost, database: Database) -> None:
    await (await make_host(gold())).enable("gold")
    failing = await make_host(found_plugin(manifest("gold")))
    await failing.close()
    async with database.reading() as session:
        before = await read_problems(session)

    await make_host(gold())

    async with database.reading() as session:
        after = await read_problems(session)
    assert [problem.key for problem in before["gold"]] == ["state"]
    assert after == {}


async def test_safe_mode_takes_part_without_any_plugin(make_host: MakeHost) -> None:
    await (await make_host(gold())).enable("gold")

    host = await make_host(gold(), safe_mode=True)

    assert host.plugins.ids == ()
    assert host.statuses["gold"].state is PluginState.DISABLED


async def test_a_plugin_for_newer_hooks_is_incompatible(make_host: MakeHost) -> None:
    host = await make_host(gold(hook_api=">=2,<3"))

    assert host.statuses["gold"].state is PluginState.INCOMPATIBLE
    with pytest.raises(PluginWithheld, match=r"made for hooks >=2,<3, and this server has 1\.0"):
        await host.enable("gold")


async def test_missing_settings_hold_a_plugin_back_by_name(make_host: MakeHost) -> None:
    host = await make_host(plugin("mail", settings=KeySettings))

    with pytest.raises(PluginWithheld, match="needs values for api_key") as refused:
        await host.enable("mail")

    assert refused.value.state is PluginState.NEEDS_CONFIG
    assert host.plugins.ids == ()


async def test_a_plugin_whose_next_version_needs_a_setting_waits_for_it(make_host: MakeHost) -> None:
    await (await make_host(plugin("mail"))).enable("mail")

    host = await make_host(plugin("mail", settings=KeySettings, version="1.1"))
    before = host.statuses["mail"].state
    await host.configure("mail", {"api_key": "rosebud"})

    assert before is PluginState.NEEDS_CONFIG
    assert host.plugins.ids == ("mail",)


async def test_a_version_that_asks_for_more_waits_until_it_is_accepted(make_host: MakeHost) -> None:
    await (await make_host(gold())).enable("gold")

    host = await make_host(gold(version="1.1", grants=Grants(network=("api.example",))))
    waiting = host.statuses["gold"]
    await host.enable("gold")

    assert waiting.state is PluginState.NEEDS_CONFIG
    assert "network:api.example" in str(waiting.reason)
    assert host.plugins.ids == ("gold",)


async def test_a_newer_version_that_asks_for_no_more_is_taken_on(make_host: MakeHost) -> None:
    await (await make_host(gold())).enable("gold")

    host = await make_host(gold(version="1.1"))

    assert host.plugins.ids == ("gold",)
    assert host.records["gold"].version == "1.1"


async def test_processes_with_different_versions_say_so(make_host: MakeHost) -> None:
    older = await make_host(gold())
    await older.enable("gold")

    await make_host(gold(version="1.1"))
    await older.refresh()

    assert [problem.message for problem in older.problems.known("gold")] == [
        "Version 1.0.0 is installed here, and version 1.1 was enabled elsewhere."
    ]


async def test_a_plugin_waits_for_those_it_needs(make_host: MakeHost) -> None:
    host = await make_host(gold(), plugin("rewards", depends={"gold": ">=1"}))

    with pytest.raises(PluginWithheld, match="needs the plugin gold, which is not enabled"):
        await host.enable("rewards")
    await host.enable("gold")
    status = await host.enable("rewards")

    assert status.state is PluginState.ENABLED


async def test_a_plugin_whose_need_is_not_installed_is_incompatible(make_host: MakeHost) -> None:
    host = await make_host(plugin("rewards", depends={"gold": ">=1"}))

    with pytest.raises(PluginWithheld, match="gold, which is not installed") as refused:
        await host.enable("rewards")

    assert refused.value.state is PluginState.INCOMPATIBLE


async def test_a_plugin_whose_need_has_another_version_is_incompatible(make_host: MakeHost) -> None:
    host = await make_host(gold(), plugin("rewards", depends={"gold": ">=2"}))
    await host.enable("gold")

    with pytest.raises(PluginWithheld, match=r"needs the plugin gold >=2, and 1\.0\.0 is installed"):
        await host.enable("rewards")


async def test_disabling_takes_those_along_that_need_it(make_host: MakeHost) -> None:
    host = await make_host(gold(), plugin("rewards", depends={"gold": ">=1"}))
    await host.enable("gold")
    await host.enable("rewards")

    await host.disable("gold")

    assert host.plugins.ids == ()
    assert host.statuses["rewards"].state is PluginState.NEEDS_CONFIG


async def test_plugins_that_need_each_other_are_named(make_host: MakeHost) -> None:
    host = await make_host(plugin("hen", depends={"egg": ">=1"}), plugin("egg", depends={"hen": ">=1"}))

    assert host.statuses["hen"].state is PluginState.INCOMPATIBLE
    assert "egg needs hen" in str(host.statuses["hen"].reason)


async def test_two_plugins_with_one_type_name_are_named(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", graphql_types=("Card",)), plugin("silver", graphql_types=("Card",)))
    await host.enable("gold")

    with pytest.raises(PluginWithheld, match="silver cannot be enabled: It claims the type Card, which gold claims"):
        await host.enable("silver")


async def test_a_plugin_missing_after_an_upgrade_is_failed(make_host: MakeHost) -> None:
    await (await make_host(gold(), plugin("silver"))).enable("gold")

    host = await make_host(plugin("silver"))

    assert host.statuses["gold"].state is PluginState.FAILED
    assert "not installed any more" in str(host.statuses["gold"].reason)
    assert (await host.disable("gold")).state is PluginState.DISABLED


async def test_a_failing_migration_stops_its_plugin_only(make_host: MakeHost, database: Database) -> None:
    await (await make_host(plugin("broken"), gold())).enable("broken")

    host = await make_host(plugin("broken", BrokenMigrations()), gold())
    await host.enable("gold")

    assert host.statuses["broken"].state is PluginState.FAILED
    assert "Its tables cannot be migrated: SystemExit" in str(host.statuses["broken"].reason)
    assert host.plugins.ids == ("gold",)
    assert "broken_thing" not in await table_names(database)


async def test_a_plugin_whose_migration_fails_is_not_enabled(make_host: MakeHost) -> None:
    host = await make_host(plugin("broken", BrokenMigrations()))

    with pytest.raises(PluginWithheld, match="cannot be migrated"):
        await host.enable("broken")

    assert host.statuses["broken"].state is PluginState.DISABLED
    assert "broken" not in host.records


async def test_a_plugin_that_spoils_the_schema_can_be_taken_out(make_host: MakeHost) -> None:
    host = await make_host(gold(), plugin("rewards", depends={"gold": ">=1"}), plugin("silver"))
    await host.enable("gold")
    await host.enable("rewards")
    await host.enable("silver")

    left = host.fail("gold", "Its field clashes.")

    assert left is host.plugins
    assert left.ids == ("silver",)
    assert host.statuses["gold"].reason == "Its field clashes."
    assert host.statuses["rewards"].state is PluginState.NEEDS_CONFIG


async def test_a_plugin_that_was_taken_out_can_be_enabled_again(make_host: MakeHost) -> None:
    host = await make_host(gold())
    await host.enable("gold")
    host.fail("gold", "Its field clashes.")

    await host.enable("gold")

    assert host.plugins.ids == ("gold",)


async def test_enabled_plugins_stand_in_the_order_of_their_names(make_host: MakeHost) -> None:
    host = await make_host(plugin("zinc"), plugin("amber", depends={"zinc": ">=1"}))

    await host.enable("zinc")
    await host.enable("amber")

    assert host.plugins.ids == ("amber", "zinc")
