"""Who owns tables here: the core, and the plugins that bring migrations."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from regulars.clock import SystemClock
from regulars.database import Database
from regulars.errors import InvalidInput, UnknownValue
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.discovery import discover
from regulars.revisions import CORE, MigrationOwner
from regulars.settings import Settings

__all__ = ["enabled_owners", "owner_named"]


async def enabled_owners(database: Database, settings: Settings) -> Sequence[MigrationOwner]:
    """Return the plugins that are enabled and have tables, those that others need first.

    The core's tables must be there, since they say which plugins are enabled.
    """
    async with _host(database, settings) as host:
        await host.load()
        return host.migration_owners


async def owner_named(database: Database, settings: Settings, name: str) -> MigrationOwner:
    """Return the core, or an installed plugin with tables, be it enabled or not.

    Raises ``UnknownValue``, ``InvalidInput`` for a plugin without tables, and ``PluginWithheld`` for one that cannot be
    imported.
    """
    if name == CORE.name:
        return CORE
    async with _host(database, settings) as host:
        found = host.found.get(name)
        if found is None:
            raise UnknownValue("owner of tables", name, [CORE.name, *host.found])
        migrations = (await host.loader.contributions_of(found)).migrations
        if migrations is None:
            raise InvalidInput(f"The plugin {name} has no tables.")
        return MigrationOwner(name, migrations.location)


@asynccontextmanager
async def _host(database: Database, settings: Settings) -> AsyncIterator[PluginHost]:
    found = discover(blocked=settings.blocked_plugins)
    host = PluginHost(database, settings, clock=SystemClock(), found=found)
    try:
        yield host
    finally:
        await host.close()
