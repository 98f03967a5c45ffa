"""Check what somebody wants to be exported against today's schema, before a job begins."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLObjectType, get_named_type

from regulars.access.actors import Actor
from regulars.contact.requests import ContactRequest
from regulars.errors import ExpectedError, Forbidden, InvalidInput, UnknownValue
from regulars.exports.columns import DEFAULT_COLUMNS, FORMATS, KINDS, ExportFormat, ExportKind, document
from regulars.exports.plans import ExportPlan
from regulars.graphql.documents.preparation import InvalidDocument
from regulars.graphql.execution import Executor
from regulars.graphql.protocol.transport import GraphQLOperation

__all__ = ["checked_export"]

PAGES = (100, 25, 5)
"""Rows that are asked for at a time: as many as the columns' price allows."""

TYPES = {"customers": "Customer", "touchpoints": "Touchpoint"}


def checked_export(
    executor: Executor,
    *,
    kind: ExportKind,
    format: str,
    columns: Sequence[str] | None,
    where: Mapping[str, Any],
    contact: ContactRequest | None,
    actor: Actor,
) -> ExportPlan:
    """Return the plan of an export that this actor may have.

    Raises ``UnknownValue`` for another format, ``InvalidInput`` for a column that there is not or that stands for a
    page of its own, ``Forbidden`` for one that the actor may not see, and what the limits raise.
    """
    if format not in FORMATS:
        raise UnknownValue("format", format, FORMATS, path=("format",))
    assert kind in KINDS
    wanted = tuple(DEFAULT_COLUMNS[kind] if columns is None else dict.fromkeys(columns))
    as_format: ExportFormat = "csv" if format == "csv" else "jsonl"
    document(kind, wanted, page=1)
    for column in wanted:
        _check_column(executor, TYPES[kind], column, actor)
    return ExportPlan(
        kind, as_format, wanted, actor, _page(executor, kind, wanted, where, actor), where=where, contact=contact
    )


def _check_column(executor: Executor, type_name: str, column: str, actor: Actor) -> None:
    schema = executor.schema
    kind: Any = schema.graphql.type_map[type_name]
    for name in column.split("."):
        field = kind.fields.get(name) if isinstance(kind, GraphQLObjectType) else None
        if field is None:
            raise InvalidInput(f"There is no column {column!r} of {type_name}. See the schema.", path=("columns",))
        if field.args:
            raise InvalidInput(
                f"The column {column!r} is a list of its own, which has pages. Export that instead.", path=("columns",)
            )
        permission = schema.permissions.get(f"{kind.name}.{name}")
        if permission is not None and not actor.may(permission):
            raise Forbidden(permission)
        kind = get_named_type(field.type)
    if isinstance(kind, GraphQLObjectType):
        raise InvalidInput(f"The column {column!r} has parts. Name them: {column}.….", path=("columns",))


def _page(executor: Executor, kind: str, columns: Sequence[str], where: Mapping[str, Any], actor: Actor) -> int:
    refusal: ExpectedError | None = None
    for page in PAGES:
        operation = GraphQLOperation(document(kind, columns, page=page), None, {"where": dict(where) or None}, {})
        prepared = executor.prepare(operation)
        if isinstance(prepared, InvalidDocument):
            raise InvalidInput(str(prepared), path=("columns",))
        try:
            prepared.price.price(operation.variables, cost_limit=executor.cost_limit(actor))
        except ExpectedError as error:
            refusal = error
        else:
            return page
    assert refusal is not None
    raise refusal
