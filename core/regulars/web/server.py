"""The state of one server process, from its start to its end."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

import structlog

from regulars.access.actors import Actor
from regulars.access.authentication import Authentications
from regulars.access.permissions import CORE_PERMISSIONS
from regulars.access.server_secret import ensure_server_secret
from regulars.clock import Clock, SystemClock
from regulars.database import Database, open_engine
from regulars.migrations import CORE, current_revision, state_of
from regulars.plugins.contributions import Pages
from regulars.plugins.manifest import Permission
from regulars.preflight import check_database
from regulars.settings import Settings

__all__ = ["Server"]

READY_PATIENCE_S = 2.0

log = structlog.get_logger("regulars.server")


class Server:
    """What the requests of one process share: settings, database, clock, plugins, schema, work in the background."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.database = Database(open_engine(settings))
        self._newest_revision: str | None = None
        self._authentications: Authentications | None = None

    async def start(self) -> None:
        """Look at the database, then bring up everything else.

        Raises a ``ConfigurationError`` that says what is in the way.
        """
        await check_database(self.database)
        self._newest_revision = (await state_of(self.database.engine, CORE)).newest
        async with self.database.writing() as session:
            secret = await ensure_server_secret(session, configured=self.settings.secret.get_secret_value())
        self._authentications = Authentications(self.database, secret=secret)

    async def stop(self) -> None:
        """Let go of everything, in the opposite order."""
        self._authentications = None
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
    def permissions(self) -> Sequence[Permission]:
        """Return every permission that the core and the enabled plugins define."""
        return CORE_PERMISSIONS

    @property
    def pages(self) -> Mapping[str, Pages]:
        """Return the pages of the enabled plugins, by the id of the plugin."""
        return {}

    async def actor(self, authorization: str | None) -> Actor:
        """Return who sends this Authorization header; raises an ``Unauthenticated`` that says what is wrong with it."""
        assert self._authentications is not None, "the server has not started"
        return await self._authentications.actor(authorization, now=self.clock.now(), permissions=self.permissions)

    async def hindrances(self) -> Mapping[str, str]:
        """Return what keeps the server from answering, by the part that is in the way; empty when it is ready."""
        if self._authentications is None:
            return {"server": "It is starting, or coming to its end."}
        try:
            async with asyncio.timeout(READY_PATIENCE_S):
                revision = await current_revision(self.database.engine, CORE)
        except Exception as error:  # whatever a driver raises here means the same: not ready
            log.warning("database is not ready", exc_info=error)
            return {"database": "The database does not answer."}
        if revision != self._newest_revision:
            return {"migrations": "The tables are not those of this version. Run `regulars db upgrade`."}
        return {}
