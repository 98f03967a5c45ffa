"""Run one operation: who asks, what it costs, one session, one transaction, one answer."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from functools import partial
from inspect import isawaitable
from typing import Any
from uuid import uuid4

import orjson
from graphql import ExecutionResult, GraphQLError, default_field_resolver, default_type_resolver
from graphql.execution import VariableValues
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor
from regulars.crash_points import CrashPoint, reach
from regulars.errors import Forbidden
from regulars.fields.context import RequestContext, Services, ShowRows
from regulars.graphql.documents.limits import CUSTOMER_LIMITS, Limits
from regulars.graphql.documents.preparation import InvalidDocument, Prepared, Preparing
from regulars.graphql.executor.field_by_field import SCHEMA_READ, Execution
from regulars.graphql.planner.asking import Asking, ReturnedRows
from regulars.graphql.planner.planner import Answered, Planner
from regulars.graphql.planner.plans import Bounded
from regulars.graphql.planner.reports import PLANS_READ, Report
from regulars.graphql.protocol.answers import answer_body, codes_of, told_errors
from regulars.graphql.protocol.transport import GraphQLAnswer, GraphQLOperation
from regulars.graphql.repeats import REPLAYED, request_under_key
from regulars.graphql.schema.building import BuiltSchema
from regulars.idempotency.service import KeyedRequest, claim_key, find_answer, keep_answer
from regulars.writing import ConditionUnmet

__all__ = ["Executor"]

OPERATION_TIMEOUT_S = 10.0
INTROSPECTIONS, INTROSPECTION_BYTES = 100, 16 * 1024 * 1024
UNOPENED: Any = None
"""In the place of a session, for operations that need none."""


class Executor:
    """Runs operations against one schema."""

    def __init__(self, schema: BuiltSchema, services: Services, *, limits: Limits | None = None) -> None:
        self.schema, self._services = schema, services
        self._limits = limits or Limits()
        self._preparing = Preparing(schema.graphql, self._limits)
        self.planner = Planner(schema, services.database.engine.dialect)
        self._is_planning = services.settings.planner
        self._introspections: Bounded[Any, bytes] = Bounded(INTROSPECTIONS, INTROSPECTION_BYTES)

    async def answer(
        self,
        operation: GraphQLOperation,
        *,
        actor: Actor,
        request_id: str | None = None,
        charge: Callable[[int], int | None] | None = None,
    ) -> GraphQLAnswer:
        """Answer one query or mutation of this actor.

        ``charge`` takes the price in points before anything runs, and returns how many are left or raises.
        """
        request_id = request_id or uuid4().hex
        prepared = self.prepare(operation)
        if isinstance(prepared, InvalidDocument):
            return GraphQLAnswer(_errors_body(prepared.errors, request_id), "request_error")
        if prepared.is_subscription:
            error = GraphQLError("A subscription needs a WebSocket: connect with graphql-transport-ws.")
            return GraphQLAnswer(_errors_body([error], request_id), "request_error")
        self.check_schema_reading(prepared, actor)
        limit = self.cost_limit(actor)
        price = prepared.price.price(operation.variables, cost_limit=limit)
        remaining = None if charge is None else charge(price.requested)

        report = Report()
        wants_report = operation.extensions.get("plan") is True and actor.may(PLANS_READ)

        def told(result: ExecutionResult) -> GraphQLAnswer:
            if result.data is None and result.errors and not any(error.path for error in result.errors):
                return GraphQLAnswer(_errors_body(result.errors, request_id), "request_error")
            more = report.shown() if wants_report else None
            body = answer_body(result, price=price, limit=limit, remaining=remaining, request_id=request_id, more=more)
            return GraphQLAnswer(body, "executed", codes=codes_of(result.errors) if result.errors else ())

        if not prepared.is_mutation:
            if prepared.is_introspection:
                return told(await self._introspect(prepared, operation.variables, actor, request_id))
            if self._is_planning and not prepared.reads_schema:
                asking = self.asking(prepared, operation.variables, self.context(UNOPENED, actor, request_id), report)
                planned = None if asking is None else await self.planner.answer(asking)
                if planned is not None:
                    return told(planned)
            async with self._services.database.reading() as session:
                context = self.context(session, actor, request_id)
                result = await self._execute(prepared, operation.variables, context)
                report.statements += context.statements
                return told(result)
        keyed = request_under_key(operation, prepared, actor)
        with nullcontext() if keyed is None else self._services.keys_in_flight.held(keyed):
            change = partial(self._change, prepared, operation, actor, request_id, keyed, report, told)
            try:
                return await change(defers=True)
            except ConditionUnmet:  # and nothing was changed
                return await change(defers=False)

    @contextmanager
    def without_planner(self) -> Iterator[None]:
        """Answer field by field for as long as the block lasts, to compare."""
        before, self._is_planning = self._is_planning, False
        try:
            yield
        finally:
            self._is_planning = before

    def prepare(self, operation: GraphQLOperation) -> Prepared | InvalidDocument:
        """Return the operation ready to run, or what is wrong with its document."""
        try:
            return self._preparing.prepare(operation.query, operation.operation_name)
        except InvalidDocument as error:
            return error

    def cost_limit(self, actor: Actor) -> int:
        """Return how many points one operation of this actor may cost."""
        return CUSTOMER_LIMITS.cost if actor.kind == "customer" else self._limits.cost

    def check_schema_reading(self, prepared: Prepared, actor: Actor) -> None:
        """Raise ``Forbidden`` where somebody without the permission reads the schema; a single ``__type`` is null."""
        if prepared.reads_schema and not actor.may(SCHEMA_READ):
            raise Forbidden(SCHEMA_READ)

    def context(self, session: AsyncSession, actor: Actor, request_id: str) -> RequestContext:
        """Return what one operation carries along."""
        services = self._services
        return RequestContext(session, actor, services.clock.now(), services.company, request_id, services, self.schema)

    def reading_session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Give a session for reading; it takes a connection only once something is read."""
        return self._services.database.reading()

    def asking(
        self, prepared: Prepared, given: Mapping[str, Any], context: RequestContext, report: Report
    ) -> Asking | None:
        """Return an operation with its variables; None for such as do not fit."""
        variables = prepared.variables.coerced(given)
        if variables is None:
            return None
        return Asking(prepared, variables, context, partial(self._executor, prepared, variables), report)

    def _showing_rows(self, prepared: Prepared, context: RequestContext, report: Report) -> ShowRows:
        async def show(running: Execution, returned: ReturnedRows) -> Sequence[Answered | None]:
            asking = Asking(prepared, running.variable_values, context, lambda _: running, report, returned)
            return await self.planner.rows(asking)

        return show

    async def _introspect(
        self, prepared: Prepared, variables: Mapping[str, Any], actor: Actor, request_id: str
    ) -> ExecutionResult:
        """Return what the schema says of itself, which is the same for all who may read it."""
        key = (prepared, orjson.dumps(variables, option=orjson.OPT_SORT_KEYS), actor.may(SCHEMA_READ))
        known = self._introspections.get(key)
        if known is None:
            result = await self._execute(prepared, variables, self.context(UNOPENED, actor, request_id))
            if result.errors:
                return result
            known = orjson.dumps(result.data)
            self._introspections.keep(key, known, len(known))
        whole: Any = orjson.Fragment(known)
        return ExecutionResult(data=whole)

    def _executor(self, prepared: Prepared, variables: VariableValues, context: RequestContext) -> Execution:
        return Execution(
            self.schema.graphql,
            {name: fragment.definition for name, fragment in prepared.fragments.items()},
            dict(prepared.fragments),
            None,
            context,
            prepared.operation,
            variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            hide_suggestions=True,
            operation_extensions={},
        )

    async def _change(
        self,
        prepared: Prepared,
        operation: GraphQLOperation,
        actor: Actor,
        request_id: str,
        keyed: KeyedRequest | None,
        report: Report,
        told: Callable[[ExecutionResult], GraphQLAnswer],
        *,
        defers: bool,
    ) -> GraphQLAnswer:
        """Run a mutation in one transaction, which keeps the answer of a request under a key, too.

        Where all of the transaction is one statement, ``defers`` lets it run when all else is done. Raises
        ``ConditionUnmet`` if it cannot be done then.
        """
        async with self._services.database.writing_session() as session:
            kept = None if keyed is None else await self._kept_answer(session, prepared, keyed)
            if kept is not None:
                return GraphQLAnswer(kept.encode(), "executed", headers=REPLAYED)
            context = self.context(session, actor, request_id)
            asking = self.asking(prepared, operation.variables, context, report)
            if asking is None:
                return told(ExecutionResult(data=None, errors=prepared.variables.misfits(operation.variables)))
            context.is_lone = prepared.has_lone_field
            if self._is_planning:
                context.show_rows = self._showing_rows(prepared, context, report)
                session.defers = defers and keyed is None and context.is_lone and self.planner.carries_all(asking)
            result = await self._run(asking)
            if session.is_unmet:
                raise ConditionUnmet
            if context.has_fault:
                await session.rollback()
                faults = [error for error in result.errors or () if error.original_error is not None]
                return told(ExecutionResult(data=None, errors=faults))
            reach(CrashPoint.EFFECT_WRITTEN)
            answer = told(result)
            try:
                if keyed is not None and context.has_effect:
                    body = answer.body.decode()
                    await keep_answer(session, keyed, answer=body, request_id=request_id, now=context.now)
                    reach(CrashPoint.ANSWER_KEPT)
                async with asyncio.timeout(OPERATION_TIMEOUT_S):  # a commit itself is not given up halfway
                    await session.get_ready()
                await session.commit()
            except ConditionUnmet:
                raise
            except Exception as error:
                failed = GraphQLError("commit", original_error=error, path=["commit"])
                return told(ExecutionResult(data=None, errors=[failed]))
            reach(CrashPoint.EFFECT_COMMITTED)
            return answer

    async def _kept_answer(self, session: AsyncSession, prepared: Prepared, keyed: KeyedRequest) -> str | None:
        if self.schema.lone_mutations.isdisjoint(prepared.field_names):
            return await claim_key(session, keyed)
        # A mutation with transactions of its own would wait for this one, were the key claimed in it.
        async with self._services.database.reading() as apart:
            return await find_answer(apart, keyed)

    async def _execute(
        self, prepared: Prepared, variables: Mapping[str, Any], context: RequestContext
    ) -> ExecutionResult:
        asking = self.asking(prepared, variables, context, Report())
        if asking is None:
            return ExecutionResult(data=None, errors=prepared.variables.misfits(variables))
        return await self._run(asking)

    async def _run(self, asking: Asking) -> ExecutionResult:
        running: Any = asking.build(asking.context).execute_operation()
        try:
            async with asyncio.timeout(OPERATION_TIMEOUT_S):
                result: ExecutionResult = await running if isawaitable(running) else running
                return result
        except TimeoutError as error:
            asking.context.has_fault = True
            return ExecutionResult(data=None, errors=[GraphQLError("timeout", original_error=error, path=["timeout"])])
        finally:
            await asking.context.end()


def _errors_body(errors: list[GraphQLError], request_id: str) -> bytes:
    return orjson.dumps({"errors": told_errors(errors, request_id=request_id)})
