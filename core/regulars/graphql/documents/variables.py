"""Coerce the variables of one operation as graphql-core does, without finding their types again at every request."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from graphql import (
    GraphQLError,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    get_nullable_type,
    is_input_object_type,
    is_leaf_type,
    is_non_null_type,
)
from graphql.execution import VariableValues, get_variable_values
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValueSource
from graphql.utilities.coerce_input_value import coerce_default_value

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
            except _NotPlain:
                return self._coerced_at_length(given)
            except Exception:  # a scalar of a plugin may raise anything
                return None
            if fitting is Undefined:
                return None
            sources[plain.name] = VariableValueSource(plain.signature, value)
            coerced[plain.name] = fitting
        return VariableValues(sources, coerced)

    def misfits(self, given: Mapping[str, object]) -> list[GraphQLError]:
        """Return what is wrong with the values of a request that are not coerced."""
        values = get_variable_values(self._schema, self._definitions, dict(given), hide_suggestions=True)
        return values if isinstance(values, list) else []

    def _coerced_at_length(self, given: Mapping[str, object]) -> VariableValues | None:
        values = get_variable_values(self._schema, self._definitions, dict(given))
        return None if isinstance(values, list) else values


class _Plain(NamedTuple):
    """A variable that holds one scalar or enum, or an object of them."""

    name: str
    signature: GraphQLVariableSignature
    coerce: Callable[..., object]


class _NotPlain(Exception):  # no error: it is left to graphql-core
    """An object holds more than scalars and enums."""


class _Member(NamedTuple):
    """A field of an input object; ``coerce`` is None unless it holds a scalar or an enum."""

    name: str
    key: str
    coerce: Callable[..., object] | None
    is_non_null: bool
    default: object


class _PlainObject:
    """Coerces an input object as graphql-core does, as long as only scalars and enums are given in it."""

    def __init__(self, kind: GraphQLInputObjectType) -> None:
        self._make, self._names = kind.out_type, kind.fields.keys()
        self._members = [_member(name, field) for name, field in kind.fields.items()]

    def __call__(self, given: object) -> object:
        """Return the object as fields take it, or ``Undefined`` where it does not fit; raises ``_NotPlain``."""
        if not isinstance(given, dict) or not given.keys() <= self._names:
            return Undefined
        values: dict[str, object] = {}
        for name, key, coerce, is_non_null, default in self._members:
            value = given.get(name, Undefined)
            if value is Undefined:
                fitting = default
            elif value is None:
                fitting = None
            elif coerce is None:
                raise _NotPlain
            else:
                fitting = coerce(value)
            if fitting is not Undefined:
                values[key] = fitting
            elif value is not Undefined or is_non_null:
                return Undefined
            if fitting is None and is_non_null:
                return Undefined
        return self._make(values)


def _member(name: str, field: GraphQLInputField) -> _Member:
    kind = get_nullable_type(field.type)
    coerce = kind.coerce_input_value if is_leaf_type(kind) else None
    return _Member(name, field.out_name or name, coerce, is_non_null_type(field.type), coerce_default_value(field))


def _plain(signature: GraphQLVariableSignature | GraphQLError) -> _Plain | None:
    """Return what is needed to coerce a scalar, an enum or an object; None for lists, which have rules of their own."""
    if isinstance(signature, GraphQLError):
        return None
    kind = get_nullable_type(signature.type)
    if is_input_object_type(kind):
        return None if kind.is_one_of else _Plain(signature.name, signature, _PlainObject(kind))
    return _Plain(signature.name, signature, kind.coerce_input_value) if is_leaf_type(kind) else None
