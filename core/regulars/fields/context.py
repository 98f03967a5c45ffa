"""What one request carries: who asks, when, and the session that all of it reads and writes in."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Executable, Result
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor
from regulars.clock import Clock
from regulars.database import Database, patience
from regulars.errors import Forbidden, RegularsError
from regulars.fields.policy import RowPolicy
from regulars.idempotency.service import KeysInFlight
from regulars.plugins.context import Company, PluginContext
from regulars.prepared import Command
from regulars.settings import Settings
from regulars.writing import run

__all__ = ["FieldContext", "RequestContext", "RequestOver"]

APART_PATIENCE_S = 2.0

ShowRows = Callable[..., Awaitable[Any]]
"""Returns rows that a mutation returned as its payload shows them, or None in place of each."""


class Services(Protocol):
    """What the server keeps for all requests; fields reach it through the request."""

    @property
    def database(self) -> Database:
        """Return the database."""
        ...

    @property
    def clock(self) -> Clock:
        """Return the clock."""
        ...

    @property
    def company(self) -> Company:
        """Return the company that this installation serves."""
        ...

    @property
    def settings(self) -> Settings:
        """Return the settings of the server."""
        ...

    @property
    def usual_company(self) -> Company:
        """Return the company as the operator's settings say."""
        ...

    @property
    def plugin_fields(self) -> Any:
        """Return whoever counts the failures of plugins' fields."""
        ...

    @property
    def keys_in_flight(self) -> KeysInFlight:
        """Return the idempotency keys whose requests this process is working on."""
        ...

    def plugin_settings(self, plugin_id: str) -> Any:
        """Return the settings of a plugin, as its own model."""
        ...

    def plugin_context(self, plugin_id: str, *, session: AsyncSession, actor: str) -> PluginContext:
        """Return what an enabled plugin gets for one call, in this session."""
        ...


@dataclass(frozen=True)
class FieldContext:
    """What a batch function or a resolver gets: enough to read for this actor, at this moment.

    ``settings`` are the plugin's own, None for the core. ``session`` is for this call alone.
    """

    session: AsyncSession
    actor: Actor
    now: datetime
    company: Company
    settings: Any = None


class RequestOver(RegularsError):
    """A field of an operation that has its answer already would read on."""

    code = "REQUEST_OVER"

    def __init__(self) -> None:
        super().__init__("The request has its answer; what is left of it is given up.")


@dataclass
class RequestContext:
    """One GraphQL operation on its way through the server; ``is_lone`` is one mutation alone.

    A session serves one statement at a time, while resolvers run side by side: ``execute`` and ``alone`` queue them.
    """

    session: AsyncSession
    actor: Actor
    now: datetime
    company: Company
    request_id: str
    services: Any
    schema: Any = None
    loaders: dict[Any, Any] = field(default_factory=dict)
    statements: int = 0
    has_fault: bool = False
    has_written: bool = False
    has_effect: bool = False
    is_lone: bool = False
    plugin_failures: dict[Exception, Exception] = field(default_factory=dict)
    show_rows: ShowRows | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_over: bool = False

    @property
    def policy(self) -> RowPolicy:
        """Return which rows this actor may see."""
        return RowPolicy(self.actor)

    def require(self, permission: str) -> None:
        """Raise ``Forbidden`` unless the actor has the permission."""
        if not self.actor.may(permission):
            raise Forbidden(permission)

    def of_plugin(self, plugin_id: str) -> PluginContext:
        """Return what the plugin's own mutation needs beside the request: settings, door, messages to be sent."""
        context: PluginContext = self.services.plugin_context(plugin_id, session=self.session, actor=self.actor.label)
        return context

    def apart(self, session: AsyncSession) -> "RequestContext":
        """Return the same request with another session, for code that must not harm the request's own."""
        own = RequestContext(session, self.actor, self.now, self.company, self.request_id, self.services, self.schema)
        own.plugin_failures = self.plugin_failures
        return own

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[AsyncSession]:
        """Give the session to one user at a time; raises ``RequestOver`` once the request has its answer."""
        async with self._turn:
            if self._is_over:
                raise RequestOver
            yield self.session

    async def end(self) -> None:
        """Let nobody use the session any more.

        When a field may not be null and fails, the answer does not wait for the fields beside it. Were they to read
        after the session was closed, they would begin a transaction that nobody ends.
        """
        async with self._turn:
            self._is_over = True

    async def execute(self, statement: Executable) -> Result[*tuple[Any, ...]]:
        """Run one statement; ``NOW`` in it is the moment of the request."""
        async with self.alone():
            self.statements += 1
            with self._losing_what_was_written():
                return await self.session.execute(statement, {"regulars_now": self.now})

    async def execute_apart(self, statement: Executable) -> Result[*tuple[Any, ...]]:
        """Run one statement as ``execute`` does, so that its failure or delay costs the request nothing else.

        After a mutation it must see what was written, so there it has a savepoint instead of a session of its own.
        Raises ``TimeoutError``, or what the database raises, after two seconds.
        """
        self.statements += 1
        if self.has_written:
            async with self.alone():
                await self.session.flush()
                async with self._savepoint():
                    return await self.session.execute(statement, {"regulars_now": self.now})
        async with asyncio.timeout(APART_PATIENCE_S), self.services.database.reading_apart() as session:
            result = await session.execute(statement, {"regulars_now": self.now})
            frozen: Result[*tuple[Any, ...]] = result.freeze()()  # it outlives its session
            return frozen

    async def read_rows(self, statement: str, values: tuple[Any, ...], *, may_fail: bool) -> Sequence[Sequence[Any]]:
        """Return what a statement finds in the transaction of the request.

        The statement is in the language of the driver. One that ``may_fail`` is run as ``execute_apart`` does.
        """
        async with self.alone():
            self.statements += 1
            async with self._savepoint() if may_fail else nullcontext():
                with nullcontext() if may_fail else self._losing_what_was_written():
                    return await run(self.session, Command(statement, values))

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator[None]:
        connection = await self.session.connection()
        async with connection.begin_nested(), patience(connection, APART_PATIENCE_S):
            yield

    @contextmanager
    def _losing_what_was_written(self) -> Iterator[None]:
        """Let the request fail as a whole when a statement does on PostgreSQL, which gives up the transaction then."""
        try:
            yield
        except SQLAlchemyError:
            gives_up = self.services.database.dialect == "postgresql"
            self.has_fault = self.has_fault or (self.has_written and gives_up)
            raise
