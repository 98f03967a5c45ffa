"""Coerce the variables of one operation as graphql-core does, without finding their types again at every request."""

from collections.abc import Mapping

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, Undefined, get_nullable_type, is_leaf_type
from graphql.execution import VariableValues, get_variable_values
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValueSource
from graphql.utilities import coerce_input_value

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
        for signature in self._plain:
            if signature is None or signature.name not in given:
                return self._coerced_at_length(given)
            value = given[signature.name]
            fitting = coerce_input_value(value, signature.type)
            if fitting is Undefined:
                return None
            sources[signature.name] = VariableValueSource(signature, value)
            coerced[signature.name] = fitting
        return VariableValues(sources, coerced)

    def _coerced_at_length(self, given: Mapping[str, object]) -> VariableValues | None:
        values = get_variable_values(self._schema, self._definitions, dict(given))
        return None if isinstance(values, list) else values


def _plain(signature: GraphQLVariableSignature | GraphQLError) -> GraphQLVariableSignature | None:
    """Return the signature of a variable that holds one scalar or enum; None for lists and objects, and their rules."""
    if isinstance(signature, GraphQLError) or not is_leaf_type(get_nullable_type(signature.type)):
        return None
    return signature
