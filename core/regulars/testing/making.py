"""Make whole servers for tests, each on a database of its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import httpx
from sqlalchemy import make_url

from regulars.clock import SettableClock
from regulars.migrations import CORE, MigrationOwner
from regulars.plugins.discovery import FoundPlugin, found_plugin
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.states import PluginState, in_dependency_order
from regulars.settings import Settings
from regulars.testing.app import App
from regulars.testing.databases import TestDatabases
from regulars.testing.network import network_closed
from regulars.web.application import create_app
from regulars.web.server import Server

__all__ = ["GivenPlugin", "as_found", "running_app"]

GivenPlugin = PluginManifest | FoundPlugin


def as_found(plugin: GivenPlugin) -> FoundPlugin:
    """Return a plugin as the server finds it; of a manifest, the module with its hooks is imported when needed."""
    return plugin if isinstance(plugin, FoundPlugin) else found_plugin(plugin)


@asynccontextmanager
async def running_app(
    databases: TestDatabases, plugins: Sequence[GivenPlugin], clock: SettableClock, **settings: Any
) -> AsyncIterator[App]:
    """Give a server with these plugins enabled, on a fresh database with their tables.

    A plugin that cannot be enabled fails the test with the reason.
    """
    found = [as_found(plugin) for plugin in plugins]
    with ExitStack() as stack:
        # Making a database runs an event loop of its own, so it needs a thread without one.
        url = await asyncio.to_thread(stack.enter_context, databases.fresh([CORE, *_owners(found)]))
        stack.enter_context(network_closed(allowed=[make_url(url).host or ""]))
        web = create_app(Settings(database_url=url, worker=False, **settings), clock=clock, found=found)
        server: Server = web.state.server
        try:
            async with server.running(), _client(web) as client:
                await _enable(server, found)
                yield App(web, client, clock)
        finally:
            await asyncio.to_thread(stack.close)


def _client(web: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url="http://regulars.test")


def _owners(found: Sequence[FoundPlugin]) -> list[MigrationOwner]:
    owners = []
    for plugin in found:
        locate = getattr(plugin.load(), "migrations", None)
        if locate is not None:
            owners.append(MigrationOwner(plugin.id, locate().location))
    return owners


async def _enable(server: Server, found: Sequence[FoundPlugin]) -> None:
    needs = {plugin.id: () if plugin.manifest is None else tuple(plugin.manifest.depends) for plugin in found}
    order, _ = in_dependency_order(needs)
    for plugin_id in order:
        await server.host.enable(plugin_id)
    await server.refresh_schema()
    for plugin_id in order:
        status = server.host.statuses[plugin_id]
        assert status.state is PluginState.ENABLED, f"{plugin_id} is {status.state}: {status.reason}"
