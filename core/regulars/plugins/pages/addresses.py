"""Where the pages of a plugin are: at an address of their own, such as `/preferences`, or under `/plugins/<id>`."""

import re
from collections.abc import Mapping

from regulars.plugins.calling.results import WrongResult
from regulars.plugins.contributions import Pages
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.plugin_set import EnabledPlugin, PluginSet
from regulars.plugins.states import PluginState, PluginWithheld

__all__ = ["CORE_ADDRESSES", "check_address", "check_address_is_free", "pages_path", "plugin_at"]

CORE_ADDRESSES = frozenset(
    {
        *(".well-known", "company", "console", "exports", "favicon.ico", "graphiql", "graphql", "imports", "live"),
        *("metrics", "plugins", "privacy", "ready", "robots.txt", "static", "stop", "v1"),
    }
)
"""The first parts of the addresses at which the core answers."""

ADDRESS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 40


def pages_path(plugin_id: str, pages: Pages) -> str:
    """Return the path before those of the plugin's routes, such as ``/preferences``."""
    return f"/plugins/{plugin_id}" if pages.address is None else f"/{pages.address}"


def plugin_at(plugins: PluginSet, path: str) -> EnabledPlugin | None:
    """Return the plugin whose own address this path lies at or below; None for every other path."""
    first = path.removeprefix("/").partition("/")[0]
    for plugin in plugins.plugins if first else ():
        pages = plugin.contributions.pages
        if pages is not None and pages.address == first:
            return plugin
    return None


def check_address(address: object) -> None:
    """Accept an address that can stand at the root; raises ``WrongResult``."""
    if address is None:
        return
    if not isinstance(address, str) or not ADDRESS.fullmatch(address) or len(address) > LONGEST:
        raise WrongResult(
            f"{address!r} is no address. Write small letters, digits and single hyphens, such as preferences"
        )
    if address in CORE_ADDRESSES:
        raise WrongResult(f"the address /{address} is one of the core's own; choose another")


def check_address_is_free(manifest: PluginManifest, pages: Pages | None, admitted: Mapping[str, EnabledPlugin]) -> None:
    """Accept an address that no other plugin has; raises ``PluginWithheld`` naming that one."""
    if pages is None or pages.address is None:
        return
    for other in admitted.values():
        theirs = other.contributions.pages
        if other.id != manifest.id and theirs is not None and theirs.address == pages.address:
            reason = f"Its address /{pages.address} is taken by {other.id}. One of them must choose another."
            raise PluginWithheld(manifest.id, PluginState.FAILED, reason)
