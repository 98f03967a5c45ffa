"""`regulars doctor`: look at everything that a server needs, and say what to do next."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from regulars.checkup.findings import Finding
    from regulars.settings import Settings

__all__ = ["doctor"]

MARKS = {"well": "ok  ", "warning": "WARN", "problem": "BAD "}


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Look at everything that a server needs; exit code 0 when all is well, 1 for a problem, 3 for a warning."""
    import asyncio
    import json

    from regulars.checkup import findings as found
    from regulars.cli.environment import command_settings
    from regulars.cli.settings import SettingsRefused

    findings: Sequence[Finding]
    try:
        settings = command_settings()
    except SettingsRefused as refused:
        findings = [found.Finding("settings", "problem", str(refused), "Set these variables anew, then look again.")]
    else:
        findings = asyncio.run(_look(settings))
    code = found.exit_code(findings)
    if as_json:
        typer.echo(json.dumps({"exitCode": code, "findings": found.as_json(findings)}))
    else:
        for finding in findings:
            typer.echo(f"{MARKS[finding.level]}  {finding.subject}: {finding.message}")
            if finding.next_step:
                typer.echo(f"      {finding.next_step}")
    if code:
        raise typer.Exit(code)


async def _look(settings: "Settings") -> "Sequence[Finding]":
    from os import environ

    from regulars.checkup.service import check_plugins, check_up
    from regulars.checkup.surroundings import unknown_findings
    from regulars.clock import SystemClock
    from regulars.database import Database, open_engine
    from regulars.plugins.host import PluginHost
    from regulars.plugins.joining.discovery import discover

    database, clock = Database(open_engine(settings)), SystemClock()
    try:
        findings = [*unknown_findings(environ), *await check_up(database, settings, now=clock.now())]
        if any(finding.subject == "database" and finding.level == "problem" for finding in findings):
            return findings
        host = PluginHost(database, settings, clock=clock, found=discover(blocked=settings.blocked_plugins))
        try:
            await host.load()
            return [*findings, *await check_plugins(host)]
        finally:
            await host.close()
    finally:
        await database.close()
