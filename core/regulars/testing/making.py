"""Make whole servers for tests, each on a database of its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from sqlalchemy import make_url
from starlette.applications import Starlette

from regulars.clock import SettableClock
from regulars.graphql.holder import SchemaHolder
from regulars.outgoing.opening import open_outgoing
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.states import PluginState, in_dependency_order
from regulars.revisions import CORE, MigrationOwner
from regulars.settings import Settings
from regulars.testing.app import App
from regulars.testing.databases import TestDatabases
from regulars.testing.internet import FakeInternet
from regulars.testing.network import network_closed
from regulars.web.application import create_app
from regulars.web.server import Server

__all__ = ["Configured", "GivenPlugin", "as_configured", "make_web", "running_app"]


@dataclass(frozen=True)
class Configured:
    """A plugin with settings that differ from their defaults, or that have none."""

    plugin: PluginManifest | FoundPlugin
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def found(self) -> FoundPlugin:
        """Return the plugin as the server finds it; the hooks of a manifest are imported when they are needed."""
        return self.plugin if isinstance(self.plugin, FoundPlugin) else found_plugin(self.plugin)


GivenPlugin = PluginManifest | FoundPlugin | Configured


def as_configured(plugin: GivenPlugin) -> Configured:
    """Return a plugin with its settings, by default none."""
    return plugin if isinstance(plugin, Configured) else Configured(plugin)


@asynccontextmanager
async def running_app(
    databases: TestDatabases, plugins: Sequence[GivenPlugin], clock: SettableClock, **settings: Any
) -> AsyncIterator[App]:
    """Give a server with these plugins enabled, on a fresh database with their tables.

    A plugin that cannot be enabled fails the test with the reason.
    """
    given = [as_configured(plugin) for plugin in plugins]
    found = [plugin.found for plugin in given]
    with ExitStack() as stack:
        # Making a database runs an event loop of its own, so it needs a thread without one.
        url = await asyncio.to_thread(stack.enter_context, databases.fresh([CORE, *_owners(found)]))
        stack.enter_context(network_closed(allowed=[make_url(url).host or ""]))
        heads = stack.enter_context(TemporaryDirectory())
        chosen = Settings(**{"database_url": url, "worker": False, "audit_heads": heads, **settings})
        http = FakeInternet(chosen)
        web = make_web(databases, chosen, clock=clock, found=found, outgoing=open_outgoing(chosen, transport=http))
        server: Server = web.state.server
        try:
            async with server.running(), _client(web) as client:
                await _enable(server, found, {one.found.id: one.settings for one in given})
                yield App(web, client, clock, http)
        finally:
            await asyncio.to_thread(stack.close)


def make_web(
    databases: TestDatabases, settings: Settings, *, found: Sequence[FoundPlugin] | None = None, **given: Any
) -> Starlette:
    """Return the application of a server that shares with those before it what they compiled and built.

    ``given`` is what ``create_app`` takes besides.
    """
    web = create_app(settings, found=found, database=databases.opened(settings), **given)
    server: Server = web.state.server
    server.schema = SchemaHolder(server, server, build=databases.schemas.build)
    return web


def _client(web: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://regulars.test")


def _owners(found: Sequence[FoundPlugin]) -> list[MigrationOwner]:
    owners = []
    for plugin in found:
        locate = getattr(plugin.load(), "migrations", None)
        if locate is not None:
            owners.append(MigrationOwner(plugin.id, locate().location))
    return owners


async def _enable(server: Server, found: Sequence[FoundPlugin], settings: Mapping[str, Mapping[str, Any]]) -> None:
    needs = {plugin.id: () if plugin.manifest is None else tuple(plugin.manifest.depends) for plugin in found}
    order, _ = in_dependency_order(needs)
    for plugin_id in order:
        if settings[plugin_id]:
            await server.host.configure(plugin_id, settings[plugin_id])
        await server.host.enable(plugin_id)
    await server.refresh_schema()
    for plugin_id in order:
        status = server.host.statuses[plugin_id]
        assert status.state is PluginState.ENABLED, f"{plugin_id} is {status.state}: {status.reason}"
