"""Say what enabling or disabling a plugin changes, before anything does."""

from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass

from pydantic.alias_generators import to_camel

from regulars.plugins.contributions import Job, Pages
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.manifest_checks import grant_names
from regulars.plugins.pages.addresses import pages_path
from regulars.plugins.plugin_set import EnabledPlugin
from regulars.plugins.states import PluginWithheld
from regulars.revisions import UnknownRevision

__all__ = ["Plan", "plan_of"]


@dataclass(frozen=True)
class Plan:
    """What a plugin brings, in words.

    ``obstacle`` says why it cannot be enabled as things stand; then only what is known without it is listed.
    ``migrations`` are the revisions that would run. ``new_grants`` are those that no admin has accepted yet.
    ``dependents`` are the enabled plugins that stop when it is disabled.
    """

    plugin_id: str
    obstacle: str | None = None
    version: str | None = None
    title: str | None = None
    migrations: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()
    new_grants: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    public_routes: tuple[str, ...] = ()
    dependents: tuple[str, ...] = ()


async def plan_of(host: PluginHost, plugin_id: str) -> Plan:
    """Return what enabling the plugin would change, or what disabling it would take away.

    Its hooks are imported for that. Raises ``UnknownPlugin``.
    """
    host.check_known(plugin_id)
    try:
        plugin = host.plugins.get(plugin_id) or await host.admissible(plugin_id)
        migrations = await _migrations(host, plugin)
    except (PluginWithheld, UnknownRevision) as obstacle:
        return Plan(plugin_id, str(obstacle), dependents=_dependents(host, plugin_id))
    given, manifest = plugin.contributions, plugin.manifest
    record = host.records.get(plugin_id)
    accepted = set() if record is None else set(record.grants)
    grants = grant_names(manifest.grants)
    return Plan(
        plugin_id,
        version=manifest.version,
        title=manifest.title,
        migrations=migrations,
        tables=tuple(str(model.__tablename__) for model in given.models),
        fields=tuple(
            f"{type_name}.{name}" for type_name, added in given.graphql.fields.items() for name in _field_names(added)
        ),
        traits=tuple(f"{trait.key} ({trait.provenance})" for trait in given.traits),
        permissions=tuple(
            f"{right.name}: {right.title} ({', '.join(right.default_roles) or 'admin'})"
            for right in manifest.permissions
        ),
        grants=grants,
        new_grants=tuple(grant for grant in grants if grant not in accepted),
        hosts=manifest.grants.network,
        events=tuple(sorted(given.events)),
        jobs=tuple(f"{job.id}: {job.title} ({_when(job)})" for job in given.jobs),
        routes=tuple(_routes(plugin_id, given.pages)),
        public_routes=public_routes(plugin_id, given.pages),
        dependents=_dependents(host, plugin_id),
    )


def public_routes(plugin_id: str, pages: Pages | None) -> tuple[str, ...]:
    """Return the addresses that everybody may see."""
    if pages is None:
        return ()
    here = pages_path(plugin_id, pages)
    return tuple(_address(here, route) for route in pages.routes if _permission(pages, route) == "public")


async def _migrations(host: PluginHost, plugin: EnabledPlugin) -> tuple[str, ...]:
    owner = plugin.migration_owner
    if owner is None:
        return ()
    from regulars.migrations import pending_revisions  # Alembic is for changes of tables, not for every start

    return await pending_revisions(host.database.engine, owner)


def _field_names(added: type) -> Iterable[str]:
    names = [field.name for field in fields(added)] if is_dataclass(added) else list(vars(added))
    return [to_camel(name) for name in names if not name.startswith("_")]


def _routes(plugin_id: str, pages: Pages | None) -> Iterable[str]:
    for route in [] if pages is None else pages.routes:
        assert pages is not None
        yield f"{_address(pages_path(plugin_id, pages), route)} ({_permission(pages, route)})"


def _address(path: str, route: object) -> str:
    return f"{path}{getattr(route, 'path', '')}"


def _permission(pages: Pages, route: object) -> str:
    return pages.permissions[str(getattr(route, "name", ""))]


def _when(job: Job) -> str:
    if job.trigger is None:
        return "when asked"
    if job.trigger.distance is not None:
        return f"every {job.trigger.distance}"
    return f"daily at {job.trigger.hour:02}:{job.trigger.minute:02}"


def _dependents(host: PluginHost, plugin_id: str) -> tuple[str, ...]:
    stopping = {plugin_id}
    for _ in host.plugins.plugins:
        stopping |= {other.id for other in host.plugins.plugins if stopping & other.manifest.depends.keys()}
    return tuple(sorted(stopping - {plugin_id}))
