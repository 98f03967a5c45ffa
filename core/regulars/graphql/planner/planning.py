"""Find the plan of an operation, or make it: its statement, and the values that one request puts into that."""

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any
from uuid import UUID

from sqlalchemy import Dialect

from regulars.errors import RegularsError
from regulars.fields.policy import OWN_ID, RowPolicy
from regulars.graphql.executor.plugin_calls import hook_of
from regulars.graphql.planner.asking import Asking
from regulars.graphql.planner.drafts import Draft
from regulars.graphql.planner.json_on_postgres import json_on_postgres
from regulars.graphql.planner.json_on_sqlite import json_on_sqlite
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.planner.parts import Asked, NamedPart, Written
from regulars.graphql.planner.plans import Bounded, Plan
from regulars.graphql.planner.selecting import Selecting, key_of_listed, key_values
from regulars.graphql.planner.slots import MARK
from regulars.graphql.planner.statements import Compiled, compile_statement
from regulars.graphql.schema.building import BuiltSchema
from regulars.graphql.schema.composition import OwnedField
from regulars.graphql.schema.where import attribute_of
from regulars.segments.service import IN_SEGMENTS, read_segments_behind

__all__ = ["NONE", "Planning"]

PLANS = 1_000
PLAN_BYTES = 64 * 1024 * 1024
NODE_BYTES = 2_000  # what a plan takes for each field that it notes, roughly
NONE: frozenset[str] = frozenset()


_Made = tuple[Plan, Sequence[Written], Compiled]


class Planning:
    """The plans of one schema on one database."""

    def __init__(self, schema: BuiltSchema, dialect: Dialect) -> None:
        self._schema, self._dialect = schema, dialect
        self.mark = token_hex(8)
        self._json = json_on_sqlite() if dialect.name == "sqlite" else json_on_postgres(dialect)
        self.plans: Bounded[Any, Plan] = Bounded(PLANS, PLAN_BYTES)
        self._signposts: Bounded[Any, tuple[NamedPart, ...]] = Bounded(PLANS, PLAN_BYTES)

    async def statement(
        self, asking: Asking, left_out: frozenset[str] = NONE
    ) -> tuple[Plan, Compiled, tuple[Any, ...]]:
        """Return the plan of what is asked, its statement, and the statement's values.

        ``left_out`` are paths of plugins' fields to do without, besides those that rest.
        Raises ``NotPlanned`` where there is none, and whatever the arguments raise.
        """
        segments = UNREAD
        while True:
            asked = Asked(asking.variables, asking.context, segments)
            try:
                plan, written, compiled = self._plan(asking, asked, left_out)
                resting = self._resting(plan.suspects, asking)
                if resting:
                    plan, written, compiled = self._plan(asking, asked, left_out | resting)
                break
            except _UnreadSegment as unread:
                named_in = {IN_SEGMENTS: {"anyOf": [str(unread.id)]}}
                async with asking.opened() as context:
                    segments = _Segments({**segments, **await read_segments_behind(context, named_in)})
        named = {OWN_ID.key: asking.context.actor.customer_id, "regulars_now": asking.context.now, MARK.key: self.mark}
        if asking.returned is not None:
            named.update(key_values(self._schema, asking.returned))
        for one in written:
            named.update(one.values)
        return plan, compiled, compiled.values(named, written)

    def in_order(self, asking: Asking, found: Sequence[Sequence[Any]]) -> list[str | None]:
        """Return the JSON of each row that was asked for, in that order, of what its statement has found."""
        returned = asking.returned
        if returned is None or not returned.are_listed:
            return [found[0][0] if found else None]
        key = key_of_listed(returned.kind, self._schema.tables[returned.kind.name].source)
        write = key.type.dialect_impl(self._dialect).bind_processor(self._dialect)
        by_key = {value: text for text, value in found}
        keys = [getattr(row, attribute_of(key)) for row in returned.rows]
        return [by_key.get(each if write is None else write(each)) for each in keys]

    def _plan(self, asking: Asking, asked: Asked, left_out: frozenset[str]) -> _Made:
        """Return the plan without these fields, as it is known, or made now."""
        plan = self.plans.get((self._key(asking, asked), left_out))
        if plan is None:
            return self._make(asking, asked, left_out, None)
        if plan.obstacle is not None:
            raise plan.obstacle.with_traceback(None)
        written = [part.write(asked) for part in plan.parts]
        compiled = plan.variants.get(tuple([one.shape for one in written]))
        if compiled is None:
            return self._make(asking, asked, left_out, plan)
        asking.report.is_known = True
        return plan, written, compiled

    def _make(self, asking: Asking, asked: Asked, left_out: frozenset[str], plan: Plan | None) -> _Made:
        """Compile a statement, for a plan that lacks only this shape of it, or with a new plan."""
        draft, actor = Draft(asked), asking.context.actor
        executor = asking.build(asking.context)
        permissions, policy = actor.permissions, RowPolicy.for_all_customers(actor)
        selecting = Selecting(self._schema, executor, self._json, draft, permissions, policy, left_out)
        try:
            statement = selecting.operation() if asking.returned is None else selecting.returned(asking.returned)
        except NotPlanned as obstacle:
            self._keep(asking, asked, left_out, draft, Plan(obstacle=obstacle, notes=tuple(draft.notes)))
            raise
        compiled = compile_statement(statement, self._dialect, draft.written)
        if plan is None:
            plan = Plan.of(draft)
            self._keep(asking, asked, left_out, draft, plan, len(compiled.text))
        shapes = tuple(one.shape for one in draft.written)
        plan.variants.keep(shapes, compiled, len(compiled.text))
        return plan, draft.written, compiled

    def _keep(
        self, asking: Asking, asked: Asked, left_out: frozenset[str], draft: Draft, plan: Plan, size: int = 0
    ) -> None:
        signposts = tuple(part for part in draft.parts if isinstance(part, NamedPart))
        if signposts:
            self._signposts.keep(asking.key(), signposts, NODE_BYTES)
        key = (self._key(asking, asked), left_out)
        self.plans.keep(key, plan, size + NODE_BYTES * (1 + len(draft.notes)))

    def _key(self, asking: Asking, asked: Asked) -> Any:
        """Return what the plan depends on, the types of the ids that are given included."""
        key = asking.key()
        signposts = self._signposts.get(key)
        return key if signposts is None else (*key, *[each.type_name(asked) for each in signposts])

    def _resting(self, suspects: Mapping[str, OwnedField], asking: Asking) -> frozenset[str]:
        caller = asking.context.services.plugin_fields
        if not suspects or not caller.breakers.has_failures:
            return NONE
        return frozenset(path for path, owned in suspects.items() if caller.is_open(owned.owner, hook_of(owned)))


class _Segments(dict[UUID, Mapping[str, Any]]):
    """The saved filters that were read so far."""

    def __missing__(self, id: UUID) -> Mapping[str, Any]:
        """Ask for a filter that was not read yet."""
        raise _UnreadSegment(id)


UNREAD = _Segments()


class _UnreadSegment(RegularsError):
    """A filter names a segment that has to be read first."""

    def __init__(self, id: UUID) -> None:
        self.id = id
        super().__init__(f"The segment {id} has not been read.")
