"""How a plugin is at a glance, in this process."""

from enum import StrEnum

from regulars.plugins.host import PluginHost

__all__ = ["PluginHealth", "health_of"]


class PluginHealth(StrEnum):
    """How a plugin is, at a glance."""

    WELL = "well"
    DEGRADED = "degraded"
    OFF = "off"


def health_of(host: PluginHost, plugin_id: str) -> PluginHealth:
    """Return how a plugin is in this process: degraded while a hook rests or a critical problem is known."""
    if plugin_id not in host.plugins.ids:
        return PluginHealth.OFF
    is_resting = any(breaker.plugin_id == plugin_id for breaker in host.caller.breakers.open_now())
    is_troubled = any(problem.is_critical for problem in host.problems.known(plugin_id))
    return PluginHealth.DEGRADED if is_resting or is_troubled else PluginHealth.WELL
