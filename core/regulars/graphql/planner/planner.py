"""Answer what is asked by one statement, if there is one that can."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from graphql import ExecutionResult, GraphQLError, GraphQLObjectType, get_named_type, is_leaf_type
from graphql.execution.collect_fields import collect_fields
from sqlalchemy import Dialect

from regulars.graphql.planner.asking import Asking
from regulars.graphql.planner.finishing import Filling, refusals_in
from regulars.graphql.planner.not_planned import Irregular, NotPlanned
from regulars.graphql.planner.planning import Planning
from regulars.graphql.planner.plans import Bounded, Plan
from regulars.graphql.planner.reading import Failures, read
from regulars.graphql.planner.selected import TYPENAME, Details, object_of
from regulars.graphql.planner.slots import Slots
from regulars.graphql.schema.building import BuiltSchema
from regulars.inserts import is_as_stored
from regulars.sqlite_functions import IRREGULAR

__all__ = ["Answered", "Counts", "Planner"]

CARRYING = 1_000
IRREGULAR_BYTES = IRREGULAR.encode()

log = structlog.get_logger("regulars.graphql.planner")


@dataclass
class Counts:
    """How much was planned, and how much was executed because of which field or error.

    ``planned`` are queries, ``rows`` what mutations returned, and ``whole`` those of them that needed no reading.
    """

    planned: int = 0
    rows: int = 0
    whole: int = 0
    by_field: Counter[str] = field(default_factory=Counter)
    by_error: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Answered:
    """JSON, as it will be sent, and the errors that belong to it."""

    json: Any
    errors: Sequence[GraphQLError] = ()


class Planner:
    """Answers by the plans of one schema on one database."""

    def __init__(self, schema: BuiltSchema, dialect: Dialect) -> None:
        self.planning = Planning(schema, dialect)
        self.counts = Counts()
        self._schema = schema
        self._carrying: Bounded[Any, bool] = Bounded(CARRYING, CARRYING)

    async def answer(self, asking: Asking) -> ExecutionResult | None:
        """Return the answer to a query, or None when it must be executed."""
        try:
            answered = await self._answered(asking)
        except Exception as error:
            self._note(error, asking)
            return None
        if answered is None:
            return None
        self.counts.planned += 1
        asking.report.is_planned = True
        return ExecutionResult(data=answered.json, errors=list(answered.errors) or None)

    async def row(self, asking: Asking) -> Answered | None:
        """Return a row that a mutation returned as its payload shows it, or None when it must be executed.

        Raises what the database does: the transaction is lost then.
        """
        if asking.returned is not None and is_as_stored(asking.returned.row) and self.is_carried(asking):
            self.counts.whole += 1
            return None
        try:
            answered = await self._answered(asking)
        except Exception as error:
            self._note(error, asking)
            if asking.context.has_fault:
                raise
            return None
        if answered is not None:
            self.counts.rows += 1
            asking.report.is_planned = True
        return answered

    def is_carried(self, asking: Asking) -> bool:
        """Tell whether a row itself carries all that is selected of it."""
        returned = asking.returned
        assert returned is not None
        return self._is_carried(asking.build(asking.context), returned.kind, returned.details)

    def carries_all(self, asking: Asking) -> bool:
        """Tell whether the answer to a mutation shows nothing but its rows and values, as they were given."""
        key = asking.shape()
        known = self._carrying.get(key)
        if known is None:
            executor = asking.build(asking.context)
            root, operation = self._schema.graphql.mutation_type, asking.prepared.operation
            assert root is not None
            fields = collect_fields(
                self._schema.graphql, executor.fragments, asking.variables, root, operation
            ).grouped_field_set
            known = all(
                self._is_carried(executor, object_of(root.fields[details[0].node.name.value]), details)
                for details in fields.values()
                if details[0].node.name.value != TYPENAME
            )
            self._carrying.keep(key, known, 1)
        return known

    def _is_carried(self, executor: Any, kind: GraphQLObjectType, details: Details) -> bool:
        selected = executor.collect_subfields(kind, details).grouped_field_set
        return all(self._is_carried_by(executor, kind, inner) for inner in selected.values())

    def _is_carried_by(self, executor: Any, kind: GraphQLObjectType, details: Details) -> bool:
        name = details[0].node.name.value
        if name == TYPENAME or kind.name in self._schema.tables:
            return name == TYPENAME or f"{kind.name}.{name}" in self._schema.in_row
        owned, inner = self._schema.fields[f"{kind.name}.{name}"], get_named_type(kind.fields[name].type)
        if owned.field.base_resolver is not None or owned.rules.declaration is not None:
            return False
        return is_leaf_type(inner) or (
            isinstance(inner, GraphQLObjectType) and self._is_carried(executor, inner, details)
        )

    def _note(self, error: Exception, asking: Asking) -> None:
        if isinstance(error, NotPlanned):
            self.counts.by_field[error.field] += 1
            asking.report.opaque_fields = (error.field,)
        else:
            # The executor finds out what is wrong, and tells it at the right place.
            self.counts.by_error[type(error).__name__] += 1
            asking.report.problem = type(error).__name__
            log.debug("plan.left", problem=type(error).__name__)

    async def _answered(self, asking: Asking) -> Answered | None:
        plan, text, failures = await read(self.planning, asking)
        if text is None:
            return None
        data = text.encode()
        if IRREGULAR_BYTES in data:
            raise Irregular("holds a value that JSON does not have")
        if plan.is_finished_in_sql:
            return Answered(orjson.Fragment(data))
        return await _finished(asking, plan, data, failures, self.planning.mark)


async def _finished(asking: Asking, plan: Plan, data: bytes, failures: Failures, mark: str) -> Answered:
    """Add what Python knows: the errors of fields that are null, and the answers of batch fields."""
    start = () if asking.returned is None else asking.returned.path
    found: Sequence[GraphQLError] = ()
    if plan.batches:
        slots = Slots(data, mark)
        async with asking.opened() as context:
            asking.report.statements += len(plan.batches)
            filling = Filling(slots, lambda: asking.build(context), context, start)
            for number, batch in enumerate(plan.batches):
                await filling.answer(number, batch)
        data = slots.filled()
        if asking.returned is None:  # else it is the executor that answers the mutation, and has them
            found = filling.errors
    refused = refusals_in(orjson.loads(data), plan.refused, failures, start) if plan.refused else []
    return Answered(orjson.Fragment(data), [*refused, *found])
