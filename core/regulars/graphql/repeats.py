"""Find the idempotency key of a request, in its header or in the input of a mutation."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    value_from_ast_untyped,
)

from regulars.access.actors import Actor
from regulars.graphql.documents.preparation import Prepared
from regulars.graphql.protocol.transport import GraphQLOperation
from regulars.idempotency.refusals import SeveralKeys
from regulars.idempotency.service import KeyedRequest, keyed_request

__all__ = ["REPLAYED", "request_under_key"]

INPUT, KEY = "input", "idempotencyKey"
REPLAYED = {"idempotency-replayed": "true"}
"""The header of an answer that was given before."""


def request_under_key(operation: GraphQLOperation, prepared: Prepared, actor: Actor) -> KeyedRequest | None:
    """Return the request under its key, or None where it names none or changes nothing.

    Raises ``SeveralKeys`` and ``KeyRefused``.
    """
    if not prepared.is_mutation:
        return None
    keys = set(_keys_in_inputs(prepared, operation.variables))
    if operation.idempotency_key is not None:
        keys.add(operation.idempotency_key)
    if not keys:
        return None
    if len(keys) > 1:
        raise SeveralKeys
    return keyed_request(actor, keys.pop(), operation.query, operation.operation_name, operation.variables)


def _keys_in_inputs(prepared: Prepared, variables: Mapping[str, Any]) -> Iterator[str]:
    values = {**_defaults(prepared.operation), **variables}
    for field in _fields(prepared.operation.selection_set, prepared.document):
        for argument in field.arguments or ():
            if argument.name.value == INPUT:
                given = value_from_ast_untyped(argument.value, values)
                if isinstance(given, Mapping) and isinstance(given.get(KEY), str):
                    yield given[KEY]


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        defined.variable.name.value: value_from_ast_untyped(defined.default_value)
        for defined in operation.variable_definitions or ()
        if defined.default_value is not None
    }


def _fields(selected: SelectionSetNode, document: DocumentNode) -> Iterator[FieldNode]:
    for node in selected.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(_fragment(node.name.value, document).selection_set, document)
        elif isinstance(node, InlineFragmentNode):
            yield from _fields(node.selection_set, document)


def _fragment(name: str, document: DocumentNode) -> FragmentDefinitionNode:
    return next(
        node for node in document.definitions if isinstance(node, FragmentDefinitionNode) and node.name.value == name
    )
