"""What a plugin says about itself before any of its code runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel

__all__ = ["HOOK_API", "Grants", "NoSettings", "Permission", "PluginManifest"]

HOOK_API = "1.0"
"""The version of the hooks; numbered apart from the server, so that plugins outlive releases."""


class NoSettings(BaseModel):
    """The settings of a plugin that has none."""


@dataclass(frozen=True)
class Permission:
    """A right that a plugin defines, and the roles that have it unless an admin says otherwise."""

    name: str
    title: str
    default_roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grants:
    """What a plugin asks of the server; an admin accepts it by enabling the plugin.

    Grants bind the context that the server hands over. Python code in the same process is trusted code:
    they do not protect from a plugin that means harm.
    """

    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    network: tuple[str, ...] = ()


@dataclass(frozen=True)
class PluginManifest:
    """A plugin's name, version, needs and promises: data only, read before anything else is imported.

    ``hook_api`` is a range of versions such as ``>=1.0,<2``. ``graphql_types`` are the names of the GraphQL types
    that the plugin adds. ``depends`` maps ids of other plugins to version ranges: order and presence, never an import.
    ``implementation`` is the module that holds the hooks, by default ``<package>.plugin``.
    """

    id: str
    version: str
    title: str
    summary: str
    hook_api: str
    implementation: str
    docs_url: str | None = None
    graphql_types: tuple[str, ...] = ()
    settings: type[BaseModel] = NoSettings
    permissions: tuple[Permission, ...] = ()
    grants: Grants = field(default_factory=Grants)
    depends: Mapping[str, str] = field(default_factory=dict)
    quality: Mapping[str, str] = field(default_factory=dict)
