"""The names that follow from a plugin's id, and the errors of an id that cannot be used."""

from importlib.metadata import entry_points
from importlib.util import find_spec

from regulars.errors import InvalidInput, NotUnique
from regulars.plugins.joining.discovery import GROUP
from regulars.plugins.joining.manifest_checks import id_fault
from regulars.plugins.manifest import HOOK_API

__all__ = ["PluginIdTaken", "PluginIdUnusable", "check_plugin_id", "plugin_names"]


class PluginIdUnusable(InvalidInput):
    """A new plugin was to have an id that no plugin can have."""

    code = "PLUGIN_ID_UNUSABLE"

    def __init__(self, plugin_id: str, fault: str) -> None:
        self.plugin_id = plugin_id
        super().__init__(f"No plugin can be called {plugin_id!r}: {fault} Choose an id such as tea_club.")


class PluginIdTaken(NotUnique):
    """A new plugin was to have the id, or the package, of something that is installed."""

    code = "PLUGIN_ID_TAKEN"

    def __init__(self, plugin_id: str, holder: str) -> None:
        self.plugin_id, self.holder = plugin_id, holder
        super().__init__(
            f"{holder} is installed already, so no new plugin can be called {plugin_id}. Choose another id."
        )


def check_plugin_id(plugin_id: str) -> None:
    """Accept an id that a new plugin can have in this environment.

    Raises ``PluginIdUnusable`` or ``PluginIdTaken``.
    """
    fault = id_fault(plugin_id)
    if fault is not None:
        raise PluginIdUnusable(plugin_id, fault)
    if entry_points(group=GROUP, name=plugin_id):
        raise PluginIdTaken(plugin_id, f"A plugin {plugin_id}")
    if find_spec(f"regulars_{plugin_id}") is not None:
        raise PluginIdTaken(plugin_id, f"A package regulars_{plugin_id}")


def plugin_names(plugin_id: str) -> dict[str, str]:
    """Return what the templates call a plugin: in Python, in GraphQL, as a distribution, for people.

    The ranges of versions are those with which it is made.
    """
    words = plugin_id.split("_")
    pascal = "".join(word.capitalize() for word in words)
    major = int(HOOK_API.partition(".")[0])
    return {
        "id": plugin_id,
        "package": f"regulars_{plugin_id}",
        "distribution": f"regulars-{plugin_id.replace('_', '-')}",
        "Name": pascal,
        "name": pascal[0].lower() + pascal[1:],
        "title": " ".join(words).capitalize(),
        "hook_api": f">={HOOK_API},<{major + 1}",
    }
