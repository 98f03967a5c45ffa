"""Examine plugins: whether they load, what they miss, what they left behind, what went wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import inspect

from regulars.errors import RegularsError
from regulars.personal import silent_columns
from regulars.plugins.calling.problems import Problem, read_problems
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.admission import manifest_of
from regulars.plugins.joining.plan import public_routes
from regulars.plugins.plugin_set import Contributions
from regulars.plugins.states import PluginState, PluginWithheld
from regulars.revisions import MigrationOwner

__all__ = ["Finding", "examine"]

VERSION_TABLE = "alembic_version_"
NOT_OF_PLUGINS = ("core_", "sqlite_", f"{VERSION_TABLE}core")


@dataclass(frozen=True)
class Finding:
    """Something that was looked at: whose it is, and whether it is as it should be."""

    plugin_id: str
    subject: str
    is_good: bool
    message: str


async def examine(host: PluginHost, plugin_id: str | None = None) -> tuple[Finding, ...]:
    """Return what was found about one plugin, or about all and the tables that nobody owns.

    Raises ``UnknownPlugin``.
    """
    if plugin_id is not None:
        host.check_known(plugin_id)
    async with host.database.reading() as session:
        problems = await read_problems(session)
    findings: list[Finding] = []
    owned: set[str] = set()
    for examined in host.statuses if plugin_id is None else [plugin_id]:
        given = await _load(host, examined, findings)
        if given is not None:
            owned |= {str(model.__tablename__) for model in given.models} | {f"{VERSION_TABLE}{examined}"}
            findings += await _settings(host, examined)
            findings += await _migrations(host, examined, given)
            findings += await _joining(host, examined, findings)
            findings += _routes(examined, given)
            findings += _columns(examined, given)
        findings += _problems(examined, problems.get(examined, ()))
    findings += await _orphans(host, owned, plugin_id)
    return tuple(findings)


async def _load(host: PluginHost, plugin_id: str, findings: list[Finding]) -> Contributions | None:
    status = host.statuses[plugin_id]
    is_good = status.state in (PluginState.ENABLED, PluginState.DISABLED)
    findings.append(Finding(plugin_id, "state", is_good, f"{status.state}. {status.reason or ''}".strip()))
    try:
        host.check_allowed(plugin_id)
        given = await host.loader.contributions_of(host.installed(plugin_id))
    except PluginWithheld as withheld:
        findings.append(Finding(plugin_id, "import", False, withheld.reason))
        return None
    findings.append(Finding(plugin_id, "import", True, "Its hooks load, and each returns what it should."))
    command_problem = await host.loader.command_problem_of(host.installed(plugin_id))
    if command_problem is not None:
        findings.append(Finding(plugin_id, "commands", False, command_problem))
    return given


async def _settings(host: PluginHost, plugin_id: str) -> Iterable[Finding]:
    try:
        await host.admission.settings_of(manifest_of(host.installed(plugin_id)), host.stored_settings(plugin_id))
    except PluginWithheld as withheld:
        return [Finding(plugin_id, "settings", False, withheld.reason)]
    return [Finding(plugin_id, "settings", True, "They are complete.")]


async def _joining(host: PluginHost, plugin_id: str, findings: Sequence[Finding]) -> Iterable[Finding]:
    try:
        await host.admissible(plugin_id)
    except PluginWithheld as withheld:
        if withheld.reason not in {finding.message for finding in findings if finding.plugin_id == plugin_id}:
            return [Finding(plugin_id, "joining", False, withheld.reason)]
    return []


async def _migrations(host: PluginHost, plugin_id: str, given: Contributions) -> Iterable[Finding]:
    if given.migrations is None:
        return []
    try:
        owner = MigrationOwner(plugin_id, given.migrations.location)
        from regulars.migrations import pending_revisions  # Alembic is for changes of tables, not for every start

        pending = await pending_revisions(host.database.engine, owner)
    except RegularsError as error:
        return [Finding(plugin_id, "migrations", False, str(error))]
    if not pending:
        return [Finding(plugin_id, "migrations", True, "Its tables are the newest.")]
    waiting = f"Not run yet: {', '.join(pending)}."
    if plugin_id in host.plugins.ids:
        return [Finding(plugin_id, "migrations", False, f"{waiting} Start the server, or run `regulars db upgrade`.")]
    return [Finding(plugin_id, "migrations", True, f"{waiting} Enabling it runs them.")]


def _routes(plugin_id: str, given: Contributions) -> Iterable[Finding]:
    public = public_routes(plugin_id, given.pages)
    return [Finding(plugin_id, "pages", True, f"Everybody may see {', '.join(public)}.")] if public else []


def _columns(plugin_id: str, given: Contributions) -> Iterable[Finding]:
    silent = silent_columns(given.models)
    if not silent:
        return []
    message = f"Nobody says what {', '.join(silent)} holds of a person; its author adds `pii` to the columns."
    return [Finding(plugin_id, "personal data", False, message)]


def _problems(plugin_id: str, problems: Sequence[Problem]) -> Iterable[Finding]:
    return [
        Finding(
            plugin_id,
            "problem",
            False,
            f"{problem.key}, {problem.count} times, last {problem.last_seen_at:%Y-%m-%d %H:%M} UTC: {problem.message}",
        )
        for problem in problems
    ]


async def _orphans(host: PluginHost, owned: set[str], plugin_id: str | None) -> Iterable[Finding]:
    async with host.database.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    migrated = (table.removeprefix(VERSION_TABLE) for table in tables if table.startswith(VERSION_TABLE))
    ids = sorted({*host.statuses, *migrated}, key=len, reverse=True)
    findings: list[Finding] = []
    for table in sorted(set(tables) - owned):
        name = table.removeprefix(VERSION_TABLE)
        owner = next((id for id in ids if name == id or name.startswith(f"{id}_")), name.partition("_")[0])
        if table.startswith(NOT_OF_PLUGINS) or (plugin_id is not None and owner != plugin_id):
            continue
        message = (
            f"The table {table} belongs to no plugin that loads."
            f" If {owner} is gone for good, install it once more and run `regulars db downgrade {owner} base`."
        )
        findings.append(Finding(owner, "tables", False, message))
    return findings
