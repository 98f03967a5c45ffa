"""Decide whether a plugin may take part: what it needs, what was accepted, and whether it loads."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from regulars.contact.rule_set import CORE_RULES
from regulars.errors import ExpectedError
from regulars.plugins.calling.calls import PluginCaller
from regulars.plugins.calling.containment import Contained, contain, in_thread
from regulars.plugins.calling.reasons import describe
from regulars.plugins.joining.configuration import changed_settings, read_settings
from regulars.plugins.joining.discovery import FoundPlugin
from regulars.plugins.joining.loading import PluginLoader
from regulars.plugins.joining.manifest_checks import check_dependency, grant_names
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.pages.addresses import check_address_is_free
from regulars.plugins.plugin_set import Contributions, EnabledPlugin
from regulars.plugins.states import PluginState, PluginWithheld

__all__ = ["Admission", "manifest_of", "not_enabled"]

T = TypeVar("T")


class Admission:
    """Judges plugins one after the other, those that others need first."""

    def __init__(self, found: Mapping[str, FoundPlugin], loader: PluginLoader, caller: PluginCaller) -> None:
        self._found = found
        self._loader = loader
        self._caller = caller

    async def admit(
        self,
        plugin_id: str,
        *,
        stored: Mapping[str, Any],
        accepted: Collection[str] | None,
        admitted: Mapping[str, EnabledPlugin],
    ) -> EnabledPlugin:
        """Return the plugin with its settings and contributions.

        ``stored`` are its settings, ``accepted`` the grants that an admin accepted (None: whatever it asks for), and
        ``admitted`` the plugins that were judged before. Raises ``PluginWithheld`` with the state and the reason.
        """
        found = self._found[plugin_id]
        manifest = manifest_of(found)
        self._check_dependencies(manifest, admitted)
        settings = await self.settings_of(manifest, stored)
        _check_grants(manifest, accepted)
        contributions = await self._loader.contributions_of(found)
        hooks = await self._loader.hooks_of(found)
        _check_type_names(manifest, admitted)
        _check_rules(manifest, contributions, admitted)
        check_address_is_free(manifest, contributions.pages, admitted)
        return EnabledPlugin(manifest, settings, tuple(sorted(hooks)), contributions)

    async def settings_of(self, manifest: PluginManifest, stored: Mapping[str, Any]) -> BaseModel:
        """Return the plugin's settings; raises ``PluginWithheld`` (needs_config) naming what is missing or wrong."""
        try:
            return await self._contained(lambda: read_settings(manifest, stored))
        except Contained as contained:
            error = contained.error
            if isinstance(error, ExpectedError):
                raise PluginWithheld(manifest.id, PluginState.NEEDS_CONFIG, str(error)) from error
            reason = f"Its settings cannot be read: {describe(error)}"
            raise PluginWithheld(manifest.id, PluginState.FAILED, reason) from error

    async def changed_settings(
        self, manifest: PluginManifest, stored: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the stored settings with the changes.

        Raises ``UnknownSetting`` or ``InvalidSettings``, and ``PluginCallFailed`` when the plugin's own check breaks.
        """
        try:
            return await self._contained(lambda: changed_settings(manifest, stored, changes))
        except Contained as contained:
            if isinstance(contained.error, ExpectedError):
                raise contained.error from None
            raise self._caller.failed(manifest.id, "settings", contained.error) from contained.error

    async def _contained(self, function: Callable[[], T]) -> T:
        budget_s = self._caller.budgets.collecting_s
        return await contain(lambda: in_thread(function), budget_s=budget_s, watchdog=self._caller.watchdog)

    def _check_dependencies(self, manifest: PluginManifest, admitted: Mapping[str, EnabledPlugin]) -> None:
        for needed in sorted(manifest.depends):
            other = self._found.get(needed)
            if other is None:
                reason = f"It needs the plugin {needed}, which is not installed."
                raise PluginWithheld(manifest.id, PluginState.INCOMPATIBLE, reason)
            if other.manifest is not None:
                check_dependency(manifest, other.manifest)
            if needed not in admitted:
                raise not_enabled(manifest.id, needed)


def manifest_of(found: FoundPlugin) -> PluginManifest:
    """Return the manifest of a plugin that can be enabled as it is installed; raises ``PluginWithheld``."""
    if found.withheld is not None:
        raise found.withheld.plain()
    if found.manifest is None:
        raise PluginWithheld(found.id, PluginState.DISABLED, "It is blocked, so its manifest was not read.")
    return found.manifest


def not_enabled(plugin_id: str, needed: str) -> PluginWithheld:
    """Return the reason of a plugin that waits for another one."""
    reason = f"It needs the plugin {needed}, which is not enabled. Enable that first."
    return PluginWithheld(plugin_id, PluginState.NEEDS_CONFIG, reason)


def _check_grants(manifest: PluginManifest, accepted: Collection[str] | None) -> None:
    asked = grant_names(manifest.grants)
    more = [grant for grant in asked if accepted is not None and grant not in accepted]
    if more:
        raise PluginWithheld(
            manifest.id,
            PluginState.NEEDS_CONFIG,
            f"Version {manifest.version} asks for more than was accepted: {', '.join(more)}."
            f" Look at `regulars plugin plan {manifest.id}` and enable it again to accept.",
        )


def _check_rules(manifest: PluginManifest, contributions: Contributions, admitted: Mapping[str, EnabledPlugin]) -> None:
    others = [rule for plugin in admitted.values() for rule in plugin.contributions.contact_rules]
    owners = {rule.id: rule.owner for rule in (*CORE_RULES, *others) if rule.owner != manifest.id}
    for rule in contributions.contact_rules:
        if rule.id in owners:
            reason = f"Its rule {rule.id} is there already, as a rule of {owners[rule.id]}. Give it another id."
            raise PluginWithheld(manifest.id, PluginState.FAILED, reason)


def _check_type_names(manifest: PluginManifest, admitted: Mapping[str, EnabledPlugin]) -> None:
    for other in admitted.values():
        both = sorted(set(manifest.graphql_types) & set(other.manifest.graphql_types))
        if both and other.id != manifest.id:
            reason = f"It claims the type {both[0]}, which {other.id} claims, too. One of them must rename its type."
            raise PluginWithheld(manifest.id, PluginState.FAILED, reason)
