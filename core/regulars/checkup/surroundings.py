"""Look at what a server stands on: its settings, the disk, the database's own settings, and the clocks."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.checkup.findings import Finding, Level
from regulars.settings import Settings

__all__ = ["clock_findings", "database_findings", "disk_findings", "settings_findings", "unknown_findings"]

MIB = 1024 * 1024
LOW_DISK = 1024 * MIB
FULL_DISK = 128 * MIB
LARGE_LOG = 64 * MIB
SLOW_CLOCK_S, WRONG_CLOCK_S = 2.0, 30.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")
CONNECTIONS_FOR_OTHERS = 10
POOLS = 5
"""Of the size that is set: two that may double, for requests and for plugins, and one for planned queries."""
OF_TESTS = ("REGULARS_TEST_", "REGULARS_UPDATE_SNAPSHOTS")


def settings_findings(settings: Settings) -> Iterator[Finding]:
    """Yield what is doubtful about the settings for a server that others use."""
    if settings.mode == "development" and settings.host not in LOOPBACK:
        yield Finding(
            "settings",
            "warning",
            f"The mode is development, and the server listens on {settings.host}: GraphiQL is open to others.",
            "Set REGULARS_MODE=production.",
        )
    if not settings.secret.get_secret_value():
        yield Finding(
            "secret",
            "warning",
            "REGULARS_SECRET is not set: the secret of the keys lies in the database, and in each of its backups.",
            "Before you give the first key, set REGULARS_SECRET; later, changing it ends all keys.",
        )
    else:
        yield Finding("secret", "well", "It is kept outside the database.")
    if settings.safe_mode:
        yield Finding(
            "settings",
            "warning",
            "REGULARS_SAFE_MODE is set: no plugin runs, and events wait for them.",
            "Take it away once the plugin that made trouble is disabled.",
        )
    if not settings.worker:
        yield Finding(
            "settings",
            "well",
            "REGULARS_WORKER is off: jobs and events need a `regulars worker` beside the servers.",
        )


def unknown_findings(names: Iterable[str]) -> Iterator[Finding]:
    """Yield those of these variables of the environment that look like settings and are none."""
    prefix = Settings.model_config.get("env_prefix", "")
    known = [f"{prefix}{field.upper()}" for field in Settings.model_fields]
    for name in sorted(names):
        if name.startswith(prefix) and name not in known and not name.startswith(OF_TESTS):
            near = get_close_matches(name, known, n=1)
            step = f"Did you mean {near[0]}?" if near else "Take it away; the settings are in the reference."
            yield Finding("settings", "warning", f"{name} is set, and there is no such setting.", step)


def disk_findings(settings: Settings) -> Iterator[Finding]:
    """Yield how much room there is where files are written."""
    folders = {"uploads": Path(settings.uploads)}
    if settings.database.get_backend_name() == "sqlite":
        folders["database"] = Path(settings.database.database or ".").parent
    for name, folder in folders.items():
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        free = shutil.disk_usage(there).free
        level: Level = "well" if free >= LOW_DISK else "warning" if free >= FULL_DISK else "problem"
        step = "" if free >= LOW_DISK else f"Make room on the disk of {there}: nothing can be written once it is full."
        yield Finding(f"disk of {name}", level, f"{free // MIB} MiB are free.", step)


async def database_findings(session: AsyncSession, settings: Settings) -> Sequence[Finding]:
    """Return what is wrong with how the database is set up."""
    if settings.database.get_backend_name() == "sqlite":
        return await _sqlite_findings(session, settings.database)
    return await _postgresql_findings(session, settings)


async def clock_findings(session: AsyncSession, *, now: datetime) -> Sequence[Finding]:
    """Return how far the clocks of this machine and of the database are apart."""
    if session.get_bind().dialect.name == "sqlite":
        return []
    theirs: datetime = (await session.scalars(text("SELECT clock_timestamp()"))).one()
    apart = abs((theirs - now).total_seconds())
    message = f"This machine and the database are {apart:.1f} seconds apart."
    if apart <= SLOW_CLOCK_S:
        return [Finding("clock", "well", message)]
    step = "Let both keep time with NTP: leases of jobs, expiry of keys and the order of events rely on it."
    return [Finding("clock", "problem" if apart > WRONG_CLOCK_S else "warning", message, step)]


async def _sqlite_findings(session: AsyncSession, url: URL) -> Sequence[Finding]:
    mode, safety, keys = [
        str(await session.scalar(text(f"PRAGMA {name}"))) for name in ("journal_mode", "synchronous", "foreign_keys")
    ]
    if (mode, safety, keys) != ("wal", "2", "1"):
        message = f"journal_mode is {mode}, synchronous is {safety}, foreign_keys is {keys}; not wal, 2 and 1."
        return [Finding("database settings", "problem", message, "Move the file to a disk of this machine.")]
    size = _size_of(Path(f"{url.database}-wal"))
    if size > LARGE_LOG:
        return [
            Finding(
                "database settings",
                "warning",
                f"The log beside the file has {size // MIB} MiB: something reads for a long time and holds it open.",
                "End what reads, such as a copy that hangs; then the log shrinks by itself.",
            )
        ]
    return [Finding("database settings", "well", "Write-ahead log, full safety, foreign keys.")]


def _size_of(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


async def _postgresql_findings(session: AsyncSession, settings: Settings) -> Sequence[Finding]:
    async def shown(name: str) -> str:
        return str(await session.scalar(text(f"SHOW {name}")))

    findings = []
    lost = [name for name in ("fsync", "synchronous_commit", "full_page_writes") if await shown(name) == "off"]
    if lost:
        findings.append(
            Finding(
                "database settings",
                "warning",
                f"PostgreSQL runs with {' and '.join(lost)} off: what a client was told is stored can be lost.",
                f"Set {' and '.join(lost)} to on.",
            )
        )
    most, needed = int(await shown("max_connections")), POOLS * settings.pool_size + CONNECTIONS_FOR_OTHERS
    if needed > most:
        findings.append(
            Finding(
                "connections",
                "warning",
                f"One process may open {POOLS * settings.pool_size} connections, and PostgreSQL allows {most} in all.",
                "Raise max_connections, or lower REGULARS_POOL_SIZE.",
            )
        )
    return findings or [Finding("database settings", "well", "What is committed is on the disk.")]
