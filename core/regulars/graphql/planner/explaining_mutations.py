"""Say how a mutation would be answered, without running it: who may, and how what it returns is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from graphql import GraphQLList, GraphQLObjectType, get_named_type, get_nullable_type
from graphql.execution.collect_fields import collect_fields

from regulars.database import Database
from regulars.fields.types import TypeRules
from regulars.graphql.planner.asking import Asking, ReturnedRows
from regulars.graphql.planner.drafts import Note, Place, Step
from regulars.graphql.planner.explaining import Explanation, explain
from regulars.graphql.planner.planner import Planner
from regulars.graphql.planner.selected import TYPENAME, Details
from regulars.graphql.schema.building import PUBLIC, BuiltSchema
from regulars.graphql.schema.composition import OwnedField
from regulars.graphql.schema.where import attribute_of

__all__ = ["ExplainedMutation", "ReturnedPlan", "explain_mutations"]

VALUE = "value"


@dataclass(frozen=True)
class ReturnedPlan:
    """How a row that a mutation returns, or a list of rows, is read, and at which place of the answer it stands.

    ``is_carried`` tells that it carries all that is selected, so that it need not be read if it was just inserted.
    """

    place: str
    explanation: Explanation
    is_carried: bool = False


@dataclass(frozen=True)
class ExplainedMutation:
    """One mutation of a document; ``is_refused`` tells that whoever asks lacks its permission.

    ``values`` are the fields of the payload that its function gives as they are.
    """

    key: str
    path: str
    owner: str
    permission: str | None
    is_refused: bool
    has_own_transactions: bool
    values: Sequence[Note]
    rows: Sequence[ReturnedPlan]


async def explain_mutations(
    planner: Planner, database: Database, asking: Asking, *, schema: BuiltSchema, analyze: bool = False
) -> Sequence[ExplainedMutation]:
    """Return how each mutation of a document is answered for whoever asks, in order; none of them is run.

    ``asking`` needs a context with a session. Raises what is wrong with the arguments of what is selected.
    """
    executor = asking.build(asking.context)
    root = schema.graphql.mutation_type
    assert root is not None
    selected = collect_fields(
        schema.graphql, executor.fragments, executor.variable_values, root, executor.operation
    ).grouped_field_set
    explained = []
    for key, details in selected.items():
        name = details[0].node.name.value
        if name == TYPENAME:
            continue
        owned = schema.fields[f"Mutation.{name}"]
        permission = schema.permissions[owned.path]
        payload = get_named_type(root.fields[name].type)
        assert isinstance(payload, GraphQLObjectType)
        parts = list(_payload(schema, executor, payload, details, (Step(key),)))
        rows = [
            await _row_plan(planner, database, asking, _written(note), found, analyze)
            for note, found in parts
            if found is not None
        ]
        is_refused = permission not in (None, PUBLIC) and permission not in asking.context.actor.permissions
        explained.append(
            ExplainedMutation(
                key,
                owned.path,
                owned.owner,
                permission,
                is_refused,
                owned.rules.has_own_transactions,
                [note for note, _ in parts if note.kind == VALUE],
                rows,
            )
        )
    return explained


def _payload(
    schema: BuiltSchema, executor: Any, kind: GraphQLObjectType, details: Details, place: Place
) -> Iterator[tuple[Note, ReturnedRows | None]]:
    """Yield the fields of a payload: values, and rows with what they would be read by."""
    for key, inner in executor.collect_subfields(kind, details).grouped_field_set.items():
        name = inner[0].node.name.value
        if name == TYPENAME:
            continue
        owned: OwnedField = schema.fields[f"{kind.name}.{name}"]
        type_ = kind.fields[name].type
        target = get_named_type(type_)
        is_list = isinstance(get_nullable_type(type_), GraphQLList)
        rules = schema.tables.get(target.name)
        note = Note(place, key, owned.path, owned.owner, VALUE)
        if rules is not None and isinstance(target, GraphQLObjectType):
            way = [each for step in (*place, Step(key, is_list)) for each in (step.key, None)[: 1 + step.is_list]]
            yield replace(note, kind="row"), ReturnedRows(target, inner, tuple(way), [_any_row(rules)], [[]])
        elif isinstance(target, GraphQLObjectType):
            yield note, None
            yield from _payload(schema, executor, target, inner, (*place, Step(key, is_list)))
        else:
            yield note, None


async def _row_plan(
    planner: Planner, database: Database, asking: Asking, place: str, row: ReturnedRows, analyze: bool
) -> ReturnedPlan:
    of_row = replace(asking, returned=row)
    explanation = await explain(planner, database, of_row, analyze=analyze)
    return ReturnedPlan(place, explanation, planner.is_carried(of_row))


def _any_row(rules: TypeRules) -> Any:
    """Return what stands for the row that the function would return: the key of a row that does not exist."""
    keys = [(attribute_of(column), column.type.python_type) for column in rules.source.primary_key]
    return SimpleNamespace(**{name: UUID(int=0) if kind is UUID else kind() for name, kind in keys})


def _written(note: Note) -> str:
    return ".".join([*(step.key for step in note.place), note.key])
