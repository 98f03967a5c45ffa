"""Hold the schema of the plugins that are enabled now, and swap it when they change."""

from collections.abc import Callable
from typing import Protocol

import structlog

from regulars.errors import ConfigurationError
from regulars.fields.context import Services
from regulars.graphql.documents.limits import Limits
from regulars.graphql.execution import Executor
from regulars.graphql.schema.building import BuiltSchema, build_schema
from regulars.graphql.schema.composition import CORE_OWNER
from regulars.graphql.schema.core_parts import schema_parts
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
    """The executor of the current schema; an operation that runs keeps the one it began with."""

    def __init__(
        self,
        services: Services,
        host: PluginSource,
        *,
        limits: Limits | None = None,
        build: BuildSchema | None = None,
    ) -> None:
        self._services, self._host, self._limits = services, host, limits
        self._build = build or schema_of
        self._built_for: PluginSet | None = None
        self._executor: Executor | None = None

    @property
    def is_built(self) -> bool:
        """Tell whether there is a schema."""
        return self._executor is not None

    @property
    def executor(self) -> Executor:
        """Return the executor of the schema that was built last."""
        assert self._executor is not None, "the schema has not been built"
        return self._executor

    async def refresh(self) -> Executor:
        """Build the schema anew when the plugins changed, and return its executor.

        A plugin that the schema cannot be built with is taken out, and the rest is built without it.
        """
        while self._executor is None or self._host.plugins is not self._built_for:
            plugins = self._host.plugins
            try:
                schema = self._build(plugins)
            except ConfigurationError as error:
                owner = getattr(error, "owner", CORE_OWNER)
                if owner not in plugins.ids:
                    raise
                log.error("plugin.schema_refused", plugin=owner, reason=str(error))
                await self._host.fail(owner, str(error))
            else:
                self._executor = Executor(schema, self._services, limits=self._limits)
                self._built_for = plugins
        return self._executor
