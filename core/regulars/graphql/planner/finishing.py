"""Finish an answer in Python where SQL could not: errors at their paths, and the answers of batch fields."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

import orjson
from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLLeafType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_nullable_type,
    is_leaf_type,
)
from graphql.execution.executor import Executor
from graphql.pyutils import Path

from regulars.errors import ExpectedError
from regulars.fields.context import RequestContext
from regulars.fields.kinds import Kind
from regulars.fields.scalars import parse_moment
from regulars.graphql.executor.batches import ask_batch
from regulars.graphql.planner.drafts import BatchPlace, Place, Refused
from regulars.graphql.planner.not_planned import Irregular
from regulars.graphql.planner.slots import Slots

__all__ = ["answer_batches", "refusals_in"]

Found = tuple[dict[str, Any], list[str | int]]


def objects_at(answer: dict[str, Any], place: Place, start: Sequence[str] = ()) -> Iterator[Found]:
    """Yield every object that stands in a place of a decoded answer, with its path, which begins with ``start``."""
    found: list[Found] = [(answer, [*start])]
    for step in place:
        inside: list[Found] = []
        for holder, path in found:
            value = holder[step.key]
            here = [*path, step.key]
            if step.is_list:
                inside += [(item, [*here, number]) for number, item in enumerate(value or ()) if item is not None]
            elif value is not None:
                inside.append((value, here))
        found = inside
    return iter(found)


def refusals_in(
    answer: dict[str, Any],
    refused: Sequence[Refused],
    failures: Mapping[str, ExpectedError],
    start: Sequence[str] = (),
) -> list[GraphQLError]:
    """Return the error of each field that was withheld, once for each object that would have had it.

    ``failures`` are the errors of those that failed just now, by their paths in the schema.
    """
    return [
        GraphQLError(str(error), one.nodes, path=[*path, one.key], original_error=error)
        for one in refused
        for error in [failures.get(one.path, one.error)]
        for _, path in objects_at(answer, one.place, start)
    ]


async def answer_batches(
    slots: Slots,
    batches: Sequence[BatchPlace],
    executor: Executor[Any],
    context: RequestContext,
    start: Sequence[str] = (),
) -> None:
    """Fill the slots with the answers of batch fields; the executor keeps the errors that they had.

    Raises ``Irregular`` where an error would have to reach further than its own field.
    """
    for number, batch in enumerate(batches):
        if slots.of(number):
            await _Finishing(slots, number, batch, executor, start).ask(context)


@dataclass(frozen=True)
class _Finishing:
    """A batch field that is asked for all its parents."""

    slots: Slots
    number: int
    batch: BatchPlace
    executor: Executor[Any]
    start: Sequence[str]

    async def ask(self, context: RequestContext) -> None:
        """Ask for the answers, and fill the slots."""
        batch, slots = self.batch, self.slots.of(self.number)
        parents = [
            {name: _read(held[name], kind) for name, kind in batch.required} for held in map(self.slots.held, slots)
        ]
        answers: Sequence[Any]
        try:
            answers = await ask_batch(batch.declared, batch.owned, self._definition.type, parents, context)
        except Exception as error:
            answers = [error] * len(slots)
        for number, (slot, answer) in enumerate(zip(slots, answers, strict=True)):
            if not self._fill_plainly(slot, answer):
                await self._fill(slot, number, answer)

    @cached_property
    def _kind(self) -> GraphQLObjectType:
        kind = self.executor.schema.type_map[self.batch.type_name]
        assert isinstance(kind, GraphQLObjectType)
        return kind

    @cached_property
    def _definition(self) -> GraphQLField:
        definition: GraphQLField = self._kind.fields[self.batch.owned.name]
        return definition

    @cached_property
    def _leaf(self) -> GraphQLLeafType | None:
        kind = get_nullable_type(self._definition.type)
        return kind if is_leaf_type(kind) else None

    @cached_property
    def _paths(self) -> Sequence[Sequence[str | int]]:
        """The paths of the parents, for which the answer has to be read."""
        answer: dict[str, Any] = orjson.loads(self.slots.filled())
        return [path for _, path in objects_at(answer, self.batch.place, self.start)]

    def _fill_plainly(self, slot: int, answer: Any) -> bool:
        """Fill a slot with a plain value, and tell whether it was one."""
        if self._leaf is None or answer is None or isinstance(answer, Exception):
            return answer is None and not isinstance(self._definition.type, GraphQLNonNull)
        try:
            self.slots.fill(slot, self.executor.complete_leaf_value(self._leaf, answer))
        except Exception:  # found again, and told at its place
            return False
        return True

    async def _fill(self, slot: int, number: int, answer: Any) -> None:
        executor, definition, batch = self.executor, self._definition, self.batch
        way = _path(self._kind.name, self._paths[number], batch.key)
        nodes = [each.node for each in batch.details]
        info = executor.build_resolve_info(definition, nodes, self._kind, way)
        try:
            if isinstance(answer, Exception):
                raise answer
            done = executor.complete_value(definition.type, batch.details, info, way, answer, None)
            self.slots.fill(slot, await done if isinstance(done, Awaitable) else done)
        except Exception as error:
            _note(error, executor, definition.type, batch, way)


def _note(error: Exception, executor: Executor[Any], kind: Any, batch: BatchPlace, way: Path) -> None:
    try:
        executor.handle_field_error(error, kind, batch.details, way)
    except GraphQLError as unprotected:
        raise Irregular("has an error in a field that may not be null") from unprotected


def _path(type_name: str, path: Sequence[str | int], key: str) -> Path:
    way: Path | None = None
    for step in (*path, key):
        way = Path(way, step, None if isinstance(step, int) else type_name)
    assert way is not None
    return way


def _read(value: Any, kind: Kind) -> Any:
    if value is None:
        return None
    if kind == "uuid":
        return UUID(value)
    if kind == "moment":
        return parse_moment(value)
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "decimal":
        return Decimal(value).scaleb(-4) if isinstance(value, int) else Decimal(value)
    return float(value) if kind == "number" else value
