"""Hold the schema of the plugins that are enabled now, and swap it when they change."""

from collections.abc import Callable
from typing import Protocol

import structlog

from regulars.fields.context import Services
from regulars.graphql.documents.limits import Limits
from regulars.graphql.execution import Executor
from regulars.graphql.schema.building import BuiltSchema, build_schema
from regulars.graphql.schema.composition import CORE_OWNER
from regulars.graphql.schema.core_parts import schema_parts
from regulars.plugins.calling.reasons import told
from regulars.plugins.plugin_set import PluginSet

__all__ = ["BuildSchema", "PluginSource", "SchemaHolder", "schema_of"]

log = structlog.get_logger("regulars.graphql")


BuildSchema = Callable[[PluginSet], BuiltSchema]
"""Builds the schema of a set of plugins."""


def schema_of(plugins: PluginSet) -> BuiltSchema:
    """Return the schema of the core with these plugins; raises what ``build_schema`` raises."""
    return build_schema(schema_parts(plugins))


class PluginSource(Protocol):
    """Whoever knows which plugins are enabled: the plugin host."""

    @property
    def plugins(self) -> PluginSet:
        """Return the enabled plugins."""
        ...

    async def fail(self, plugin_id: str, reason: str) -> None:
        """Take a plugin out because the schema cannot be built with it."""
        ...


class SchemaHolder:
    """The executor of the current schema; an operation that runs keeps the one it began with.

    ``build`` builds the schema of a set of plugins, and raises what ``build_schema`` raises.
    """

    def __init__(
        self,
        services: Services,
        host: PluginSource,
        *,
        limits: Limits | None = None,
        build: BuildSchema | None = None,
    ) -> None:
        self._services, self._host, self._limits = services, host, limits
        self.build = build or schema_of
        self._built_for: PluginSet | None = None
        self._executor: Executor | None = None

    @property
    def is_built(self) -> bool:
        """Tell whether there is a schema."""
        return self._executor is not None

    @property
    def is_current(self) -> bool:
        """Tell whether the schema is that of the plugins that are enabled now."""
        return self._executor is not None and self._host.plugins is self._built_for

    @property
    def executor(self) -> Executor:
        """Return the executor of the schema that was built last."""
        assert self._executor is not None, "the schema has not been built"
        return self._executor

    async def refresh(self) -> Executor:
        """Build the schema anew when the plugins changed, and return its executor.

        A plugin that the schema cannot be built with is taken out, and the rest is built without it.
        """
        while not self.is_current:
            plugins = self._host.plugins
            try:
                schema = self.build(plugins)
            except Exception as error:  # what a plugin declares may fail anywhere below
                owner, reason = self._owner_of(error, plugins)
                log.error("plugin.schema_refused", plugin=owner, reason=reason)
                await self._host.fail(owner, reason)
            else:
                self._executor = Executor(schema, self._services, limits=self._limits)
                self._built_for = plugins
        return self.executor

    def _owner_of(self, error: Exception, plugins: PluginSet) -> tuple[str, str]:
        """Return the plugin that the schema fails with, and why; raises the error when it is no plugin's."""
        owner = getattr(error, "owner", CORE_OWNER)
        if owner in plugins.ids:
            return owner, told(error)
        self.build(PluginSet())
        for count, plugin in enumerate(plugins.plugins, start=1):
            try:
                self.build(PluginSet(plugins=plugins.plugins[:count]))
            except Exception as alone:
                return plugin.id, told(alone)
        raise error
