"""Finish an answer in Python where SQL could not: errors at their paths, and the answers of batch fields."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from graphql import GraphQLError, GraphQLObjectType, get_nullable_type, is_leaf_type
from graphql.execution.executor import Executor
from graphql.pyutils import Path

from regulars.errors import ExpectedError
from regulars.fields.context import RequestContext
from regulars.fields.kinds import Kind
from regulars.fields.scalars import parse_moment
from regulars.graphql.executor.batches import ask_batch
from regulars.graphql.planner.drafts import BatchPlace, Place, Refused
from regulars.graphql.planner.not_planned import Irregular

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
    answer: dict[str, Any],
    batches: Sequence[BatchPlace],
    executor: Executor[Any],
    context: RequestContext,
    start: Sequence[str] = (),
) -> None:
    """Put the answers of batch fields where they belong; the executor keeps the errors that they had.

    Raises ``Irregular`` where an error would have to reach further than its own field.
    """
    waiting = [(batch, list(objects_at(answer, batch.place, start))) for batch in batches]
    asked = [(batch, found, _parents(batch, found)) for batch, found in waiting]
    for batch, found in waiting:
        for parent, _ in found:
            for _name, hidden, _kind in batch.required:
                parent.pop(hidden, None)
    for batch, found, parents in asked:
        await _answer_batch(batch, found, parents, executor, context)


async def _answer_batch(
    batch: BatchPlace,
    found: Sequence[Found],
    parents: Sequence[Mapping[str, Any]],
    executor: Executor[Any],
    context: RequestContext,
) -> None:
    if not found:
        return
    kind = executor.schema.type_map[batch.type_name]
    assert isinstance(kind, GraphQLObjectType)
    definition = kind.fields[batch.owned.name]
    nodes = [each.node for each in batch.details]
    try:
        answers = await ask_batch(batch.declared, batch.owned, definition.type, parents, context)
    except Exception as error:
        answers = [error] * len(found)
    leaf = get_nullable_type(definition.type)
    for (parent, path), value in zip(found, answers, strict=True):
        if is_leaf_type(leaf) and value is not None and not isinstance(value, Exception):
            try:
                parent[batch.key] = executor.complete_leaf_value(leaf, value)
            except Exception as error:  # told below, at its place
                value = error
            else:
                continue
        way = _path(kind.name, path, batch.key)
        info = executor.build_resolve_info(definition, nodes, kind, way)
        try:
            if isinstance(value, Exception):
                raise value
            done = executor.complete_value(definition.type, batch.details, info, way, value, None)
            parent[batch.key] = await done if isinstance(done, Awaitable) else done
        except Exception as error:
            _note(error, executor, definition.type, batch, way)
            parent[batch.key] = None


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


def _parents(batch: BatchPlace, found: Sequence[Found]) -> list[dict[str, Any]]:
    return [{name: _read(parent[hidden], kind) for name, hidden, kind in batch.required} for parent, _ in found]


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
