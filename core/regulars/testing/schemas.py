"""Keep the schemas that were built for tests, so that servers with the same plugins share one."""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence

from strawberry.types import get_object_definition

from regulars.graphql.holder import schema_of
from regulars.graphql.schema.building import BuiltSchema
from regulars.plugins.plugin_set import PluginSet

__all__ = ["SharedSchemas"]

MOST_KEPT = 8


class SharedSchemas:
    """Builds a schema once for each set of plugins, for one kind of database.

    A server builds its own when it starts; a thousand tests need not.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[Sequence[object], BuiltSchema]] = OrderedDict()

    def build(self, plugins: PluginSet) -> BuiltSchema:
        """Return the schema of these plugins; raises what building it raises."""
        parts = list(_parts(plugins))
        key = (_values(plugins), tuple(map(id, parts)))
        if key not in self._kept:
            self._kept[key] = (parts, schema_of(plugins))  # the parts stay, so that no id is given anew
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return self._kept[key][1]


def _values(plugins: PluginSet) -> Hashable:
    return tuple(
        (
            plugin.id,
            frozenset(plugin.manifest.graphql_types),
            tuple(plugin.contributions.graphql.fields),
            tuple(plugin.contributions.traits),
        )
        for plugin in plugins.plugins
    )


def _parts(plugins: PluginSet) -> Iterator[object]:
    for plugin in plugins.plugins:
        for fields in plugin.contributions.graphql.fields.values():
            yield fields
            for field in get_object_definition(fields, strict=True).fields:
                # A test may put others in their place for a while.
                yield from (field, field.base_resolver, getattr(field, "rules", None))
