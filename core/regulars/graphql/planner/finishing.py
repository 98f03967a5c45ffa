"""Finish an answer in Python where SQL could not: errors at their paths, and the answers of batch fields."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from graphql import GraphQLError, GraphQLLeafType, GraphQLOutputType, get_nullable_type, is_leaf_type
from graphql.execution.executor import Executor
from graphql.pyutils import Path

from regulars.errors import ExpectedError
from regulars.fields.context import RequestContext
from regulars.fields.kinds import Kind
from regulars.fields.scalars import parse_moment
from regulars.graphql.executor.batches import ask_batch
from regulars.graphql.executor.plugin_calls import are_texts
from regulars.graphql.planner.drafts import BatchPlace, Place, Refused
from regulars.graphql.planner.not_planned import Irregular
from regulars.graphql.planner.slots import Slots

__all__ = ["Filling", "Found", "refusals_in"]

Found = tuple[dict[str, Any], list[str | int]]
"""An object of a decoded answer, with its path."""


def objects_at(roots: Sequence[Found], place: Place) -> Iterator[Found]:
    """Yield every object that stands in a place inside of others."""
    found = [*roots]
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
    roots: Sequence[Found], refused: Sequence[Refused], failures: Mapping[str, ExpectedError]
) -> list[GraphQLError]:
    """Return the error of each field that was withheld, once for each object that would have had it.

    ``failures`` are the errors of those that failed just now, by their paths in the schema.
    """
    return [
        GraphQLError(str(error), one.nodes, path=[*path, one.key], original_error=error)
        for one in refused
        for error in [failures.get(one.path, one.error)]
        for _, path in objects_at(roots, one.place)
    ]


@dataclass
class Filling:
    """Fills the slots of an answer with the answers of batch fields; ``roots`` decodes it.

    ``execution`` makes an executor, which is seldom needed: for errors, and for answers that are no plain values.
    """

    slots: Slots
    execution: Callable[[], Executor[Any]]
    context: RequestContext
    roots: Callable[[bytes], Sequence[Found]]

    @cached_property
    def executor(self) -> Executor[Any]:
        """Return what completes answers, and keeps the errors that they had."""
        return self.execution()

    @property
    def errors(self) -> Sequence[GraphQLError]:
        """Return the errors of the answers so far."""
        return self.executor.collected_errors.errors if "executor" in vars(self) else ()

    async def answer(self, number: int, batch: BatchPlace) -> None:
        """Ask a batch field, which is the ``number``th, for all its parents, and fill its slots.

        Raises ``Irregular`` where an error would have to reach further than its own field.
        """
        slots, kind = self.slots.of(number), batch.definition.type
        if not slots:
            return
        parents = _read(self.slots.held(slots), batch.required)
        answers: Sequence[Any]
        try:
            answers = await ask_batch(batch.declared, batch.owned, kind, parents, self.context)
        except Exception as error:
            answers = [error] * len(slots)
        try:
            self.slots.fill(slots, _plain_values(kind, answers))
        except Exception:  # met again, and told at its place
            await self._complete(slots, batch, answers)

    async def _complete(self, slots: Sequence[int], batch: BatchPlace, answers: Sequence[Any]) -> None:
        executor, definition = self.executor, batch.definition
        nodes = [each.node for each in batch.details]
        parents = objects_at(self.roots(self.slots.filled()), batch.place)
        for slot, (_, path), answer in zip(slots, parents, answers, strict=True):
            way = _path(batch.kind.name, path, batch.key)
            info = executor.build_resolve_info(definition, nodes, batch.kind, way)
            try:
                if isinstance(answer, Exception):
                    raise answer
                done = executor.complete_value(definition.type, batch.details, info, way, answer, None)
                self.slots.fill([slot], [await done if isinstance(done, Awaitable) else done])
            except Exception as error:
                self.slots.fill([slot], [None])
                _note(error, executor, definition.type, batch, way)


def _plain_values(kind: GraphQLOutputType, answers: Sequence[Any]) -> Sequence[Any]:
    """Return what is shown where a field promises ``kind``; raises where an answer is an error, or no plain value."""
    if are_texts(kind, answers):
        return answers
    leaf = get_nullable_type(kind)
    if not is_leaf_type(leaf):
        raise Irregular("shows objects")
    return [None if answer is None and leaf is kind else _plain_value(leaf, answer) for answer in answers]


def _plain_value(kind: GraphQLLeafType, answer: Any) -> Any:
    if answer is None or isinstance(answer, Exception):
        raise Irregular("has an error, or nothing where something belongs")
    return Executor.complete_leaf_value(kind, answer)


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


def _read(held: Sequence[dict[str, Any]], required: Sequence[tuple[str, Kind]]) -> Sequence[Mapping[str, Any]]:
    """Turn the columns that slots hold into what Python has for their kinds."""
    for name, kind in required:
        if kind in _READ:
            read = _READ[kind]
            for values in held:
                if values[name] is not None:
                    values[name] = read(values[name])
    return held


def _decimal(value: str | int) -> Decimal:
    return Decimal(value).scaleb(-4) if isinstance(value, int) else Decimal(value)


_READ: Mapping[Kind, Callable[[Any], Any]] = {
    "uuid": UUID,
    "moment": parse_moment,
    "date": date.fromisoformat,
    "decimal": _decimal,
    "number": float,
}
