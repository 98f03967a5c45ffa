"""How many rows a field asks for, as its arguments say."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    get_nullable_type,
)

from regulars.graphql.documents.pricing import ListLength, PageSize, Reading, Size, page_size_within
from regulars.graphql.documents.refusals import SizeUnknown

__all__ = ["Arguments", "has_page_arguments", "list_length", "page_size"]

_PAGE_ARGUMENTS = ("first", "last")


class Arguments(NamedTuple):
    """What a field was given: its values by name, and the variables that the operation defines."""

    values: Mapping[str, ValueNode]
    variables: Mapping[str, VariableDefinitionNode]


class _Slot(NamedTuple):
    """A place for ``first`` or ``last``: an argument, or a field of the object that the argument takes."""

    argument: str
    definition: GraphQLArgument
    key: str | None
    key_definition: GraphQLInputField | None

    @property
    def label(self) -> str:
        return self.argument if self.key is None else f"{self.argument}.{self.key}"


def has_page_arguments(field: GraphQLField) -> bool:
    """Return whether the field takes ``first`` or ``last``, by itself or inside an input object."""
    return any(True for _ in _slots(field))


def page_size(field: GraphQLField, given: Arguments, *, ordinary: int, largest: int) -> Size:
    """Return the page size that ``first`` or ``last`` asks for, ``ordinary`` rows when neither is given.

    Raises ``PageSizeRefused`` and ``SizeUnknown`` when the document alone shows that it is wrong.
    """
    known: int | None = None
    readings: list[Reading] = []
    for slot in _slots(field):
        supplied = _supplied(slot, given)
        if isinstance(supplied, Reading):
            readings.append(supplied)
            continue
        size = page_size_within(supplied, argument=slot.label, largest=largest)
        if size is not None:
            known = max(size, known or size)
    if readings:
        return PageSize(known, tuple(readings), ordinary, largest)
    return ordinary if known is None else known


def list_length(argument: str, field: GraphQLField, given: Arguments) -> Size:
    """Return the length of the list in the named argument."""
    definition = field.args.get(argument)
    if definition is None:
        raise SizeUnknown(argument, expected="a list")
    supplied = _supplied(_Slot(argument, definition, None, None), given)
    if isinstance(supplied, Reading):
        return ListLength(supplied)
    if supplied is None:
        return 0
    return len(supplied) if isinstance(supplied, tuple) else 1


def _slots(field: GraphQLField) -> Iterator[_Slot]:
    for name, argument in field.args.items():
        kind = get_nullable_type(argument.type)
        if name in _PAGE_ARGUMENTS and kind is GraphQLInt:
            yield _Slot(name, argument, None, None)
        elif isinstance(kind, GraphQLInputObjectType):
            for key in _PAGE_ARGUMENTS:
                inner = kind.fields.get(key)
                if inner is not None and get_nullable_type(inner.type) is GraphQLInt:
                    yield _Slot(name, argument, key, inner)


def _supplied(slot: _Slot, given: Arguments) -> object:
    """Return the constant that stands in the slot, ``None`` for none, or the reading of a variable."""
    node = given.values.get(slot.argument)
    if node is None:
        return _under(_default(slot.definition), slot.key)
    if isinstance(node, VariableNode):
        return _reading(slot, node, given, slot.key)
    if slot.key is None:
        return _constant(node)
    if not isinstance(node, ObjectValueNode):
        return None
    inner = next((field.value for field in node.fields if field.name.value == slot.key), None)
    if isinstance(inner, VariableNode):
        return _reading(slot, inner, given, None)
    return _default(slot.key_definition) if inner is None else _constant(inner)


def _reading(slot: _Slot, node: VariableNode, given: Arguments, key: str | None) -> Reading:
    definition = given.variables.get(node.name.value)
    if definition is None:
        raise SizeUnknown(slot.label, expected=f"a value; ${node.name.value} is not defined")
    if definition.default_value is not None:
        without = _under(_constant(definition.default_value), key)
    elif key is None and slot.key is not None:
        without = _default(slot.key_definition)
    else:
        without = _under(_default(slot.definition), key)
    return Reading(slot.label, node.name.value, without, key, _default(slot.key_definition) if key else None)


def _default(definition: GraphQLArgument | GraphQLInputField | None) -> object:
    """Return the default that the schema declares, as a constant."""
    if definition is None:
        return None
    declared = definition.default
    if declared is not None and declared.literal is not None:
        return _constant(declared.literal)
    value = definition.default_value if declared is None else declared.value
    if isinstance(value, list):
        return tuple(value)
    return value if isinstance(value, int | Mapping) else None


def _constant(node: ValueNode) -> object:
    """Return what a literal means for a size: a whole number, ``None``, a tuple, or keys; else the kind of literal."""
    if isinstance(node, IntValueNode):
        return int(node.value)
    if isinstance(node, NullValueNode):
        return None
    if isinstance(node, ListValueNode):
        return tuple(value.kind for value in node.values)
    if isinstance(node, ObjectValueNode):
        return {field.name.value: _constant(field.value) for field in node.fields}
    return node.kind


def _under(value: object, key: str | None) -> object:
    if key is None:
        return value
    return value.get(key) if isinstance(value, Mapping) else None
