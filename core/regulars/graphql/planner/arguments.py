"""Read the arguments of one field at each request, without finding out each time which of them are variables."""

from collections.abc import Sequence
from typing import Any

from graphql import FieldNode, GraphQLField, Undefined, VariableNode, is_required_argument
from graphql.execution import VariableValues, get_argument_values

__all__ = ["Arguments"]


class Arguments:
    """The arguments that a field has in a document."""

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        self._definition, self._node = definition, node
        self._variables = _variables_alone(definition, node)

    def values(self, variables: VariableValues) -> dict[str, Any]:
        """Return what is given in one request, as graphql-core does; raises what that raises."""
        if self._variables is not None:
            given = {name: variables.coerced.get(variable) for name, variable in self._variables}
            if None not in given.values():
                return given
        return get_argument_values(self._definition, self._node, variables, hide_suggestions=True)


def _variables_alone(definition: GraphQLField, node: FieldNode) -> Sequence[tuple[str, str]] | None:
    """Return the name and the variable of each argument; None where any has, or falls back on, something else."""
    nodes = {argument.name.value: argument.value for argument in node.arguments or ()}
    pairs = []
    for name, argument in definition.args.items():
        value = nodes.get(name)
        if isinstance(value, VariableNode):
            pairs.append((argument.out_name or name, value.name.value))
        elif value is not None or _has_own_value(argument):
            return None
    return pairs


def _has_own_value(argument: Any) -> bool:
    return argument.default is not None or argument.default_value is not Undefined or is_required_argument(argument)
