"""The states of a plugin, and why it is in one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from regulars.errors import ExpectedError, UnknownValue

__all__ = [
    "PluginState",
    "PluginStatus",
    "PluginWithheld",
    "UnknownPlugin",
    "in_dependency_order",
]


class PluginState(StrEnum):
    """What a plugin does at the moment."""

    INCOMPATIBLE = "incompatible"
    NEEDS_CONFIG = "needs_config"
    DISABLED = "disabled"
    FAILED = "failed"
    ENABLED = "enabled"


@dataclass(frozen=True)
class PluginStatus:
    """A plugin's state with its reason, since when, and the reference under which the log keeps the traceback."""

    state: PluginState
    reason: str | None
    since: datetime
    reference: str | None = None


class PluginWithheld(ExpectedError):
    """A plugin cannot be enabled as things stand."""

    code = "PLUGIN_WITHHELD"

    def __init__(self, plugin_id: str, state: PluginState, reason: str, *, reference: str | None = None) -> None:
        self.plugin_id, self.state, self.reason, self.reference = plugin_id, state, reason, reference
        where = f" The log has the traceback under {reference}." if reference else ""
        super().__init__(f"The plugin {plugin_id} cannot be enabled: {reason}{where}")

    def plain(self) -> "PluginWithheld":
        """Return the same without traceback and cause, which would keep alive whatever they saw; for keeping."""
        return PluginWithheld(self.plugin_id, self.state, self.reason, reference=self.reference)


class UnknownPlugin(UnknownValue):
    """A plugin was named that is neither installed nor remembered."""

    code = "UNKNOWN_PLUGIN"

    def __init__(self, plugin_id: str, known: Iterable[str]) -> None:
        super().__init__("plugin", plugin_id, known)


def in_dependency_order(needs: Mapping[str, Iterable[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """Return plugin ids so that each comes after those it needs, by name where that leaves a choice.

    The second value names the circle for each plugin that needs itself by way of others; those are left out of the
    first.
    """
    circles: dict[str, list[str]] = {}
    while True:
        sorter = TopologicalSorter(
            {
                plugin: sorted(other for other in others if other in needs and other not in circles)
                for plugin, others in needs.items()
                if plugin not in circles
            }
        )
        try:
            sorter.prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            circles.update(dict.fromkeys(circle, circle))
            continue
        order: list[str] = []
        while sorter.is_active():
            ready = sorted(sorter.get_ready())
            order.extend(ready)
            sorter.done(*ready)
        return order, circles
