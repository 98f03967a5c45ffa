"""`regulars <id> …`: the commands that a plugin brings; the plugin is imported only for them."""

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import typer

from regulars.cli.environment import command_settings
from regulars.errors import ConfigurationError
from regulars.plugins.calling.containment import Contained, contain_here
from regulars.plugins.calling.reasons import describe
from regulars.plugins.joining.discovery import GROUP, discover

if TYPE_CHECKING:
    from regulars.plugins.joining.discovery import FoundPlugin

__all__ = ["CommandsUnavailable", "plugin_commands"]

BUDGET_S = 30.0


class CommandsUnavailable(ConfigurationError):
    """A plugin is installed, but its commands cannot be had."""

    code = "COMMANDS_UNAVAILABLE"

    def __init__(self, plugin_id: str, reason: str) -> None:
        self.plugin_id, self.reason = plugin_id, reason
        super().__init__(f"The plugin {plugin_id} has no commands: {reason}")


def plugin_commands(plugin_id: str) -> typer.Typer:
    """Return what the plugin's hook `cli` returns.

    Raises ``CommandsUnavailable`` for a plugin that is blocked, broken or has none, and ``PluginWithheld`` for one that
    cannot be enabled as it is installed.
    """
    settings = command_settings()
    if settings.safe_mode:
        raise CommandsUnavailable(plugin_id, "REGULARS_SAFE_MODE is set.")
    if plugin_id in settings.blocked_plugins:
        raise CommandsUnavailable(plugin_id, "it is blocked by REGULARS_BLOCKED_PLUGINS.")
    others = {entry.name for entry in entry_points(group=GROUP)} - {plugin_id}  # nothing of them is imported
    found = next(plugin for plugin in discover(blocked=others) if plugin.id == plugin_id)
    if found.withheld is not None:
        raise found.withheld
    return _commands_of(found)


def _commands_of(found: "FoundPlugin") -> typer.Typer:
    def ask() -> object:
        hook = getattr(found.load(), "cli", None)
        return hook() if hasattr(hook, "regulars_impl") and callable(hook) else None

    try:
        commands = contain_here(ask, budget_s=BUDGET_S)
    except Contained as contained:
        raise CommandsUnavailable(found.id, describe(contained.error)) from contained.error
    if commands is None:
        raise CommandsUnavailable(found.id, "it brings none.")
    if not isinstance(commands, typer.Typer):
        raise CommandsUnavailable(found.id, f"its hook cli returned a {type(commands).__name__}, no typer application.")
    return commands
