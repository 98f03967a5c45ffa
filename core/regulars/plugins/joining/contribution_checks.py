"""Check what a plugin contributes: types, names that carry its id, and what it owes customers whose rows it keeps."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from regulars.access.permissions import CORE_PERMISSIONS
from regulars.contact.needs import Need
from regulars.contact.requests import CLASSES
from regulars.contact.rules import CORE, ContactRule
from regulars.customers.models import Customer
from regulars.messages.templates import MessageTemplate
from regulars.plugins.calling.containment import is_async
from regulars.plugins.calling.results import WrongResult, instance_of, mapping, sequence_of, size_checked
from regulars.plugins.contributions import (
    EventHandler,
    GraphQLPart,
    Job,
    Migrations,
    Pages,
    Slot,
    StopLinks,
    Trait,
    Trigger,
)
from regulars.plugins.joining.table_checks import check_tables, tables_in
from regulars.plugins.manifest import PluginManifest
from regulars.plugins.pages.addresses import check_address
from regulars.tables import Table

if TYPE_CHECKING:
    import typer

__all__ = ["CHECKS", "check_command_group"]

PUBLIC = "public"
PLACE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
RULE_ID = re.compile(r"[a-z][a-z0-9_]{1,63}")
SHORTEST_DISTANCE = timedelta(minutes=1)


def check_models(manifest: PluginManifest, result: object) -> tuple[type[Table], ...]:
    """Accept tables that the plugin may own."""
    classes = sequence_of(type, result)
    for table in classes:
        if not issubclass(table, Table) or not hasattr(table, "__table__"):
            raise WrongResult(f"it returned {table.__name__}, which is no Table with table=True")
    check_tables(manifest.id, classes)
    return classes


def check_migrations(manifest: PluginManifest, result: object) -> Migrations:
    """Accept a place where a folder with revisions lies."""
    migrations = instance_of(Migrations, result)
    _check_folder(migrations.location, "migrations")
    return migrations


def check_graphql(manifest: PluginManifest, result: object) -> GraphQLPart:
    """Accept classes by the name of the type that gets their fields; what is in them is for the schema to judge."""
    part = instance_of(GraphQLPart, result)
    for name, fields in mapping(part.fields).items():
        instance_of(str, name)
        instance_of(type, fields)
    return part


def check_traits(manifest: PluginManifest, result: object) -> tuple[Trait, ...]:
    """Accept traits over columns of the plugin's own tables."""
    traits = sequence_of(Trait, result)
    for trait in traits:
        for language, title in mapping(trait.titles).items():
            size_checked((instance_of(str, language), instance_of(str, title)))
        size_checked((trait.key, trait.title))
        if trait.words is not None and not is_async(trait.words):
            raise WrongResult(f"the words of the trait {trait.key} are not given by an async function")
        _check_prefix("trait", trait.key, f"{manifest.id}.")
        _check_permission(manifest, f"the trait {trait.key}", trait.permission)
        for column in (trait.column, trait.customer_id, *([] if trait.as_of is None else [trait.as_of])):
            foreign = [table for table in tables_in(column) if not table.startswith(f"{manifest.id}_")]
            if foreign:
                raise WrongResult(f"the trait {trait.key} lies in {foreign[0]}, which is not a table of the plugin")
    _check_unique("trait", (trait.key for trait in traits))
    return traits


def check_events(manifest: PluginManifest, result: object) -> Mapping[str, EventHandler]:
    """Accept async handlers of events that the plugin was granted."""
    handlers = mapping(result)
    for type_, handler in handlers.items():
        instance_of(str, type_)
        if not is_async(handler):
            raise WrongResult(f"the handler of {type_} is no async function")
        if type_ not in manifest.grants.events:
            raise WrongResult(f"it handles {type_}, which is missing among the events of its grants")
    return dict(handlers)


def check_contact_rules(manifest: PluginManifest, result: object) -> tuple[ContactRule, ...]:
    """Accept rules that read the plugin's own tables and the core's; return them with the plugin as their owner."""
    rules = sequence_of(ContactRule, result)
    for rule in rules:
        if not RULE_ID.fullmatch(instance_of(str, rule.id)):
            raise WrongResult(f"the rule {rule.id!r} needs an id of small letters and underscores")
        if not callable(rule.decide) or is_async(rule.decide):
            raise WrongResult(f"the rule {rule.id} does not decide by a plain function")
        if not isinstance(rule.number, int) or rule.number < 1:
            raise WrongResult(f"the rule {rule.id} has the number {rule.number!r}; numbers count from 1")
        unknown = [name for name in rule.classes if name not in CLASSES]
        if unknown:
            raise WrongResult(f"the rule {rule.id} is for {unknown[0]!r}, which is no class of contact")
        for name, need in mapping(rule.needs).items():
            _check_need(manifest, rule.id, name, instance_of(Need, need))
    _check_unique("rule", (rule.id for rule in rules))
    return tuple(replace(rule, owner=manifest.id) for rule in rules)


def _check_need(manifest: PluginManifest, rule_id: str, name: str, need: Need) -> None:
    read_from = select(need.columns["value"]).get_final_froms() if need.where is None else []
    if any(source is not getattr(Customer, "__table__") for source in read_from):  # noqa: B009 - SQLModel does not declare it
        raise WrongResult(
            f"the need {name} of the rule {rule_id} is no value of one customer. Write a scalar sub-select, or rows"
        )
    for expression in (*need.columns.values(), *([] if need.where is None else [need.where])):
        for table in tables_in(expression):
            if not table.startswith((f"{manifest.id}_", f"{CORE}_")):
                raise WrongResult(f"the need {name} of the rule {rule_id} lies in {table}, a table of another plugin")


def check_message_templates(manifest: PluginManifest, result: object) -> tuple[MessageTemplate, ...]:
    """Accept templates with a class that exists, written by an async function."""
    templates = sequence_of(MessageTemplate, result)
    for template in templates:
        _check_prefix("template", template.id, f"{manifest.id}.")
        if template.contact_class not in CLASSES:
            raise WrongResult(f"the template {template.id} is {template.contact_class!r}, which is no class of contact")
        if not is_async(template.write):
            raise WrongResult(f"the template {template.id} is not written by an async function")
    _check_unique("template", (template.id for template in templates))
    return templates


def check_jobs(manifest: PluginManifest, result: object) -> tuple[Job, ...]:
    """Accept jobs that can run."""
    jobs = sequence_of(Job, result)
    for job in jobs:
        size_checked((job.id, job.title))
        _check_prefix("job", job.id, f"{manifest.id}.")
        _check_permission(manifest, f"the job {job.id}", job.permission)
        if not is_async(job.run):
            raise WrongResult(f"the job {job.id} does not run an async function")
        if not isinstance(job.timeout, timedelta) or job.timeout <= timedelta(0):
            raise WrongResult(f"the job {job.id} needs a timeout above zero")
        if job.trigger is not None:
            _check_trigger(job.id, instance_of(Trigger, job.trigger))
    _check_unique("job", (job.id for job in jobs))
    return jobs


def check_pages(manifest: PluginManifest, result: object) -> Pages:
    """Accept routes that each name the permission that they need, so that nothing is public by accident."""
    pages = instance_of(Pages, result)
    permissions = mapping(pages.permissions)
    names = [_route_name(route) for route in sequence_of(object, pages.routes)]
    for name in names:
        if name not in permissions:
            raise WrongResult(f"the route {name} names no permission; write {PUBLIC!r} when everybody may see it")
    for name, permission in permissions.items():
        if name not in names:
            raise WrongResult(f"there is a permission for the route {name}, which does not exist")
        if permission != PUBLIC:
            _check_permission(manifest, f"the route {name}", permission)
    for name, title in mapping(pages.titles).items():
        size_checked(instance_of(str, title))
        if name not in names:
            raise WrongResult(f"there is a title for the route {name}, which does not exist")
    for location, content in ((pages.templates, "templates"), (pages.static, "files")):
        if location is not None:
            _check_folder(location, content)
    for slot in sequence_of(Slot, pages.slots):
        if not PLACE.fullmatch(instance_of(str, slot.place)):
            raise WrongResult(f"the slot {slot.place!r} names no place such as customer.scores")
        if not is_async(slot.show):
            raise WrongResult(f"the slot {slot.place} is not shown by an async function")
        if pages.templates is None:
            raise WrongResult(f"the slot {slot.place} needs a folder of templates")
    _check_unique("slot", (slot.place for slot in pages.slots))
    _check_unique("route", names)
    check_address(pages.address)
    if pages.stop_links is not None:
        _check_stop_links(instance_of(StopLinks, pages.stop_links))
    return pages


def _check_stop_links(links: StopLinks) -> None:
    if not instance_of(str, links.path).startswith("/") or links.path.endswith("/"):
        raise WrongResult(f"the path {links.path!r} of its stop links is none such as /by")
    if not is_async(links.topic_name):
        raise WrongResult("the names of topics are not given by an async function")


def check_command_group(result: object) -> "typer.Typer":
    """Accept a typer application."""
    import typer  # only commands need it, and it is slow to import

    return instance_of(typer.Typer, result)


CHECKS: Mapping[str, Callable[[PluginManifest, object], Any]] = {
    "models": check_models,
    "migrations": check_migrations,
    "graphql": check_graphql,
    "traits": check_traits,
    "events": check_events,
    "contact_rules": check_contact_rules,
    "message_templates": check_message_templates,
    "jobs": check_jobs,
    "pages": check_pages,
}
"""The hooks that every start collects, in the order in which they are called, each with the check of its result."""


def _check_folder(location: object, content: str) -> None:
    package, _, folder = instance_of(str, location).partition(":")
    spec = find_spec(package) if package else None
    if spec is None or not folder:
        raise WrongResult(f"{location!r} is no package:folder; the package cannot be found")
    if not any((Path(place) / folder).is_dir() for place in spec.submodule_search_locations or ()):
        raise WrongResult(f"the package {package} has no folder {folder!r} with {content}")


def _check_prefix(kind: str, name: str, prefix: str) -> None:
    if not instance_of(str, name).startswith(prefix) or name == prefix:
        raise WrongResult(f"the {kind} {name!r} must start with {prefix!r}")


def _check_permission(manifest: PluginManifest, what: str, permission: object) -> None:
    known = {right.name for right in (*CORE_PERMISSIONS, *manifest.permissions)}
    if permission not in known:
        raise WrongResult(f"{what} needs the permission {permission!r}, which neither the plugin nor the core defines")


def _check_unique(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise WrongResult(f"the {kind} {name} is there twice")
        seen.add(name)


def _check_trigger(job_id: str, trigger: Trigger) -> None:
    if (trigger.hour is None) == (trigger.distance is None):
        raise WrongResult(f"the job {job_id} must start either every day at an hour or at a distance")
    if trigger.hour is not None and not (trigger.hour in range(24) and trigger.minute in range(60)):
        raise WrongResult(f"the job {job_id} starts at {trigger.hour}:{trigger.minute}, which is no time of day")
    if trigger.distance is not None and trigger.distance < SHORTEST_DISTANCE:
        raise WrongResult(f"the job {job_id} starts more often than every minute")


def _route_name(route: object) -> str:
    name = getattr(route, "name", None)
    if not isinstance(name, str) or not name:
        raise WrongResult(f"a route of type {type(route).__name__} has no name")
    return name
