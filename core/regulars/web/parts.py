"""What the core and the enabled plugins bring to a server process: permissions, jobs and handlers of events."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import SYSTEM
from regulars.access.permissions import CORE_PERMISSIONS
from regulars.contact.rule_set import ContactRules
from regulars.contact.rules import CORE
from regulars.events.dispatch import Handle
from regulars.events.envelope import EventEnvelope
from regulars.jobs.registry import JobKind, job_kinds
from regulars.jobs.retention import retention_job
from regulars.plugins.calling.calls import PluginUnavailable
from regulars.plugins.calling.hook_calls import handle_events
from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import Job
from regulars.plugins.host import PluginHost
from regulars.plugins.manifest import Permission
from regulars.plugins.states import PluginState
from regulars.settings import Settings
from regulars.traits.registry import TraitRegistry, trait_registry

__all__ = ["LiveMapping", "ServerParts", "contact_rules_of", "parts_of"]

Value = TypeVar("Value")

"""The work of the core itself in the background."""

RULES = "contact_rules"
STILL = {PluginState.ENABLED, PluginState.DISABLED}

Handlers = Mapping[str, Sequence[tuple[str, Handle]]]


@dataclass(frozen=True)
class ServerParts:
    """What there is at one moment, the core's own included."""

    permissions: Sequence[Permission]
    job_kinds: Mapping[str, JobKind]
    handlers: Handlers
    traits: TraitRegistry
    contact_rules: ContactRules


class LiveMapping(Mapping[str, Value]):
    """A mapping that is looked up anew at each use, for those who keep it while plugins come and go."""

    def __init__(self, today: Callable[[], Mapping[str, Value]]) -> None:
        self._today = today

    def __getitem__(self, key: str) -> Value:
        return self._today()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._today())

    def __len__(self) -> int:
        return len(self._today())


def parts_of(host: PluginHost, settings: Settings, own_jobs: Sequence[Job]) -> ServerParts:
    """Return what the core and the plugins that are enabled now bring."""
    retention = retention_job(
        keep_for=timedelta(days=settings.retention_days), keep_audiences_for=timedelta(days=settings.audience_days)
    )
    kinds = job_kinds([retention, *own_jobs])
    for plugin in host.plugins.plugins:
        kinds |= job_kinds(
            plugin.contributions.jobs,
            settings=plugin.settings,
            http=host.http_of(plugin.id),
            context_in=partial(_context_in, host, plugin.id, plugin.settings),
        )
    traits = trait_registry({plugin.id: plugin.contributions.traits for plugin in host.plugins.plugins})
    rules = contact_rules_of(host)
    return ServerParts((*CORE_PERMISSIONS, *host.plugins.permissions), kinds, _handlers(host), traits, rules)


def _context_in(host: PluginHost, plugin_id: str, settings: BaseModel, session: AsyncSession) -> PluginContext:
    return host.context(plugin_id, session=session, actor=SYSTEM.label, settings=settings)


def contact_rules_of(host: PluginHost) -> ContactRules:
    """Return the core's rules on contacts and those of the enabled plugins."""
    return ContactRules(
        host.plugins.contact_rules,
        _missing_rules(host),
        report=partial(_report_rule, host),
        is_resting=lambda plugin_id: host.caller.is_open(plugin_id, RULES),
        went_well=lambda plugin_id: host.caller.succeeded(plugin_id, RULES),
    )


def _missing_rules(host: PluginHost) -> tuple[str, ...]:
    # A plugin that is wanted and does not work for now may stand against a contact all the same.
    wanted = (plugin_id for plugin_id, record in host.records.items() if record.is_enabled and RULES in record.hooks)
    broken = {plugin_id for plugin_id, status in host.statuses.items() if status.state not in STILL}
    return tuple(sorted(broken.intersection(wanted)))


def _report_rule(host: PluginHost, plugin_id: str, error: Exception | None) -> None:
    if plugin_id != CORE:
        host.caller.failed(plugin_id, RULES, error or RuntimeError("It has no rules for now."))


def _handlers(host: PluginHost) -> Handlers:
    handlers: defaultdict[str, list[tuple[str, Handle]]] = defaultdict(list)
    for plugin in host.plugins.plugins:
        for type in plugin.contributions.events:
            handlers[type].append((plugin.id, partial(_hand_over, host, plugin.id, type)))
    for plugin_id, type in _awaited_events(host):
        handlers[type].append((plugin_id, partial(_refuse, plugin_id)))
    return handlers


def _awaited_events(host: PluginHost) -> Iterator[tuple[str, str]]:
    # A plugin that is wanted and does not work for now finds the events of its grants waiting when it works again.
    for plugin_id, record in host.records.items():
        status = host.statuses.get(plugin_id)
        if not record.is_enabled or status is None or status.state in STILL:
            continue
        for grant in record.grants:
            kind, _, type = str(grant).partition(":")
            if kind == "events":
                yield plugin_id, type


async def _hand_over(host: PluginHost, plugin_id: str, type: str, events: Sequence[EventEnvelope]) -> None:
    await handle_events(host, plugin_id=plugin_id, event_type=type, events=events)


async def _refuse(plugin_id: str, events: Sequence[EventEnvelope]) -> None:
    raise PluginUnavailable(plugin_id, "events", f"It does not work for now; {len(events)} events wait for it.")
