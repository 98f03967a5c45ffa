"""What the planner is asked: a whole query, or the rows that a mutation returned."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution import VariableValues

from regulars.fields.context import RequestContext
from regulars.graphql.documents.preparation import Prepared
from regulars.graphql.planner.reports import Report
from regulars.graphql.planner.selected import Details

__all__ = ["Asking", "ReturnedRows"]


@dataclass(frozen=True)
class ReturnedRows:
    """Rows that a mutation returned in one place of its payload, and what is selected of them.

    ``place`` are the keys that lead to them, with None for the numbers of lists; ``paths`` lead to each.
    """

    kind: GraphQLObjectType
    details: Details
    place: tuple[str | None, ...]
    rows: list[Any]
    paths: list[list[str | int]]

    @property
    def are_listed(self) -> bool:
        """Tell whether there may be several."""
        return None in self.place


@dataclass(slots=True)
class Asking:
    """An operation with its variables, and who asks; ``build`` makes an executor of it, for a context with a session.

    With ``returned``, rows are asked for, in the transaction that wrote them; else all of a query.
    """

    prepared: Prepared
    variables: VariableValues
    context: RequestContext
    build: Callable[[RequestContext], Any]
    report: Report = field(default_factory=Report)
    returned: ReturnedRows | None = None

    def key(self) -> tuple[Any, ...]:
        """Return what a plan depends on: never a row, an actor, or a value of a variable but those of conditions."""
        actor = self.context.actor
        place = None if self.returned is None else (self.returned.kind.name, self.returned.place)
        return (*self.shape(), actor.permissions, actor.kind, actor.customer_id is None, place)

    def shape(self) -> tuple[Any, ...]:
        """Return what tells which fields are selected, whoever asks."""
        return (self.prepared, *[self.variables.coerced.get(name) for name in self.prepared.conditions])

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RequestContext]:
        """Give the request with a session: that of its transaction, or one for reading."""
        if self.returned is not None:
            yield self.context
            return
        async with self.context.services.database.reading() as session:
            yield self.context.apart(session)
