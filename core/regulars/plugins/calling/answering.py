"""Find who answers a hook that concerns one customer: enabled plugins, and others that may still hold something."""

from dataclasses import dataclass

from pydantic import BaseModel
from sqlalchemy import inspect
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.plugins.calling.calls import PluginUnavailable
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.admission import manifest_of
from regulars.plugins.joining.loading import HookImplementation
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.models import PluginRecord
from regulars.plugins.states import PluginWithheld

__all__ = ["Answering", "who_answers"]


@dataclass(frozen=True)
class Answering:
    """A plugin that implements a hook, with what a call of it needs."""

    manifest: PluginManifest
    settings: BaseModel
    hook: HookImplementation


async def who_answers(
    host: PluginHost, hook: str, session: AsyncSession | None = None
) -> tuple[list[Answering], list[PluginUnavailable]]:
    """Return the plugins that implement the hook, by name, and those that should be asked and cannot be.

    A plugin that was ever enabled should be asked. One that is no longer installed counts while its tables with
    references to customers are there. ``session`` is that of the transaction in which they will be called.
    """
    await host.refresh(session)
    answering: list[Answering] = []
    unavailable: list[PluginUnavailable] = []
    remembered = {plugin_id for plugin_id, record in host.records.items() if record.accepted_at is not None}
    for plugin_id in sorted(remembered.union(host.plugins.ids)):
        try:
            found = await _answering(host, plugin_id, hook)
        except PluginWithheld as withheld:
            if plugin_id in host.found or await _has_left_tables(host, host.records[plugin_id]):
                reason = f"It may hold something of the customer and cannot be asked: {withheld.reason}"
                unavailable.append(PluginUnavailable(plugin_id, hook, reason, reference=withheld.reference))
        else:
            answering.extend(found)
    return answering, unavailable


async def _answering(host: PluginHost, plugin_id: str, hook: str) -> list[Answering]:
    host.check_allowed(plugin_id)
    installed = host.installed(plugin_id)
    manifest = manifest_of(installed)
    hooks = await host.loader.hooks_of(installed)
    if hook not in hooks:
        return []
    enabled = host.plugins.get(plugin_id)
    if enabled is not None:
        return [Answering(manifest, enabled.settings, hooks[hook])]
    settings = await host.admission.settings_of(manifest, host.stored_settings(plugin_id))
    return [Answering(manifest, settings, hooks[hook])]


async def _has_left_tables(host: PluginHost, record: PluginRecord) -> bool:
    holding = {table for table, columns in record.tables.items() if columns}
    if not holding:
        return False
    async with host.database.engine.connect() as connection:
        return bool(holding.intersection(await connection.run_sync(lambda sync: inspect(sync).get_table_names())))
