"""Find installed plugins and read their manifests, without importing anything that they do."""

import importlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

import structlog

from regulars.plugins.calling.containment import Contained, contain_here
from regulars.plugins.calling.reasons import describe, log_traceback
from regulars.plugins.joining.manifest_checks import check_manifest
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.states import PluginState, PluginWithheld

__all__ = ["GROUP", "FoundPlugin", "discover", "found_plugin"]

GROUP = "regulars"
MANIFEST_BUDGET_S = 10.0

log = structlog.get_logger("regulars.plugins")


@dataclass(frozen=True)
class FoundPlugin:
    """A plugin that is installed.

    ``manifest`` is None where it was not or could not be read; ``withheld`` says why a plugin can never be enabled as
    it is installed. ``load`` imports the hooks. ``source`` names the package that brings it.
    """

    id: str
    source: str
    manifest: PluginManifest | None = None
    withheld: PluginWithheld | None = None
    load: Callable[[], object] = object


def discover(*, blocked: Collection[str] = (), group: str = GROUP) -> tuple[FoundPlugin, ...]:
    """Return every installed plugin, by id.

    Entry points are read one by one, so a broken one costs only itself. Of a plugin in ``blocked`` nothing is imported.
    A plugin whose tables would look like those of another is withheld.
    """
    announced: defaultdict[str, list[EntryPoint]] = defaultdict(list)
    for point in entry_points(group=group):
        announced[point.name].append(point)
    return tuple(_found(plugin_id, announced, blocked) for plugin_id in sorted(announced))


def found_plugin(manifest: PluginManifest, *, hooks: object | None = None) -> FoundPlugin:
    """Return a plugin that is given rather than installed, as tests do it.

    ``hooks`` is a module or object with the hook implementations; without it the manifest's module is imported.
    """
    return _checked(manifest.id, "given", manifest, hooks)


def _found(plugin_id: str, announced: Mapping[str, Sequence[EntryPoint]], blocked: Collection[str]) -> FoundPlugin:
    points = announced[plugin_id]
    source = " and ".join(sorted(_source(point) for point in points))
    if plugin_id in blocked:
        return FoundPlugin(plugin_id, source)
    for other in announced:
        if plugin_id.startswith(f"{other}_"):
            reason = (
                f"Its tables begin with {plugin_id}_, as tables of the plugin {other} may. Uninstall one of the two, or"
                " ask the author of one for another id."
            )
            return FoundPlugin(plugin_id, source, withheld=PluginWithheld(plugin_id, PluginState.FAILED, reason))
    if len(points) > 1:
        reason = f"Two packages say that they are this plugin: {source}. Uninstall one."
        return FoundPlugin(plugin_id, source, withheld=PluginWithheld(plugin_id, PluginState.FAILED, reason))
    try:
        manifest: object = contain_here(points[0].load, budget_s=MANIFEST_BUDGET_S)
    except Contained as contained:
        reference = log_traceback(log, plugin_id, "manifest", contained.error)
        reason = f"Its manifest cannot be read: {describe(contained.error)}"
        withheld = PluginWithheld(plugin_id, PluginState.FAILED, reason, reference=reference)
        return FoundPlugin(plugin_id, source, withheld=withheld)
    return _checked(plugin_id, source, manifest, None)


def _source(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def _checked(plugin_id: str, source: str, manifest: object, hooks: object | None) -> FoundPlugin:
    if not isinstance(manifest, PluginManifest):
        reason = f"Its entry point names a value of type {type(manifest).__name__} where a PluginManifest belongs."
        return FoundPlugin(plugin_id, source, withheld=PluginWithheld(plugin_id, PluginState.FAILED, reason))
    try:
        check_manifest(manifest, plugin_id=plugin_id)
    except PluginWithheld as withheld:
        return FoundPlugin(plugin_id, source, manifest, withheld.plain())

    def load() -> object:
        return importlib.import_module(manifest.implementation) if hooks is None else hooks

    return FoundPlugin(plugin_id, source, manifest, load=load)
