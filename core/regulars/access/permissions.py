"""The permissions of the core, and the roles that have them."""

from collections.abc import Iterable
from dataclasses import dataclass

from regulars.errors import UnknownValue
from regulars.plugins.manifest import Permission

__all__ = ["CORE_PERMISSIONS", "CUSTOMER_PERMISSIONS", "ROLES", "SOURCE_SCOPES", "permissions_of_role"]

ROLES = ("admin", "analyst", "frontline", "privacy")


@dataclass(frozen=True)
class _Right:
    name: str
    title: str
    roles: str


_RIGHTS = (
    _Right("company:read", "See what the company says about itself", "analyst frontline privacy"),
    _Right("company:write", "Change what the company says about itself", ""),
    _Right("customers:read", "See customers and their identities", "analyst frontline privacy"),
    _Right("customers:write", "Create and change customers", "frontline privacy"),
    _Right("customers:merge", "Merge customers and part them again", "privacy"),
    _Right("touchpoints:read", "See what happened with a customer", "analyst frontline privacy"),
    _Right("touchpoints:write", "Record touchpoints", "frontline"),
    _Right("consents:read", "See what a customer allowed", "analyst frontline privacy"),
    _Right("consents:write", "Record what a customer allows", "frontline privacy"),
    _Right("privacy:read", "See privacy requests and their certificates", "privacy"),
    _Right("privacy:manage", "Export, erase and restrict on request", "privacy"),
    _Right("suppressions:read", "See which addresses and customers are suppressed", "frontline privacy"),
    _Right("suppressions:write", "Suppress addresses and customers", "frontline privacy"),
    _Right("suppressions:lift", "Lift suppressions", "privacy"),
    _Right("contact:read", "See whether customers may be contacted, and why not", "analyst frontline privacy"),
    _Right("contact:send", "Reserve contacts and report what became of them", "frontline"),
    _Right("messages:read", "See what was sent to customers, and what was not", "analyst frontline privacy"),
    _Right("messages:cancel", "Stop messages that were not handed over", "frontline privacy"),
    _Right("contact:policy", "Decide the company's policy on contacts", "privacy"),
    _Right("traits:read", "See facts about customers", "analyst frontline privacy"),
    _Right("traits:write", "Define and set facts about customers", "privacy"),
    _Right("segments:read", "See segments", "analyst"),
    _Right("segments:write", "Create and change segments", "analyst"),
    _Right("jobs:read", "See work in the background", "analyst privacy"),
    _Right("jobs:manage", "Start and cancel work in the background", ""),
    _Right("exports:run", "Export customers and touchpoints, as far as they may be seen", "analyst privacy"),
    _Right("imports:run", "Import customers and touchpoints", ""),
    _Right("tracking:read", "See messages of sites and apps that were rejected", "privacy"),
    _Right("tracking:manage", "Take rejected messages in again, and say what events mean", ""),
    _Right("plugins:read", "See plugins and their state", "analyst privacy"),
    _Right("plugins:manage", "Enable, disable and configure plugins", ""),
    _Right("metrics:read", "See the figures of the server", ""),
    _Right("events:read", "Follow what changes", "privacy"),
    _Right("webhooks:read", "See webhooks and how their deliveries went", ""),
    _Right("webhooks:manage", "Send events to other systems by webhooks", ""),
    _Right("notices:write", "Publish and retire the texts under which customers consent", "privacy"),
    _Right("documents:manage", "Register GraphQL documents, and run others where only registered ones may", ""),
    _Right("audit:read", "See who did what, and check that nobody rewrote it", "privacy"),
    _Right("plans:read", "See how the server answers an operation", ""),
    _Right("schema:read", "Read the schema by introspection", "analyst frontline privacy"),
)

CORE_PERMISSIONS = tuple(Permission(right.name, right.title, ("admin", *right.roles.split())) for right in _RIGHTS)

CUSTOMER_PERMISSIONS = frozenset({"customers:read", "touchpoints:read", "consents:read", "traits:read", "schema:read"})
"""What customers may do with their own rows; the row policy keeps everybody else's from them."""

SOURCE_SCOPES = frozenset({"consents:write"})
"""What the key of a site or app can be given besides sending events; without it, it can only narrow consents."""


def permissions_of_role(role: str, permissions: Iterable[Permission]) -> frozenset[str]:
    """Return the names of the permissions that a role has, out of the core's and the plugins' ``permissions``.

    Raises ``UnknownValue`` for a role that does not exist.
    """
    if role not in ROLES:
        raise UnknownValue("role", role, ROLES)
    known = tuple(permissions)
    if role == "admin":
        return frozenset(permission.name for permission in known)
    return frozenset(permission.name for permission in known if role in permission.default_roles)
