"""The plugin host: which plugins take part, since when and why, and how an admin changes that."""

import asyncio
import random
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.clock import Clock
from regulars.consents.registry import core_consent_registry
from regulars.database import Database
from regulars.messages.box import MessageBox
from regulars.outgoing.client import Outgoing
from regulars.outgoing.consent_gate import ConsentGate
from regulars.outgoing.granted import PluginHttp
from regulars.outgoing.opening import open_outgoing
from regulars.plugins.calling.calls import Budgets, PluginCaller
from regulars.plugins.calling.problems import Problems
from regulars.plugins.calling.reasons import told
from regulars.plugins.context import Company, PluginContext
from regulars.plugins.joining.admission import Admission, manifest_of
from regulars.plugins.joining.arrangement import Arrangement, arrange, without
from regulars.plugins.joining.discovery import FoundPlugin
from regulars.plugins.joining.loading import PluginLoader
from regulars.plugins.joining.migrating import migrate_plugin
from regulars.plugins.joining.versions import newer_than_enabled, version_conflicts
from regulars.plugins.models import PluginRecord
from regulars.plugins.pages.slots import SlotFiller
from regulars.plugins.pages.trait_words import words_of_plugins
from regulars.plugins.plugin_set import EnabledPlugin, PluginSet
from regulars.plugins.records import (
    read_records,
    read_revision,
    remember_disabled,
    remember_enabled,
    remember_settings,
)
from regulars.plugins.states import (
    PluginState,
    PluginStatus,
    PluginWithheld,
    UnknownPlugin,
)
from regulars.revisions import MigrationOwner
from regulars.selfservice.door import CustomerDoor
from regulars.selfservice.rights import CustomerRights
from regulars.settings import Settings
from regulars.traits.registry import TraitRegistry, trait_registry
from regulars.watch.watching import Watch

__all__ = ["PluginHost"]

DEFAULT_BUDGETS = Budgets()
STATE_PROBLEM = "state"
VERSION_PROBLEM = "version"

CheckTogether = Callable[[PluginSet], object]
"""Builds what is built from all plugins at once; an error whose ``owner`` is another one is not of who joins."""


class PluginHost:
    """Keeps the plugins of one process: loads them, knows their states, and hands out the set that is enabled.

    ``found`` comes from ``discover``, or from ``found_plugin`` in tests. ``plugins`` is an immutable value that is
    replaced when an admin, another process or a failure changes it.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        *,
        clock: Clock,
        found: Sequence[FoundPlugin],
        check_together: CheckTogether | None = None,
        company: Callable[[], Company] | None = None,
        outgoing: Outgoing | None = None,
        door: CustomerDoor | None = None,
        watch: Watch | None = None,
        budgets: Budgets = DEFAULT_BUDGETS,
        chance: random.Random | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.found = {plugin.id: plugin for plugin in found}
        self.problems = Problems(database, clock)
        self.caller = PluginCaller(
            clock=clock, problems=self.problems, budgets=budgets, is_tracing=settings.trace_plugins, watch=watch
        )
        self.loader = PluginLoader(self.caller)
        self.admission = Admission(self.found, self.loader, self.caller)
        self.records: dict[str, PluginRecord] = {}
        self._settings = settings
        self._check_together = check_together
        usual = Company(settings.company_name, settings.company_time_zone, settings.company_currency)
        self._company = company or (lambda: usual)
        self._outgoing = outgoing or open_outgoing(settings)
        self._gate = ConsentGate(database, clock, core_consent_registry())
        self._door = door or CustomerDoor(secrets.token_urlsafe())  # whose links nobody else can read
        self._rights = CustomerRights(
            self._trait_registry, partial(words_of_plugins, self), core_consent_registry(), Path(settings.uploads)
        )
        self._chance = chance or random.Random()  # noqa: S311 - plugins draw samples with it, no secrets
        self._arrangement = Arrangement()
        self._statuses: dict[str, PluginStatus] = {}
        self._failures: dict[str, PluginWithheld] = {}
        self._lock = asyncio.Lock()

    @property
    def plugins(self) -> PluginSet:
        """Return the enabled plugins as they are now."""
        return self._arrangement.plugins

    @property
    def migration_owners(self) -> tuple[MigrationOwner, ...]:
        """Return the owners of the enabled plugins' tables, those that others need first."""
        plugins = (self.plugins.get(plugin_id) for plugin_id in self._arrangement.order)
        return tuple(plugin.migration_owner for plugin in plugins if plugin is not None and plugin.migration_owner)

    @property
    def statuses(self) -> Mapping[str, PluginStatus]:
        """Return the state of every plugin that is installed or remembered, by id."""
        return dict(sorted(self._statuses.items()))

    async def start(self) -> None:
        """Load the enabled plugins and bring their tables to the newest revision, those that others need first.

        The core's tables must be the newest. A plugin whose migration fails is ``failed``; the others go on.
        """
        await self.load()
        async with self._lock:
            for plugin_id in self._arrangement.order:
                plugin = self.plugins.get(plugin_id)
                if plugin is not None:
                    await self._migrate_or_fail(plugin)
            await self._accept_newer_versions()
            await self.problems.resolve(self.plugins.ids, keys=(STATE_PROBLEM, VERSION_PROBLEM))
            self._report_other_versions()

    async def load(self) -> None:
        """Load the enabled plugins and find the state of each, changing nothing in the database."""
        self.problems.attach()
        async with self._lock:
            await self._read()

    async def refresh(self, session: AsyncSession | None = None) -> bool:
        """Follow what an admin did in another process; return whether the set of plugins may have changed.

        Whoever is in a transaction gives its ``session``, so as not to wait for a second connection.
        """
        if session is None:
            async with self.database.reading() as own:
                return await self.refresh(own)
        revision = await read_revision(session)
        if revision == self.plugins.revision:
            return False
        async with self._lock:
            await self._read()
            self._report_other_versions()
        return True

    async def enable(self, plugin_id: str) -> PluginStatus:
        """Accept the plugin's grants, migrate its tables and let it take part, in this process at once.

        Raises ``UnknownPlugin``, or ``PluginWithheld`` with the reason why not; then nothing has changed.
        """
        async with self._lock:
            await self._read()
            self.loader.try_again(plugin_id)
            plugin = await self.admissible(plugin_id)
            await migrate_plugin(self.database.engine, plugin)
            async with self.database.writing() as session:
                await self.problems.forget(session, plugin_id)
                await remember_enabled(session, plugin=plugin, now=self.clock.now())
            self._failures.pop(plugin_id, None)
            self.caller.breakers.reset(plugin_id)
            await self._read()
            return self._statuses[plugin_id]

    async def disable(self, plugin_id: str) -> PluginStatus:
        """Let the plugin no longer take part; its tables, settings and duties towards customers stay.

        Raises ``UnknownPlugin``.
        """
        async with self._lock:
            await self._read()
            self.check_known(plugin_id)
            async with self.database.writing() as session:
                await remember_disabled(session, plugin_id=plugin_id, now=self.clock.now())
            self._failures.pop(plugin_id, None)
            await self._read()
            return self._statuses[plugin_id]

    async def configure(self, plugin_id: str, changes: Mapping[str, Any]) -> PluginStatus:
        """Change settings of the plugin; None takes a value away.

        Raises ``UnknownPlugin``, ``UnknownSetting`` or ``InvalidSettings``; then nothing has changed.
        """
        async with self._lock:
            await self._read()
            self.check_known(plugin_id)
            manifest = manifest_of(self.installed(plugin_id))
            settings = await self.admission.changed_settings(manifest, self.stored_settings(plugin_id), changes)
            async with self.database.writing() as session:
                await remember_settings(session, plugin_id=plugin_id, settings=settings, now=self.clock.now())
            self._failures.pop(plugin_id, None)
            await self._read()
            return self._statuses[plugin_id]

    def fail(self, plugin_id: str, reason: str, *, reference: str | None = None) -> PluginSet:
        """Take a plugin out of the set because something built from it does not work; return the set without it.

        It stays out, in this process, until an admin enables, disables or configures it, or the server starts again.
        Plugins that need it are out with it.
        """
        self._drop(PluginWithheld(plugin_id, PluginState.FAILED, reason, reference=reference))
        return self.plugins

    async def close(self) -> None:
        """Write what is left to write about problems."""
        await self.problems.settle()

    def check_known(self, plugin_id: str) -> None:
        """Accept the id of a plugin that is installed or remembered; raises ``UnknownPlugin`` with a near name."""
        if plugin_id not in self._statuses:
            raise UnknownPlugin(plugin_id, self._statuses)

    def installed(self, plugin_id: str) -> FoundPlugin:
        """Return a known plugin as it is installed; raises ``PluginWithheld`` when it is gone."""
        found = self.found.get(plugin_id)
        if found is None:
            raise self._arrangement.withheld[plugin_id].plain()
        return found

    async def admissible(self, plugin_id: str) -> EnabledPlugin:
        """Return the plugin as it would be if it were enabled now; raises what ``enable`` raises before migrating."""
        self.check_known(plugin_id)
        self.check_allowed(plugin_id)
        self.installed(plugin_id)
        admitted = {plugin.id: plugin for plugin in self.plugins.plugins if plugin.id != plugin_id}
        plugin = await self.admission.admit(
            plugin_id, stored=self.stored_settings(plugin_id), accepted=None, admitted=admitted
        )
        self._check_with_others(plugin, admitted)
        return plugin

    def _check_with_others(self, plugin: EnabledPlugin, others: Mapping[str, EnabledPlugin]) -> None:
        if self._check_together is None:
            return
        together = {**others, plugin.id: plugin}
        try:
            self._check_together(PluginSet(plugins=tuple(together[id] for id in sorted(together))))
        except Exception as error:
            if getattr(error, "owner", None) not in others and self._go_together(others):
                raise PluginWithheld(plugin.id, PluginState.FAILED, told(error)) from error

    def _go_together(self, plugins: Mapping[str, EnabledPlugin]) -> bool:
        # An error that names nobody may be that of a plugin that is enabled already.
        assert self._check_together is not None
        try:
            self._check_together(PluginSet(plugins=tuple(plugins[id] for id in sorted(plugins))))
        except Exception:
            return False
        return True

    def stored_settings(self, plugin_id: str) -> Mapping[str, Any]:
        """Return the settings that were stored for a plugin, unchecked and with their secrets."""
        record = self.records.get(plugin_id)
        return {} if record is None else record.settings

    def http_of(self, plugin_id: str) -> PluginHttp:
        """Return what the plugin reaches other machines with: the hosts of its manifest, and no others."""
        manifest = self.found[plugin_id].manifest
        return PluginHttp(self._outgoing, () if manifest is None else manifest.grants.network, self._gate)

    def context(self, plugin_id: str, *, session: AsyncSession, actor: str, settings: BaseModel) -> PluginContext:
        """Return the context for one call of a plugin, whose settings are ``settings``."""
        return PluginContext(
            plugin_id=plugin_id,
            settings=settings,
            company=self._company(),
            session=session,
            clock=self.clock,
            random=random.Random(self._chance.getrandbits(64)),  # noqa: S311 - no secrets
            http=self.http_of(plugin_id),
            door=self._door,
            rights=self._rights,
            slots=SlotFiller(self, actor),
            messages=MessageBox(
                session, plugin_id, self.plugins.message_templates, core_consent_registry(), self.clock, actor
            ),
            actor=actor,
            log=structlog.get_logger("regulars.plugins").bind(plugin=plugin_id),
            report_problem=self.problems.reporter(plugin_id),
        )

    def _trait_registry(self) -> TraitRegistry:
        return trait_registry({plugin.id: plugin.contributions.traits for plugin in self.plugins.plugins})

    async def _read(self) -> None:
        async with self.database.reading() as session:
            self.records = await read_records(session)
            revision = await read_revision(session)
        await self._arrange(revision)

    async def _arrange(self, revision: int) -> None:
        arrangement = await arrange(
            self.admission,
            self.found,
            self.records,
            revision=revision,
            check_allowed=self.check_allowed,
            failures=self._failures,
        )
        self._take(arrangement)

    def _drop(self, withheld: PluginWithheld) -> None:
        self._failures[withheld.plugin_id] = withheld.plain()
        self._take(without(self._arrangement, withheld))

    def _take(self, arrangement: Arrangement) -> None:
        self._arrangement = arrangement
        self._statuses = {
            **{plugin_id: self._status(plugin_id, PluginState.ENABLED) for plugin_id in arrangement.plugins.ids},
            **{plugin_id: self._status(plugin_id, why.state, why) for plugin_id, why in arrangement.withheld.items()},
        }

    def _status(self, plugin_id: str, state: PluginState, why: PluginWithheld | None = None) -> PluginStatus:
        reason, reference = (None, None) if why is None else (why.reason, why.reference)
        earlier = self._statuses.get(plugin_id)
        if earlier is not None and (earlier.state, earlier.reason) == (state, reason):
            return earlier
        if state is PluginState.FAILED:
            self.problems.report(plugin_id, STATE_PROBLEM, reason or "", True)
        return PluginStatus(state, reason, self.clock.now(), reference)

    def check_allowed(self, plugin_id: str) -> None:
        """Accept a plugin that the operator does not keep out; raises ``PluginWithheld`` (disabled)."""
        if plugin_id in self._settings.blocked_plugins:
            reason = "REGULARS_BLOCKED_PLUGINS names it. Take it out there and start again."
            raise PluginWithheld(plugin_id, PluginState.DISABLED, reason)
        if self._settings.safe_mode:
            reason = "The server runs in safe mode, without any plugin."
            raise PluginWithheld(plugin_id, PluginState.DISABLED, reason)

    async def _migrate_or_fail(self, plugin: EnabledPlugin) -> None:
        try:
            await migrate_plugin(self.database.engine, plugin)
        except PluginWithheld as withheld:
            self._drop(withheld)

    async def _accept_newer_versions(self) -> None:
        newer = newer_than_enabled(self.plugins, self.records)
        if not newer:
            return
        async with self.database.writing() as session:
            for plugin in newer:
                await remember_enabled(session, plugin=plugin, now=self.clock.now())
        await self._read()

    def _report_other_versions(self) -> None:
        for plugin_id, message in version_conflicts(self.plugins, self.records).items():
            self.problems.report(plugin_id, VERSION_PROBLEM, message, True)
