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
from regulars.graphql.planner.finishing import Filling, Found, refusals_in
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
            [answered] = await self._answered(asking)
        except Exception as error:
            self._note(error, asking)
            return None
        if answered is None:
            return None
        self.counts.planned += 1
        asking.report.is_planned = True
        return ExecutionResult(data=answered.json, errors=list(answered.errors) or None)

    async def rows(self, asking: Asking) -> Sequence[Answered | None]:
        """Return rows that a mutation returned as its payload shows them, None for those that must be executed.

        Raises what the database does: the transaction is lost then.
        """
        returned = asking.returned
        assert returned is not None
        left: list[Answered | None] = [None] * len(returned.rows)
        if all(map(is_as_stored, returned.rows)) and self.is_carried(asking):
            self.counts.whole += len(left)
            return left
        try:
            answered = await self._answered(asking)
        except Exception as error:
            self._note(error, asking)
            if asking.context.has_fault:
                raise
            return left
        if any(answered):
            self.counts.rows += len(answered) - answered.count(None)
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

    async def _answered(self, asking: Asking) -> list[Answered | None]:
        plan, texts, failures = await read(self.planning, asking)
        for text in texts:
            if text is not None and IRREGULAR in text:
                raise Irregular("holds a value that JSON does not have")
        if plan.is_finished_in_sql:
            return [None if text is None else Answered(orjson.Fragment(text)) for text in texts]
        documents = [text.encode() for text in texts if text is not None]
        if not documents:
            return [None] * len(texts)
        paths = [[]] if asking.returned is None else asking.returned.paths
        there = [path for path, text in zip(paths, texts, strict=True) if text is not None]
        answers = iter(await _finished(asking, plan, documents, there, failures, self.planning.mark))
        return [None if text is None else next(answers) for text in texts]


async def _finished(
    asking: Asking,
    plan: Plan,
    documents: Sequence[bytes],
    paths: Sequence[Sequence[str | int]],
    failures: Failures,
    mark: str,
) -> list[Answered]:
    """Add what Python knows: the errors of fields that are null, and the answers of batch fields."""

    def roots(listed: bytes) -> list[Found]:
        return [(document, [*path]) for document, path in zip(orjson.loads(listed), paths, strict=True)]

    listed = b"[%b]" % b",".join(documents)
    found: Sequence[GraphQLError] = ()
    if plan.batches:
        slots = Slots(listed, mark)
        async with asking.opened() as context:
            asking.report.statements += len(plan.batches)
            filling = Filling(slots, lambda: asking.build(context), context, roots)
            for number, batch in enumerate(plan.batches):
                await filling.answer(number, batch)
        listed = slots.filled()
        if asking.returned is None:  # else it is the executor that answers the mutation, and has them
            found = filling.errors
    refused = refusals_in(roots(listed), plan.refused, failures) if plan.refused else []
    # One document is not read; several are, to tell where each ends.
    finished = [orjson.Fragment(listed[1:-1])] if len(documents) == 1 else orjson.loads(listed)
    return [Answered(document, () if number else [*refused, *found]) for number, document in enumerate(finished)]
