"""A whole server for tests, in this process: ask it over GraphQL as anybody, without a socket."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import select

from regulars.access.actors import ANONYMOUS, Actor
from regulars.access.permissions import CUSTOMER_PERMISSIONS, permissions_of_role
from regulars.clock import SettableClock
from regulars.database import Database
from regulars.errors import ExpectedError
from regulars.events.models import Event
from regulars.fields.ids import row_id
from regulars.graphql.execution import Executor
from regulars.graphql.transport import GraphQLOperation, refusal_answer
from regulars.plugins.manifest import Permission

__all__ = ["App", "TestedServer"]


class TestedServer(Protocol):
    """What the tests need of a server."""

    __test__ = False

    database: Database

    @property
    def permissions(self) -> Sequence[Permission]:
        """Return every permission of the core and the plugins."""
        ...

    async def executor(self) -> Executor:
        """Return the executor of today's schema."""
        ...


@dataclass
class App:
    """A server with its database and its clock."""

    server: TestedServer
    clock: SettableClock
    data: dict[str, Any] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """Return the server's database."""
        return self.server.database

    def actor(self, role: str) -> Actor:
        """Return somebody with a role: admin, analyst, frontline, privacy, ``customer:<id>`` or anonymous."""
        if role == "anonymous":
            return ANONYMOUS
        kind, _, id = role.partition(":")
        if kind == "customer":
            customer_id = row_id("Customer", id)
            return Actor("customer", customer_id, "", CUSTOMER_PERMISSIONS, customer_id)
        return Actor("staff", UUID(int=1), role, permissions_of_role(role, self.server.permissions))

    async def ask(
        self, query: str, variables: Mapping[str, Any] | None = None, *, as_: str | Actor = "admin"
    ) -> dict[str, Any]:
        """Return the whole answer of an operation: data, errors and extensions."""
        executor = await self.server.executor()
        actor = self.actor(as_) if isinstance(as_, str) else as_
        operation = GraphQLOperation(query, None, dict(variables or {}), {})
        try:
            answer = await executor.answer(operation, actor=actor)
        except ExpectedError as error:
            answer = refusal_answer(error)
        told: dict[str, Any] = orjson.loads(answer.body)
        return told

    async def gql(
        self, query: str, variables: Mapping[str, Any] | None = None, *, as_: str | Actor = "admin"
    ) -> dict[str, Any]:
        """Return the data of an operation; errors fail the test."""
        answer = await self.ask(query, variables, as_=as_)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def events(self, type: str | None = None) -> list[Event]:
        """Return what was written to the outbox, oldest first."""
        query = select(Event).order_by(Event.id)  # type: ignore[arg-type]
        async with self.database.reading() as session:
            found = (await session.scalars(query)).all()
        return [event for event in found if type in (None, event.type)]
