"""`regulars plugin`: see, enable, configure, examine and begin plugins."""

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from regulars.cli.columns import print_columns

if TYPE_CHECKING:
    from datetime import datetime

    from regulars.database import Database
    from regulars.plugins.host import PluginHost
    from regulars.plugins.joining.discovery import FoundPlugin
    from regulars.plugins.joining.plan import Plan
    from regulars.plugins.plugin_set import PluginSet
    from regulars.plugins.states import PluginStatus
    from regulars.settings import Settings

__all__ = ["app", "plugin_app"]

T = TypeVar("T")

Find = Callable[["Settings"], "Sequence[FoundPlugin]"]
Id = Annotated[str, typer.Argument(metavar="ID", help="The plugin's id, as `regulars plugin list` shows it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
ASK = "-"


def _installed(settings: "Settings") -> "Sequence[FoundPlugin]":
    from regulars.plugins.joining.discovery import discover

    return discover(blocked=settings.blocked_plugins)


def plugin_app(find: Find) -> typer.Typer:
    """Return the commands for the plugins that ``find`` returns."""
    commands = typer.Typer(no_args_is_help=True)

    @commands.command("list")
    def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
        """Show every plugin: its version, its state and why."""
        _with_host(find, lambda host: _list(host, as_json=as_json))

    @commands.command("plan")
    def plan(plugin_id: Id) -> None:
        """Show what enabling a plugin changes, without changing it."""
        _print_plan(_with_host(find, lambda host: _plan(host, plugin_id)))

    @commands.command("enable")
    def enable(plugin_id: Id, yes: Yes = False) -> None:
        """Accept what a plugin asks for, make its tables, and let it take part."""
        plan = _with_host(find, lambda host: _plan(host, plugin_id))
        _print_plan(plan)
        if plan.obstacle is None and not yes:
            typer.confirm(f"Enable {plugin_id}?", abort=True)
        status = _with_host(find, lambda host: _enable(host, plugin_id))
        typer.echo(f"{plugin_id}: {status.state}")

    @commands.command("disable")
    def disable(plugin_id: Id, yes: Yes = False) -> None:
        """Let a plugin no longer take part; its tables and settings stay."""
        plan = _with_host(find, lambda host: _plan(host, plugin_id))
        _print_plan(plan)
        if not yes:
            typer.confirm(f"Disable {plugin_id}? Its data stay.", abort=True)
        status = _with_host(find, lambda host: _disable(host, plugin_id))
        typer.echo(f"{plugin_id}: {status.state}")

    @commands.command("config")
    def config(
        plugin_id: Id,
        changes: Annotated[
            list[str] | None,
            typer.Argument(metavar="[KEY=VALUE]...", help="KEY= takes a value away, KEY=- asks for it unseen."),
        ] = None,
    ) -> None:
        """Show a plugin's settings, or change them; secrets are masked."""
        words = dict(_pair(change) for change in changes or [])
        _with_host(find, lambda host: _configure(host, plugin_id, words))

    @commands.command("doctor")
    def doctor(plugin_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only this one.")] = None) -> None:
        """Examine plugins: import, settings, migrations, forgotten tables, pages, problems; exit code 1 if bad."""
        if not _with_host(find, lambda host: _examine(host, plugin_id)):
            raise typer.Exit(1)

    @commands.command("tell-again")
    def tell_again(plugin_id: Id) -> None:
        """Tell a plugin again of the events that it could not take and that were given up."""
        number = _with_host(find, lambda host: _tell_again(host, plugin_id))
        typer.echo(f"{number} events are told to {plugin_id} again, by the next server or worker.")

    @commands.command("new")
    def new(
        plugin_id: Annotated[str, typer.Argument(metavar="ID", help="Lower snake case, such as tea_club.")],
        into: Annotated[
            Path, typer.Option("--into", help="The folder in which the plugin's own folder is made.")
        ] = Path(),
    ) -> None:
        """Write a new plugin that installs, works and passes its tests, to be changed into yours."""
        _print_new(plugin_id, into)

    return commands


app = plugin_app(_installed)


def _check_schema(plugins: "PluginSet") -> None:
    from regulars.graphql.holder import schema_of  # only what joins needs a schema

    schema_of(plugins)


def _with_host(find: Find, work: "Callable[[PluginHost], Awaitable[T]]") -> T:
    from regulars.cli.environment import with_tables
    from regulars.clock import SystemClock
    from regulars.plugins.host import PluginHost

    async def run(database: "Database", settings: "Settings", _now: "datetime") -> T:
        host = PluginHost(database, settings, clock=SystemClock(), found=find(settings), check_together=_check_schema)
        try:
            await host.load()
            return await work(host)
        finally:
            await host.close()

    return with_tables(run)


async def _list(host: "PluginHost", *, as_json: bool) -> None:
    from regulars.plugins.calling.problems import read_problems

    async with host.database.reading() as session:
        problems = await read_problems(session)
    rows: list[dict[str, Any]] = []
    for plugin_id, status in host.statuses.items():
        found, enabled = host.found.get(plugin_id), host.plugins.get(plugin_id)
        manifest = None if found is None else found.manifest
        rows.append(
            {
                "id": plugin_id,
                "version": None if manifest is None else manifest.version,
                "state": str(status.state),
                "reason": status.reason,
                "hooks": [] if enabled is None else list(enabled.hooks),
                "problems": [
                    {
                        "key": problem.key,
                        "message": problem.message,
                        "isCritical": problem.is_critical,
                        "count": problem.count,
                    }
                    for problem in problems.get(plugin_id, ())
                ],
            }
        )
    if as_json:
        import orjson

        typer.echo(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    print_columns(
        ("id", "version", "state", "hooks", "problems", "reason"),
        [
            (
                row["id"],
                row["version"] or "",
                row["state"],
                str(len(row["hooks"])),
                str(len(row["problems"])),
                row["reason"] or "",
            )
            for row in rows
        ],
    )


async def _plan(host: "PluginHost", plugin_id: str) -> "Plan":
    from regulars.plugins.joining.plan import plan_of

    return await plan_of(host, plugin_id)


def _print_plan(plan: "Plan") -> None:
    if plan.obstacle is not None:
        typer.echo(plan.obstacle)
    else:
        typer.echo(f"{plan.title} ({plan.plugin_id} {plan.version})")
    parts = {
        "revisions to run": plan.migrations,
        "tables": plan.tables,
        "fields": plan.fields,
        "facts about customers": plan.traits,
        "permissions it defines": plan.permissions,
        "what it asks for": tuple(f"{name} (new)" if name in plan.new_grants else name for name in plan.grants),
        "hosts it connects to": plan.hosts,
        "events it hears": plan.events,
        "jobs": plan.jobs,
        "pages": plan.routes,
        "plugins that need it": plan.dependents,
    }
    for title, items in parts.items():
        if items:
            typer.echo(f"  {title}:")
            for item in items:
                typer.echo(f"    {item}")


async def _enable(host: "PluginHost", plugin_id: str) -> "PluginStatus":
    status = await host.enable(plugin_id)
    await _note(host, "pluginEnable", plugin_id, command="enable")
    return status


async def _disable(host: "PluginHost", plugin_id: str) -> "PluginStatus":
    status = await host.disable(plugin_id)
    await _note(host, "pluginDisable", plugin_id, command="disable")
    return status


async def _tell_again(host: "PluginHost", plugin_id: str) -> int:
    from regulars.events.deliveries import repeat_deliveries

    host.check_known(plugin_id)
    async with host.database.writing() as session:
        number = await repeat_deliveries(session, handler=plugin_id, now=host.clock.now())
    await _note(host, "pluginTellAgain", plugin_id, command="tell-again")
    return number


async def _note(host: "PluginHost", action: str, plugin_id: str, *, command: str, fields: Sequence[str] = ()) -> None:
    """Write into the audit log what the mutation of the same name writes; never a value."""
    from regulars.access.actors import SYSTEM
    from regulars.audit.service import Circumstances, record_audit, under

    async with host.database.writing() as session:
        with under(session, Circumstances(f"regulars plugin {command}", fields=fields)):
            await record_audit(
                session, actor=SYSTEM.label, action=action, subject=f"{action}:{plugin_id}", now=host.clock.now()
            )


async def _configure(host: "PluginHost", plugin_id: str, words: dict[str, str]) -> None:
    from regulars.plugins.joining.admission import manifest_of
    from regulars.plugins.joining.configuration import settings_from_words, shown_settings

    host.check_known(plugin_id)
    manifest = manifest_of(host.installed(plugin_id))
    if words:
        status = await host.configure(plugin_id, settings_from_words(manifest, words))
        await _note(host, "pluginConfigure", plugin_id, command="config", fields=sorted(words))
        typer.echo(f"{plugin_id}: {status.state}{f'. {status.reason}' if status.reason else ''}")
    shown = shown_settings(manifest, host.stored_settings(plugin_id))
    if not shown:
        typer.echo(f"{plugin_id} has no settings.")
        return
    print_columns(
        ("setting", "value", "", "meaning"),
        [
            (
                setting.name,
                _as_typed(setting.value),
                "required" if setting.is_required and not setting.is_set else "",
                setting.description or "",
            )
            for setting in shown
        ],
    )


def _as_typed(value: Any) -> str:
    """Return a setting's value so that it can be typed again."""
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _pair(change: str) -> tuple[str, str]:
    name, sign, value = change.partition("=")
    if not sign or not name:
        raise typer.BadParameter(f"Write KEY=VALUE, not {change!r}.")
    return name, typer.prompt(name, hide_input=True) if value == ASK else value


async def _examine(host: "PluginHost", plugin_id: str | None) -> bool:
    from regulars.plugins.doctor import examine

    findings = await examine(host, plugin_id)
    for finding in findings:
        typer.echo(f"{'ok ' if finding.is_good else 'BAD'}  {finding.plugin_id}: {finding.subject}: {finding.message}")
    return all(finding.is_good for finding in findings)


def _print_new(plugin_id: str, into: Path) -> None:
    from regulars.scaffold.writing import new_plugin

    folder = new_plugin(plugin_id, into=into)
    typer.echo(f"{folder} is a plugin that counts what customers do. Change it into yours.")
    typer.echo(f'  pip install -e "{folder}[dev]"    # in the environment that has Regulars')
    typer.echo(f"  pytest {folder}")
    typer.echo(f"  regulars plugin enable {plugin_id}")
