"""Check what a plugin says about itself, before any of its code is imported."""

import re
from collections import Counter
from collections.abc import Iterable

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel

from regulars.access.permissions import ROLES
from regulars.plugins.calling.reasons import describe
from regulars.plugins.manifest import HOOK_API, Grants, Permission, PluginManifest
from regulars.plugins.states import PluginState, PluginWithheld

__all__ = ["RESERVED_IDS", "check_dependency", "check_manifest", "grant_names", "id_fault"]

PLUGIN_ID = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_ID = 30
COMMANDS = frozenset(
    ("audit", "backup", "contact", "db", "demo", "doctor", "export", "graphql", "import", "key", "plugin", "privacy")
) | {"restore", "serve", "staff", "worker"}
RESERVED_IDS = COMMANDS | {"alembic", "core", "jobs", "migrations", "pg", "plugins", "regulars", "sqlite", "testing"}
GRAPHQL_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
MODULE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
PERMISSION_NAME = re.compile(r"[a-z][a-z0-9_:.]*")


class _Fault(Exception):
    """Something in the manifest is wrong; the message is a sentence."""


def check_manifest(manifest: PluginManifest, *, plugin_id: str) -> None:
    """Accept a manifest that is well formed and made for this server.

    ``plugin_id`` is the name under which it was found. Raises ``PluginWithheld``: incompatible when it was made for
    other hooks, failed when it is wrong.
    """
    try:
        _check_types(manifest)
        _check_names(manifest, plugin_id)
        _check_permissions(manifest)
        hook_api = _range(manifest.hook_api, "hook_api")
        for other, wanted in manifest.depends.items():
            _range(wanted, f"the version of {other} in depends")
    except _Fault as fault:
        raise PluginWithheld(plugin_id, PluginState.FAILED, f"Its manifest is wrong: {fault}") from fault
    except Exception as error:
        reason = f"Its manifest cannot be understood: {describe(error)}"
        raise PluginWithheld(plugin_id, PluginState.FAILED, reason) from error
    if not hook_api.contains(HOOK_API, prereleases=True):
        raise PluginWithheld(
            plugin_id,
            PluginState.INCOMPATIBLE,
            f"It was made for hooks {manifest.hook_api}, and this server has {HOOK_API}."
            " Install a version of it, or of the server, that fits.",
        )


def id_fault(plugin_id: str) -> str | None:
    """Return in a sentence why no plugin can have this id; None for an id that is well formed."""
    if not PLUGIN_ID.fullmatch(plugin_id) or len(plugin_id) > LONGEST_ID:
        return f"an id is lower snake case of at most {LONGEST_ID} letters, not {plugin_id!r}."
    if plugin_id in RESERVED_IDS:
        return f"the id {plugin_id} belongs to the server."
    return None


def check_dependency(manifest: PluginManifest, other: PluginManifest) -> None:
    """Accept another plugin's version as this plugin wants it.

    Raises ``PluginWithheld`` (incompatible) where it does not fit.
    """
    wanted = manifest.depends[other.id]
    if not SpecifierSet(wanted).contains(other.version, prereleases=True):
        raise PluginWithheld(
            manifest.id,
            PluginState.INCOMPATIBLE,
            f"It needs the plugin {other.id} {wanted}, and {other.version} is installed.",
        )


def grant_names(grants: Grants) -> tuple[str, ...]:
    """Return grants as words that can be kept and compared: ``read:customer.email``, ``network:api.example``."""
    return tuple(
        sorted(
            f"{kind}:{name}"
            for kind, names in (
                ("read", grants.read),
                ("write", grants.write),
                ("events", grants.events),
                ("network", grants.network),
            )
            for name in names
        )
    )


def _check_types(manifest: PluginManifest) -> None:
    for name in ("id", "version", "title", "summary", "hook_api", "implementation"):
        if not isinstance(getattr(manifest, name), str):
            raise _Fault(f"{name} must be text.")
    if not (isinstance(manifest.settings, type) and issubclass(manifest.settings, BaseModel)):
        raise _Fault("settings must be a pydantic model.")
    if not isinstance(manifest.grants, Grants):
        raise _Fault("grants must be Grants.")
    if not all(isinstance(permission, Permission) for permission in manifest.permissions):
        raise _Fault("permissions must be of type Permission.")
    grants = manifest.grants
    for kind in (grants.read, grants.write, grants.events, grants.network, manifest.graphql_types):
        if not isinstance(kind, tuple) or not all(isinstance(name, str) for name in kind):
            raise _Fault("grants and graphql_types must be tuples of texts.")


def _check_names(manifest: PluginManifest, plugin_id: str) -> None:
    fault = id_fault(plugin_id)
    if fault is not None:
        raise _Fault(fault)
    if manifest.id != plugin_id:
        raise _Fault(f"its entry point is called {plugin_id} and its id is {manifest.id}.")
    if not MODULE_NAME.fullmatch(manifest.implementation):
        raise _Fault(f"implementation must name a module, not {manifest.implementation!r}.")
    try:
        Version(manifest.version)
    except InvalidVersion as error:
        raise _Fault(f"{manifest.version!r} is no version such as 1.2.0.") from error
    for name in manifest.graphql_types:
        if not GRAPHQL_NAME.fullmatch(name):
            raise _Fault(f"the type name {name!r} must begin with a capital and hold letters and digits.")
    _check_unique("type name", manifest.graphql_types)


def _check_permissions(manifest: PluginManifest) -> None:
    for permission in manifest.permissions:
        prefix = f"{manifest.id}:"
        if not PERMISSION_NAME.fullmatch(permission.name) or not permission.name.startswith(prefix):
            raise _Fault(f"the permission {permission.name!r} must start with {prefix!r}.")
        unknown = set(permission.default_roles) - set(ROLES)
        if unknown:
            raise _Fault(f"the permission {permission.name} names unknown roles: {', '.join(sorted(unknown))}.")
    _check_unique("permission", (permission.name for permission in manifest.permissions))


def _check_unique(kind: str, names: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise _Fault(f"the {kind} {twice[0]} is there twice.")


def _range(text: str, name: str) -> SpecifierSet:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier as error:
        raise _Fault(f"{name} must be a range such as '>=1.0,<2', not {text!r}.") from error
