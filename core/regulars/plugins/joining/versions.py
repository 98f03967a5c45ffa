"""Compare the versions of plugins that are installed here with those that were enabled."""

from collections.abc import Mapping

from packaging.version import Version

from regulars.plugins.models import PluginRecord
from regulars.plugins.plugin_set import EnabledPlugin, PluginSet

__all__ = ["newer_than_enabled", "version_conflicts"]


def newer_than_enabled(plugins: PluginSet, records: Mapping[str, PluginRecord]) -> list[EnabledPlugin]:
    """Return the plugins that are installed in a newer version than was enabled."""
    return [plugin for plugin in plugins.plugins if _is_newer(plugin, records[plugin.id].version)]


def version_conflicts(plugins: PluginSet, records: Mapping[str, PluginRecord]) -> dict[str, str]:
    """Return, by plugin, in words, where another version is installed than was enabled."""
    return {
        plugin.id: f"Version {plugin.manifest.version} is installed here, and version {enabled} was enabled elsewhere."
        for plugin in plugins.plugins
        if (enabled := records[plugin.id].version) != plugin.manifest.version
    }


def _is_newer(plugin: EnabledPlugin, enabled: str) -> bool:
    return not enabled or Version(plugin.manifest.version) > Version(enabled)
