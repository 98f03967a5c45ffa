"""Answer an operation by one statement, if there is one that can."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import structlog
from graphql import ExecutionResult, GraphQLError
from graphql.execution import VariableValues
from sqlalchemy import Dialect

from regulars.access.actors import Actor
from regulars.errors import RegularsError
from regulars.fields.context import APART_PATIENCE_S, RequestContext
from regulars.fields.policy import OWN_ID, RowPolicy
from regulars.graphql.pages import ReaderOf
from regulars.graphql.planner.drafts import Draft
from regulars.graphql.planner.finishing import answer_batches, refusals_in
from regulars.graphql.planner.json_on_postgres import json_on_postgres
from regulars.graphql.planner.json_on_sqlite import json_on_sqlite
from regulars.graphql.planner.not_planned import Irregular, NotPlanned
from regulars.graphql.planner.parts import Asked, NamedPart, Written
from regulars.graphql.planner.plans import Bounded, Plan
from regulars.graphql.planner.reports import Report
from regulars.graphql.planner.selecting import Selecting
from regulars.graphql.planner.statements import Compiled, compile_statement
from regulars.graphql.plugin_calls import hook_of
from regulars.graphql.preparation import Prepared
from regulars.graphql.schema import BuiltSchema
from regulars.segments.service import IN_SEGMENTS, read_segments_behind
from regulars.sqlite_functions import IRREGULAR

__all__ = ["Asking", "Counts", "Planner"]

PLANS = 1_000
PLAN_BYTES = 64 * 1024 * 1024
NODE_BYTES = 2_000  # what a plan takes for each field that it notes, roughly
PATIENCE_S = 10.0
KEY_LENGTH = 5
IRREGULAR_BYTES = IRREGULAR.encode()

log = structlog.get_logger("regulars.graphql.planner")


@dataclass
class Counts:
    """How many operations were planned, and how many were executed because of which field or error."""

    planned: int = 0
    by_field: Counter[str] = field(default_factory=Counter)
    by_error: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Asking:
    """A query with its variables, and who asks; ``build`` makes an executor of it, for a context with a session."""

    prepared: Prepared
    variables: VariableValues
    context: RequestContext
    build: Callable[[RequestContext], Any]
    report: Report = field(default_factory=Report)


class Planner:
    """The plans of one schema on one database."""

    def __init__(self, schema: BuiltSchema, dialect: Dialect) -> None:
        self._schema, self._dialect = schema, dialect
        self._json = json_on_sqlite() if dialect.name == "sqlite" else json_on_postgres()
        self.plans: Bounded[Any, Plan] = Bounded(PLANS, PLAN_BYTES)
        self.counts = Counts()

    async def answer(self, asking: Asking) -> ExecutionResult | None:
        """Return the answer to a query, or None when it must be executed."""
        try:
            result = await self._answer(asking)
        except NotPlanned as obstacle:
            self.counts.by_field[obstacle.field] += 1
            asking.report.opaque_fields = (obstacle.field,)
            return None
        except Exception as error:
            # The executor finds out what is wrong, and tells it at the right place.
            self.counts.by_error[type(error).__name__] += 1
            asking.report.problem = type(error).__name__
            log.debug("plan.left", problem=type(error).__name__)
            return None
        self.counts.planned += 1
        asking.report.is_planned = True
        return result

    async def _answer(self, asking: Asking) -> ExecutionResult:
        context = asking.context
        plan, compiled, values = await self.statement(asking)
        asking.report.statements += 1
        asking.report.sql_hash = compiled.hash
        patience_s = APART_PATIENCE_S if plan.plugin_hooks else PATIENCE_S
        async with asyncio.timeout(patience_s):
            text = await context.services.database.read_text(compiled.text, values)
        data = text.encode()
        if IRREGULAR_BYTES in data:
            raise Irregular("holds a value that JSON does not have")
        for owner, hook, _path in plan.plugin_hooks:
            context.services.plugin_fields.succeeded(owner, hook)
        if plan.is_finished_in_sql:
            return _result(data)
        answer = orjson.loads(data)
        errors = refusals_in(answer, plan.refused)
        if plan.batches:
            async with context.services.database.reading() as session:
                opened = context.apart(session)
                asking.report.statements += len(plan.batches)
                errors += await answer_batches(answer, plan.batches, asking.build(opened), opened)
        return _result(orjson.dumps(answer), errors)

    async def statement(self, asking: Asking) -> tuple[Plan, Compiled, tuple[Any, ...]]:
        """Return the plan of an operation, its statement, and the statement's values.

        Raises ``NotPlanned`` where there is none, and whatever the arguments raise.
        """
        plan, written, compiled = await self._plan_with_segments(asking)
        named = {"regulars_now": asking.context.now, OWN_ID.key: asking.context.actor.customer_id}
        for one in written:
            named.update(one.values)
        return plan, compiled, compiled.values(named, written)

    async def _plan_with_segments(self, asking: Asking) -> tuple[Plan, list[Written], Compiled]:
        segments = Segments()
        while True:
            try:
                return self._plan(asking, ReaderOf(asking.context, segments, _policy(asking.context.actor)))
            except UnreadSegment as unread:
                named = {IN_SEGMENTS: {"anyOf": [str(unread.id)]}}
                async with asking.context.services.database.reading() as session:
                    segments.update(await read_segments_behind(asking.context.apart(session), named))

    def _plan(self, asking: Asking, reader: ReaderOf) -> tuple[Plan, list[Written], Compiled]:
        asked = Asked(asking.variables, reader)
        key = _key(asking)
        plan = self.plans.get(key)
        if plan is not None and plan.signposts:
            key = (*key, tuple(each.type_name(asked) for each in plan.signposts))
            plan = self.plans.get(key)
        resting = frozenset[str]()
        if plan is not None and plan.plugin_hooks:
            resting = self._resting(plan, reader.context)
            if resting:
                key = (*key, resting)
                plan = self.plans.get(key)
        if plan is None:
            return self._compile(key, asked, asking, resting)
        if plan.obstacle is not None:
            raise plan.obstacle.with_traceback(None)
        written = [part.write(asked) for part in plan.parts]
        compiled = plan.variants.get(tuple([one.shape for one in written]))
        if compiled is None:
            return self._compile(key, asked, asking, resting, plan)
        asking.report.is_known = True
        return plan, written, compiled

    def _compile(
        self,
        key: Any,
        asked: Asked,
        asking: Asking,
        resting: frozenset[str],
        plan: Plan | None = None,
    ) -> tuple[Plan, list[Written], Compiled]:
        draft, actor = Draft(asked), asked.reader.context.actor
        selecting = Selecting(
            self._schema,
            asking.build(asking.context),
            self._json,
            draft,
            permissions=actor.permissions,
            policy=_policy(actor),
            resting=resting,
        )
        try:
            statement = selecting.operation()
        except NotPlanned as obstacle:
            key = self._key_behind(key, draft)
            self.plans.keep(key, Plan(obstacle=obstacle, notes=tuple(draft.notes)), NODE_BYTES)
            raise
        compiled = compile_statement(statement, self._dialect, draft.written)
        if plan is None:
            plan = Plan(
                tuple(draft.parts),
                tuple(draft.refused),
                tuple(draft.batches),
                tuple(draft.notes),
                tuple((owned.owner, hook_of(owned), path) for path, owned in draft.plugin_fields.items()),
            )
            key = self._key_behind(key, draft)
            self.plans.keep(key, plan, len(compiled.text) + NODE_BYTES * len(draft.notes))
        shapes = tuple(one.shape for one in draft.written)
        plan.variants.keep(shapes, compiled, len(compiled.text))
        return plan, draft.written, compiled

    def _key_behind(self, key: Any, draft: Draft) -> Any:
        """Return the key of a plan; for one that depends on the types of ids, leave a signpost to it."""
        signposts = tuple(part for part in draft.parts if isinstance(part, NamedPart))
        if not signposts or len(key) > KEY_LENGTH:
            return key
        self.plans.keep(key, Plan(signposts=signposts), NODE_BYTES)
        return (*key, tuple(each.type_name(draft.asked) for each in signposts))

    def _resting(self, plan: Plan, context: RequestContext) -> frozenset[str]:
        caller = context.services.plugin_fields
        return frozenset(path for owner, hook, path in plan.plugin_hooks if caller.is_open(owner, hook))


class Segments(dict[UUID, Mapping[str, Any]]):
    """The saved filters that were read so far."""

    def __missing__(self, id: UUID) -> Mapping[str, Any]:
        """Ask for a filter that was not read yet."""
        raise UnreadSegment(id)


class UnreadSegment(RegularsError):
    """A filter names a segment that has to be read first."""

    def __init__(self, id: UUID) -> None:
        self.id = id
        super().__init__(f"The segment {id} has not been read.")


def _result(data: bytes, errors: Sequence[GraphQLError] = ()) -> ExecutionResult:
    whole: Any = orjson.Fragment(data)
    return ExecutionResult(data=whole, errors=list(errors) or None)


def _policy(actor: Actor) -> RowPolicy:
    return RowPolicy(actor, own_id=None if actor.customer_id is None else OWN_ID)


def _key(asking: Asking) -> tuple[Any, ...]:
    coerced, actor = asking.variables.coerced, asking.context.actor
    conditions = tuple([coerced.get(name) for name in asking.prepared.conditions])
    return (asking.prepared, conditions, actor.permissions, actor.kind, actor.customer_id is None)
