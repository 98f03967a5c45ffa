"""Coerce the variables of one operation as graphql-core does, without finding their types again at every request."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, Undefined, get_nullable_type, is_leaf_type
from graphql.execution import VariableValues, get_variable_values
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValueSource

__all__ = ["OperationVariables"]


class OperationVariables:
    """The variables that an operation defines."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> None:
        self._schema, self._definitions = schema, operation.variable_definitions or ()
        self._plain = [_plain(get_variable_signature(schema, node)) for node in self._definitions]

    def coerced(self, given: Mapping[str, object]) -> VariableValues | None:
        """Return the values of a request as fields take them; None where one does not fit, which the executor tells."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, object] = {}
        for plain in self._plain:
            if plain is None or given.get(plain.name) is None:
                return self._coerced_at_length(given)
            value = given[plain.name]
            try:
                fitting = plain.coerce(value)
            except Exception:  # a scalar of a plugin may raise anything
                return None
            if fitting is Undefined:
                return None
            sources[plain.name] = VariableValueSource(plain.signature, value)
            coerced[plain.name] = fitting
        return VariableValues(sources, coerced)

    def misfits(self, given: Mapping[str, object]) -> list[GraphQLError]:
        """Return what is wrong with the values of a request that are not coerced."""
        values = get_variable_values(self._schema, self._definitions, dict(given))
        return values if isinstance(values, list) else []

    def _coerced_at_length(self, given: Mapping[str, object]) -> VariableValues | None:
        values = get_variable_values(self._schema, self._definitions, dict(given))
        return None if isinstance(values, list) else values


class _Plain(NamedTuple):
    """A variable that holds one scalar or enum."""

    name: str
    signature: GraphQLVariableSignature
    coerce: Callable[..., object]


def _plain(signature: GraphQLVariableSignature | GraphQLError) -> _Plain | None:
    """Return what is needed to coerce a scalar or enum; None for lists and objects, which have rules of their own."""
    if isinstance(signature, GraphQLError):
        return None
    kind = get_nullable_type(signature.type)
    return _Plain(signature.name, signature, kind.coerce_input_value) if is_leaf_type(kind) else None
