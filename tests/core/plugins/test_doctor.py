from pydantic import BaseModel
from sqlalchemy import text
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import gold, manifest, plugin
from tests.core.plugins.hooks.test_pages import HOME, Showing

from regulars.database import Database
from regulars.plugins.doctor import Finding, examine
from regulars.plugins.health import PluginHealth, health_of
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.discovery import found_plugin


class Required(BaseModel):
    colour: str


async def bad(host: PluginHost, plugin_id: str | None = None) -> dict[str, Finding]:
    return {finding.subject: finding for finding in await examine(host, plugin_id) if not finding.is_good}


async def test_a_sound_plugin_has_nothing_bad(make_host: MakeHost) -> None:
    host = await make_host(gold())
    await host.enable("gold")

    findings = await examine(host)

    assert [finding.subject for finding in findings] == ["state", "import", "settings", "migrations"]
    assert all(finding.is_good for finding in findings)


async def test_a_plugin_that_cannot_be_imported_is_found(make_host: MakeHost) -> None:
    host = await make_host(found_plugin(manifest("absent")), gold())

    findings = await bad(host)

    assert list(findings) == ["import"]
    assert "ModuleNotFoundError" in findings["import"].message


async def test_missing_settings_are_found(make_host: MakeHost) -> None:
    host = await make_host(plugin("mail", settings=Required))

    assert "needs values for colour" in (await bad(host, "mail"))["settings"].message


async def test_a_public_page_is_mentioned(make_host: MakeHost) -> None:
    host = await make_host(plugin("open", Showing([HOME], {"home": "public"})))

    findings = await examine(host)

    assert [finding.message for finding in findings if finding.subject == "pages"] == [
        "Everybody may see /plugins/open/."
    ]


async def test_problems_of_other_processes_are_found(make_host: MakeHost) -> None:
    other, host = await make_host(gold()), await make_host(gold())
    other.problems.report("gold", "quota", "The quota is used up.", True)
    await other.problems.settle()

    assert "quota, 1 times" in (await bad(host))["problem"].message


async def test_tables_of_a_plugin_that_is_gone_are_found(make_host: MakeHost, database: Database) -> None:
    await (await make_host(gold())).enable("gold")
    host = await make_host()

    findings = [finding for finding in await examine(host) if finding.subject == "tables"]

    assert [finding.message.split(" belongs")[0] for finding in findings] == [
        "The table alembic_version_gold",
        "The table gold_card",
    ]
    assert {finding.plugin_id for finding in findings} == {"gold"}


async def test_a_table_that_a_plugin_forgot_is_found(make_host: MakeHost, database: Database) -> None:
    host = await make_host(gold())
    await host.enable("gold")
    async with database.writing() as session:
        await session.execute(text("CREATE TABLE gold_old (id INTEGER)"))

    assert "The table gold_old" in (await bad(host, "gold"))["tables"].message


async def test_health_is_seen_at_a_glance(make_host: MakeHost) -> None:
    host = await make_host(gold(), plugin("silver"), plugin("tin"))
    await host.enable("gold")
    await host.enable("silver")

    for _ in range(5):
        host.caller.failed("silver", "graphql", ValueError("sour"))

    assert [health_of(host, plugin_id) for plugin_id in ("gold", "silver", "tin")] == [
        PluginHealth.WELL,
        PluginHealth.DEGRADED,
        PluginHealth.OFF,
    ]
    assert host.caller.is_open("silver", "graphql")
