"""The state of one server process, from its start to its end."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import structlog
from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import HTTPConnection

from regulars.access.actors import Actor
from regulars.access.allowances import Allowance, Allowances
from regulars.access.authentication import Authentications
from regulars.access.server_secret import ensure_server_secret
from regulars.audit.heads import heads_of
from regulars.clock import Clock, SystemClock
from regulars.company.service import read_company, read_version, usual_company
from regulars.consents.registry import core_consent_registry
from regulars.contact.audience_job import AskedSegment, audience_job
from regulars.contact.rule_set import ContactRules
from regulars.customers.bulk_changes import bulk_change_job
from regulars.customers.merges import MergeHook
from regulars.database import Database, open_engine
from regulars.events.feed import EventFeed, running_feed
from regulars.exports.job import export_jobs
from regulars.graphql.execution import Executor
from regulars.graphql.holder import SchemaHolder
from regulars.graphql.protocol.transport import GraphQLOperation
from regulars.graphql.segment_members import segment_members
from regulars.idempotency.service import KeysInFlight
from regulars.ingest.job import import_job
from regulars.messages.opening import open_deliveries
from regulars.outgoing.client import Outgoing
from regulars.outgoing.opening import open_outgoing
from regulars.plugins.calling.calls import PluginCaller
from regulars.plugins.calling.hook_calls import on_merged, on_unmerged
from regulars.plugins.context import PluginContext
from regulars.plugins.host import PluginHost
from regulars.plugins.joining.discovery import FoundPlugin, discover
from regulars.plugins.manifest import Permission
from regulars.plugins.plugin_set import PluginSet
from regulars.preflight import check_database
from regulars.privacy.job import privacy_job
from regulars.revisions import CORE, current_revision
from regulars.selfservice.door import CustomerDoor
from regulars.settings import Settings
from regulars.signin.browsers import BrowserSessions
from regulars.signin.opening import open_code_flow, open_staff_tokens
from regulars.suppressions.secret_key import ensure_address_key
from regulars.touchpoints.types import core_touchpoint_types
from regulars.traits.registry import TraitRegistry
from regulars.trusted_documents.known import KnownDocuments
from regulars.watch.spans import NoSpans, Spans, open_spans
from regulars.watch.statements import count_direct_statement, count_statements
from regulars.watch.watching import Watch
from regulars.web.house import ServerHouse
from regulars.web.parts import LiveMapping, ServerParts, parts_of
from regulars.web.rates import RequestCharge

__all__ = ["Server"]

READY_PATIENCE_S = 2.0
SIGN_IN_TRIES = Allowance(burst=10, per_second=0.1)
"""How often one address may fail to sign in."""

FOLLOW_EVERY = timedelta(seconds=2)

log = structlog.get_logger("regulars.server")


class Server:
    """What the requests of one process share: settings, database, clock, plugins, schema, work in the background.

    ``found`` are the plugins that are installed; without it they are looked for. ``outgoing`` sends requests to other
    machines, ``spans`` keeps traces, and ``database`` is opened already; without them, as the settings say. Whatever
    depends on the start is there between ``start`` and ``stop``.
    """

    host: PluginHost
    feed: EventFeed
    secret: str
    browsers: BrowserSessions

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        found: Sequence[FoundPlugin] | None = None,
        outgoing: Outgoing | None = None,
        spans: Spans | None = None,
        database: Database | None = None,
    ) -> None:
        self.settings = settings
        self.watch = Watch(spans=spans or open_spans(settings))
        self.outgoing = outgoing or open_outgoing(settings)
        self.clock: Clock = clock or SystemClock()
        self.database = database or Database(open_engine(settings), apart=open_engine(settings))
        if not isinstance(self.watch.spans, NoSpans):
            count_statements(self.database.engines)
            self.database.listeners.append(count_direct_statement)
        self.usual_company = self.company = usual_company(settings)
        self.touchpoint_types = core_touchpoint_types()
        self.consent_registry = core_consent_registry()
        self.job_kinds = LiveMapping(lambda: self._parts.job_kinds)
        self.handlers = LiveMapping(lambda: self._parts.handlers)
        self.keys_in_flight = KeysInFlight()
        self.audit_heads = heads_of(settings)
        self.schema = SchemaHolder(self, self)
        self.trusted_documents = KnownDocuments(self.database, self.clock, only=settings.trusted_documents_only)
        self.uploads = Path(settings.uploads)
        self.exports = Path(settings.exports)
        self.allowances = _allowances(settings.rate_burst, settings.rate_per_second)
        self.tracking_allowances = _allowances(settings.tracking_burst, settings.tracking_per_second)
        self.sign_in_allowances = Allowances(SIGN_IN_TRIES)
        self._staff_tokens = open_staff_tokens(
            settings, database=self.database, outgoing=self.outgoing, clock=self.clock
        )
        self.code_flow = open_code_flow(settings, self._staff_tokens, outgoing=self.outgoing)
        self.deliveries = open_deliveries(settings, outgoing=self.outgoing, clock=self.clock)
        self._jobs = [
            import_job(uploads=self.uploads, types=self.touchpoint_types),
            bulk_change_job(ask=self.ask),
            audience_job(rules=lambda: self.contact_rules, members=self.members),
            *export_jobs(
                folder=self.exports,
                ask=self.ask,
                rules=lambda: self.contact_rules,
                registry=self.consent_registry,
                slots=settings.export_slots,
            ),
            privacy_job(
                database=self.database,
                uploads=self.uploads,
                folders=[self.exports],
                notes=Path(settings.erasures),
                host=lambda: self.host,
            ),
        ]
        self._found = found
        self._newest_revision: str | None = None
        self._authentications: Authentications | None = None
        self.secret = ""
        self._running = AsyncExitStack()
        self._known_parts: tuple[PluginSet, ServerParts] | None = None

    async def start(self) -> None:
        """Look at the database, then bring up plugins, schema and work in the background.

        Raises a ``ConfigurationError`` that says what is in the way.
        """
        self._newest_revision = (await check_database(self.database)).newest
        async with self.database.writing() as session:
            self.secret = await ensure_server_secret(session, configured=self.settings.secret.get_secret_value())
            await ensure_address_key(session)
        found = discover(blocked=self.settings.blocked_plugins) if self._found is None else self._found
        self.host = PluginHost(
            self.database,
            self.settings,
            clock=self.clock,
            found=found,
            check_together=self.schema.build,
            company=lambda: self.company,
            outgoing=self.outgoing,
            door=CustomerDoor(self.secret),
            watch=self.watch,
        )
        self._running.push_async_callback(self.host.close)
        await self.host.start()
        self.house = ServerHouse(
            database=self.database,
            clock=self.clock,
            consent_registry=self.consent_registry,
            host=self.host,
            deliveries=self.deliveries,
            rules=lambda: self.contact_rules,
            secret=self.secret,
            public_url=self.settings.public_url,
            company=lambda: self.company,
        )
        await self.refresh_schema()
        await self.refresh_company()
        self.feed = await self._running.enter_async_context(running_feed(self.database, clock=self.clock))
        await self._running.enter_async_context(self._following_plugins())
        if self.settings.worker:
            from regulars.web.background import running_background  # its clock and workers are for these alone

            await self._running.enter_async_context(running_background(self))
        self.browsers = BrowserSessions(
            self.database,
            secret=self.secret,
            clock=self.clock,
            idle=timedelta(minutes=self.settings.session_idle_minutes),
            lifetime=timedelta(hours=self.settings.session_hours),
            permissions=lambda: self.permissions,
        )
        self._authentications = Authentications(self.database, secret=self.secret)

    async def stop(self) -> None:
        """Let go of everything, in the opposite order."""
        self._authentications = None
        await self._running.aclose()
        await self.outgoing.close()
        await asyncio.to_thread(self.watch.spans.close)
        await self.database.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the server up for as long as the block lasts."""
        try:
            await self.start()
            yield
        finally:
            await self.stop()

    @property
    def plugins(self) -> PluginSet:
        """Return the enabled plugins as they are now."""
        return self.host.plugins

    @property
    def permissions(self) -> Sequence[Permission]:
        """Return every permission that the core and the enabled plugins define."""
        return self._parts.permissions

    @property
    def trait_registry(self) -> TraitRegistry:
        """Return the facts about customers that the enabled plugins declare."""
        return self._parts.traits

    @property
    def contact_rules(self) -> ContactRules:
        """Return the rules that every contact must pass, the core's and those of the enabled plugins."""
        return self._parts.contact_rules

    @property
    def plugin_fields(self) -> PluginCaller:
        """Return whoever counts the failures of plugins' fields."""
        return self.host.caller

    def plugin_settings(self, plugin_id: str) -> Any:
        """Return the settings of an enabled plugin, as its own model; None for the core and for everybody else."""
        plugin = self.plugins.get(plugin_id)
        return None if plugin is None else plugin.settings

    def plugin_context(self, plugin_id: str, *, session: AsyncSession, actor: str) -> PluginContext:
        """Return what an enabled plugin gets for one call, in this session."""
        return self.host.context(plugin_id, session=session, actor=actor, settings=self.plugin_settings(plugin_id))

    async def fail(self, plugin_id: str, reason: str) -> None:
        """Take a plugin out because the schema cannot be built with it."""
        self.host.fail(plugin_id, reason)

    def report_undelivered(self, plugin_id: str, problem: str) -> None:
        """Show admins which events a plugin will not get any more."""
        self.host.problems.report(plugin_id, "events", problem, True)

    def on_merged(self, actor: Actor) -> MergeHook:
        """Return what tells plugins of a merge, in its transaction."""
        return on_merged(self.host, actor=actor.label)

    def on_unmerged(self, actor: Actor) -> MergeHook:
        """Return what tells plugins that a merge was undone, in the same transaction."""
        return on_unmerged(self.host, actor=actor.label)

    async def executor(self) -> Executor:
        """Return the executor of today's schema, which is built anew when the plugins have changed."""
        return self.schema.executor if self.schema.is_current else await self.schema.refresh()

    async def ask(self, query: str, variables: Mapping[str, Any], actor: Actor) -> Mapping[str, Any]:
        """Return the answer to an operation of somebody, as a client gets it; nothing is charged for it."""
        answer = await (await self.executor()).answer(GraphQLOperation(query, None, variables, {}), actor=actor)
        told: dict[str, Any] = orjson.loads(answer.body)
        return told

    async def members(self, asked: AskedSegment) -> ColumnElement[bool]:
        """Return, as SQL over customers, who is in a segment; raises what ``segment_members`` raises."""
        schema = (await self.executor()).schema
        return segment_members(schema, segment_id=asked.id, segments=asked.segments, actor=asked.actor)

    async def refresh_schema(self) -> None:
        """Let the schema follow the plugins."""
        await self.schema.refresh()

    async def refresh_company(self) -> None:
        """Follow what was changed about the company, here or in another process."""
        async with self.database.reading() as session:
            if await read_version(session) != self.company.version:
                self.company = await read_company(session, usual=self.usual_company)

    async def actor(self, authorization: str | None) -> Actor:
        """Return who sends this Authorization header; raises an ``Unauthenticated`` that says what is wrong with it."""
        assert self._authentications is not None, "the server has not started"
        if self._staff_tokens is not None and (token := self._staff_tokens.token_in(authorization)) is not None:
            return await self._staff_tokens.actor(token, permissions=self.permissions)
        return await self._authentications.actor(authorization, now=self.clock.now(), permissions=self.permissions)

    def charge(self, actor: Actor, request: HTTPConnection) -> RequestCharge:
        """Return what takes points from whoever sends this request, by key, person or address."""
        client: tuple[str, int] | None = request.scope.get("client")
        address = None if client is None else client[0]
        return RequestCharge(self.allowances, actor=actor, address=address, clock=self.clock)

    async def sender(self, write_key: str) -> Actor:
        """Return the site or app whose write key this is; raises an ``Unauthenticated``."""
        assert self._authentications is not None, "the server has not started"
        return await self._authentications.sender(write_key, now=self.clock.now(), permissions=self.permissions)

    async def hindrances(self) -> Mapping[str, str]:
        """Return what keeps the server from answering, by the part that is in the way; empty when it is ready."""
        if self._authentications is None:
            return {"server": "It is starting, or coming to its end."}
        try:
            async with asyncio.timeout(READY_PATIENCE_S):
                revision = await current_revision(self.database.engine, CORE)
        except Exception as error:  # whatever a driver raises here means the same: not ready
            log.warning("database.silent", exc_info=error)
            return {"database": "The database does not answer."}
        if revision != self._newest_revision:
            return {"migrations": "The tables are not those of this version. Run `regulars db upgrade`."}
        if not self.schema.is_built:
            return {"schema": "The GraphQL schema is not built yet."}
        return {}

    @property
    def _parts(self) -> ServerParts:
        # Plugins change rarely, and the set is another object whenever they do.
        if self._known_parts is None or self._known_parts[0] is not self.host.plugins:
            self._known_parts = (self.host.plugins, parts_of(self.host, self.settings, self._jobs))
        return self._known_parts[1]

    @asynccontextmanager
    async def _following_plugins(self) -> AsyncIterator[None]:
        following = asyncio.create_task(self._follow_plugins())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.wait({following})

    async def _follow_plugins(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_EVERY.total_seconds())
            try:
                if await self.host.refresh():
                    await self.refresh_schema()
                await self.refresh_company()
            except (
                Exception
            ) as error:  # a fault in one look, such as a database that restarts, must not end the looking
                log.warning("plugins.not_followed", exc_info=error)


def _allowances(burst: float, per_second: float) -> Allowances | None:
    return None if per_second == 0 else Allowances(Allowance(burst, per_second))
