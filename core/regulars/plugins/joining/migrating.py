"""Bring a plugin's tables to their newest revision, so that a failure stops that plugin only."""

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from regulars.plugins.calling.reasons import describe, log_traceback
from regulars.plugins.plugin_set import EnabledPlugin
from regulars.plugins.states import PluginState, PluginWithheld
from regulars.revisions import MigrationFailed, state_of

__all__ = ["migrate_plugin"]

log = structlog.get_logger("regulars.plugins")


async def migrate_plugin(engine: AsyncEngine, plugin: EnabledPlugin) -> None:
    """Bring the plugin's tables to their newest revision.

    Raises ``PluginWithheld`` (failed) when that does not work; then nothing of the step was kept.
    """
    owner = plugin.migration_owner
    if owner is None:
        return
    try:
        state = await state_of(engine, owner)
        if not state.is_newest:
            from regulars.migrations import upgrade  # Alembic is for changes of tables, not for every start

            await upgrade(engine, [owner])
    except (Exception, SystemExit, GeneratorExit) as error:
        # Not KeyboardInterrupt: migrations run on the thread on which an operator's own arrives.
        cause = error.__cause__ if isinstance(error, MigrationFailed) and error.__cause__ is not None else error
        reference = log_traceback(log, plugin.id, "migrations", cause)
        raise PluginWithheld(
            plugin.id, PluginState.FAILED, f"Its tables cannot be migrated: {describe(cause)}", reference=reference
        ) from error
