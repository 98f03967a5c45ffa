"""Make a mutation's input of what a client gave; strawberry would work out anew each time what each field of it is."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLSchema, get_nullable_type, is_leaf_type
from strawberry.relay import GlobalID
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryMaybe, StrawberryObjectDefinition, StrawberryOptional
from strawberry.types.field import StrawberryField

__all__ = ["remember_inputs"]

DEFINITION = "strawberry-definition"


def remember_inputs(schema: GraphQLSchema) -> None:
    """Let all inputs of a schema be made without looking at their types again.

    Those that know how to make themselves, and those with ``Maybe``, which strawberry checks itself, stay as they are.
    """
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType) and DEFINITION in kind.extensions:
            definition: StrawberryObjectDefinition = kind.extensions[DEFINITION]
            types = [field.resolve_type(type_definition=definition) for field in definition.fields]
            is_ours = isinstance(definition.from_input, _Reading)
            if (is_ours or definition.from_input is None) and not any(
                isinstance(each, StrawberryMaybe) for each in types
            ):
                definition.from_input = _reading(kind, definition, types)


@dataclass(frozen=True)
class _Reading:
    """How one input is made: ``plain`` fields as they come, ``others`` as their type says; ``absent`` are None."""

    plain: Sequence[tuple[str, str]]
    others: Sequence[tuple[str, str, Any]]
    absent: Mapping[str, None]

    def __call__(self, cls: type[Any], given: Mapping[str, Any], context: InputContext) -> Any:
        """Return the input, as strawberry asks for it."""
        values: dict[str, Any] = dict(self.absent)
        for name, attribute in self.plain:
            if name in given:
                values[attribute] = given[name]
        for name, attribute, kind in self.others:
            if name in given:
                values[attribute] = context.convert(given[name], kind, name)
        return cls(**values)


def _reading(kind: GraphQLInputObjectType, definition: StrawberryObjectDefinition, types: Sequence[Any]) -> _Reading:
    fields = list(zip(kind.fields, definition.fields, types, strict=True))
    plain = {
        name for name, _, type in fields if is_leaf_type(get_nullable_type(kind.fields[name].type)) and not _is_id(type)
    }
    return _Reading(
        [(name, field.python_name) for name, field, _ in fields if name in plain],
        [(name, field.python_name, type) for name, field, type in fields if name not in plain],
        {field.python_name: None for _, field, _ in fields if _has_no_default(field)},
    )


def _is_id(type: Any) -> bool:
    return (type.of_type if isinstance(type, StrawberryOptional) else type) is GlobalID


def _has_no_default(field: StrawberryField) -> bool:
    return field.default_value is MISSING and field.default_factory is MISSING
