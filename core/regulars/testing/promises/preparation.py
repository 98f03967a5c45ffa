"""A shop in which a plugin has something to do, and the ways to open it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from regulars.plugins.joining.discovery import FoundPlugin, discover
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.plugin_set import EnabledPlugin
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp
from regulars.testing.making import Configured
from regulars.testing.shop import Happening

__all__ = ["CUSTOMERS", "Candidate", "Prepare", "enabled_in", "fill_shop", "manifest_in"]

CUSTOMERS = 50

Prepare = Callable[[App], Awaitable[None]]
"""Gives the plugin under test whatever its own jobs and handlers do not make of purchases."""


@dataclass(frozen=True)
class Candidate:
    """A plugin under test, a maker of servers, what gives the plugin something to do, and what is installed beside."""

    plugin: FoundPlugin
    make_app: MakeApp
    prepare: Prepare | None = None
    installed: Callable[[], Sequence[FoundPlugin]] = discover
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def manifest(self) -> PluginManifest:
        """Return the plugin's manifest."""
        return manifest_in(self.plugin)

    def needed(self) -> Sequence[FoundPlugin]:
        """Return the installed plugins without which this one cannot be enabled."""
        installed = {found.id: found for found in self.installed()}
        needed: dict[str, FoundPlugin] = {}
        waiting = list(self.manifest.depends)
        while waiting:
            plugin_id = waiting.pop()
            if plugin_id not in needed:
                assert plugin_id in installed, f"{self.plugin.id} needs {plugin_id}. Install it to run these tests."
                needed[plugin_id] = installed[plugin_id]
                waiting.extend(manifest_in(installed[plugin_id]).depends)
        return tuple(needed.values())

    async def app(self, instead: FoundPlugin | None = None) -> App:
        """Return a server with the plugin, or with another in its place, and with the plugins that it needs."""
        return await self.make_app(*self.needed(), self.given(instead))

    def given(self, instead: FoundPlugin | None = None) -> Configured:
        """Return the plugin, or another in its place, with the settings that it needs."""
        return Configured(instead or self.plugin, self.settings)

    async def prepared_app(self, instead: FoundPlugin | None = None) -> App:
        """Return a server with the plugin and with fifty customers whose orders and refunds it has heard of."""
        app = await self.app(instead)
        await fill_shop(app)
        await app.deliver_events()
        for job in enabled_in(app, self.plugin).contributions.jobs:
            row = await app.run_job(job.id)
            assert row.status == "SUCCEEDED", f"The job {job.id} ended as {row.status}: {row.problem}"
        if self.prepare is not None:
            await self.prepare(app)
        return app


def manifest_in(plugin: FoundPlugin) -> PluginManifest:
    """Return the manifest of a plugin that has one."""
    assert plugin.manifest is not None, f"{plugin.id} has no manifest: {plugin.withheld}"
    return plugin.manifest


def enabled_in(app: App, plugin: FoundPlugin) -> EnabledPlugin:
    """Return the plugin as the server has it."""
    enabled = app.server.plugins.get(plugin.id)
    assert enabled is not None, f"{plugin.id} is not enabled: {app.server.host.statuses[plugin.id].reason}"
    return enabled


async def fill_shop(app: App, customers: int = CUSTOMERS) -> list[UUID]:
    """Return the ids of new customers who bought, some often and some once, and sent something back now and then."""
    return list(
        (await app.ingest({f"Customer {number}": _history(app, number) for number in range(customers)})).values()
    )


def _history(app: App, number: int) -> list[Happening]:
    now, orders = app.clock.now(), 1 + number * 7 % 9
    first = timedelta(days=400 - number)
    happenings = [
        Happening(
            now - first + timedelta(days=place * (11 + number % 13)),
            Decimal(20 + number * 3 % 40 + place),
            channel="web",
            external_id=f"{number}-{place}",
        )
        for place in range(orders)
    ]
    if number % 5 == 0:
        happenings.append(Happening(now - timedelta(days=30), "-10.00", "refund", channel="web"))
    return happenings
