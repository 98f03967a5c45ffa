"""Look at a whole installation, part by part, as far as it can be reached."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from regulars.checkup.backlog import event_findings, job_findings, seal_findings, webhook_findings
from regulars.checkup.findings import Finding
from regulars.checkup.guards import guard_findings
from regulars.checkup.surroundings import clock_findings, database_findings, disk_findings, settings_findings
from regulars.database import Database
from regulars.errors import ConfigurationError
from regulars.plugins.calling.problems import read_problems
from regulars.plugins.host import PluginHost
from regulars.plugins.states import PluginState
from regulars.preflight import check_database
from regulars.settings import Settings

__all__ = ["check_plugins", "check_up"]


async def check_up(database: Database, settings: Settings, *, now: datetime) -> Sequence[Finding]:
    """Return what was found about everything but plugins; a database that cannot be used ends the look.

    ``now`` is the time of this machine.
    """
    findings = [*settings_findings(settings), *disk_findings(settings)]
    try:
        await check_database(database)
    except ConfigurationError as error:
        return [*findings, Finding("database", "problem", str(error), "Do as it says, then look again.")]
    findings.append(Finding("database", "well", "It answers, and the core's tables are the newest."))
    async with database.reading() as session:
        findings += await database_findings(session, settings)
        findings += await clock_findings(session, now=now)
        findings += await guard_findings(session)
        findings += await seal_findings(session, now=now)
        findings += await job_findings(session, now=now)
        findings += await event_findings(session, now=now)
        findings += await webhook_findings(session, now=now)
    return findings


async def check_plugins(host: PluginHost) -> Sequence[Finding]:
    """Return which plugins that are wanted do not work, and which had trouble; ``host`` has loaded them."""
    async with host.database.reading() as session:
        problems = await read_problems(session)
    findings = list(_withheld(host))
    for plugin_id in host.plugins.ids:
        grave = [problem for problem in problems.get(plugin_id, ()) if problem.is_critical]
        if grave:
            message = f"{plugin_id} works, and had trouble: {grave[-1].message}"
            findings.append(Finding("plugins", "warning", message, f"Run `regulars plugin doctor {plugin_id}`."))
    return findings or [Finding("plugins", "well", f"{len(host.plugins.ids)} enabled, and none has trouble.")]


def _withheld(host: PluginHost) -> Iterator[Finding]:
    for plugin_id, status in host.statuses.items():
        record = host.records.get(plugin_id)
        if record is not None and record.is_enabled and status.state is not PluginState.ENABLED:
            message = f"{plugin_id} is {status.state} though it was enabled: {status.reason}"
            yield Finding("plugins", "problem", message, f"Run `regulars plugin doctor {plugin_id}`.")
