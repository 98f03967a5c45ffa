"""Keep the schemas that were built for tests, so that servers with the same plugins share one."""

from collections import OrderedDict
from collections.abc import Hashable

from regulars.graphql.holder import schema_of
from regulars.graphql.schema.building import BuiltSchema
from regulars.plugins.plugin_set import PluginSet

__all__ = ["SharedSchemas"]

MOST_KEPT = 6


class SharedSchemas:
    """Builds a schema once for each set of plugins, for one kind of database.

    A server builds its own when it starts; a thousand tests need not.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[PluginSet, BuiltSchema]] = OrderedDict()

    def build(self, plugins: PluginSet) -> BuiltSchema:
        """Return the schema of these plugins; raises what building it raises."""
        key = _key(plugins)
        if key not in self._kept:
            self._kept[key] = (plugins, schema_of(plugins))  # the plugins stay, so that no id is given anew
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key][1]


def _key(plugins: PluginSet) -> Hashable:
    return tuple(
        (
            plugin.id,
            id(plugin.manifest),
            frozenset((name, id(fields)) for name, fields in plugin.contributions.graphql.fields.items()),
            tuple(map(id, plugin.contributions.traits)),
        )
        for plugin in plugins.plugins
    )
