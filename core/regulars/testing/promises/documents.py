"""Write GraphQL documents that ask for one field of a schema, wherever it stands and whatever it needs."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)

__all__ = ["Place", "field_text", "filter_probes", "order_names", "type_places"]

DEEPEST = 3
NESTED = 2
LOGIC = ("AND", "OR", "NOT")
LITERALS = {
    "ID": f'"{UUID(int=7)}"',
    "UUID": f'"{UUID(int=7)}"',
    "String": '"x"',
    "Int": "1",
    "Float": "1.0",
    "Boolean": "true",
    "Decimal": '"1.00"',
    "DateTime": '"2026-03-01T00:00:00.000000Z"',
    "JSON": "{}",
}


@dataclass(frozen=True)
class Place:
    """The fields that lead from ``Query`` to a type, each with how it is written."""

    steps: tuple[tuple[str, str], ...] = ()

    def document(self, selection: str) -> str:
        """Return a query that selects this in the type."""
        text = selection
        for _, written in reversed(self.steps):
            text = f"{written} {{ {text} }}"
        return f"{{ {text} }}"

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the fields on the way."""
        return tuple(name for name, _ in self.steps)


def type_places(schema: GraphQLSchema, *, first: int) -> dict[str, Place]:
    """Return a shortest way from ``Query`` to each object type that can be reached without naming a row.

    The first list on the way holds ``first`` items, those inside it no more than two.
    """
    assert schema.query_type is not None
    places = {schema.query_type.name: Place()}
    waiting: list[GraphQLObjectType] = [schema.query_type]
    while waiting:
        kind = waiting.pop(0)
        width = min(first, NESTED) if places[kind.name].steps else first
        for name, field in kind.fields.items():
            target = get_named_type(field.type)
            is_plain = not field.args or "first" in field.args
            if not isinstance(target, GraphQLObjectType) or target.name in places or not is_plain:
                continue
            places[target.name] = Place((*places[kind.name].steps, (name, _with_arguments(name, field, width))))
            waiting.append(target)
    return places


def field_text(name: str, field: GraphQLField, *, first: int = 1) -> str:
    """Return the field as a selection: with what it needs as arguments, and with all that is simple below it."""
    below = _below(get_named_type(field.type), DEEPEST)
    return f"{_with_arguments(name, field, first)}{below}"


def _below(kind: GraphQLNamedType, depth: int) -> str:
    if not isinstance(kind, GraphQLObjectType):
        return " { __typename }" if is_composite_type(kind) else ""
    selected = ["__typename"]
    for name, field in kind.fields.items():
        target = get_named_type(field.type)
        if _needs_arguments(field):
            continue
        if is_leaf_type(target):
            selected.append(name)
        elif depth > 1 and name in ("nodes", "errors", "amount", "value"):
            selected.append(f"{name}{_below(target, depth - 1)}")
        elif depth > 1 and isinstance(target, GraphQLObjectType) and _is_flat(target):
            selected.append(f"{name}{_below(target, 1)}")
    return f" {{ {' '.join(selected)} }}"


def _is_flat(kind: GraphQLObjectType) -> bool:
    return all(is_leaf_type(get_named_type(field.type)) for field in kind.fields.values())


def _needs_arguments(field: GraphQLField) -> bool:
    return any(is_required_argument(argument) for argument in field.args.values())


def _with_arguments(name: str, field: GraphQLField, first: int) -> str:
    given = [
        f"{key}: {_literal(argument.type)}" for key, argument in field.args.items() if is_required_argument(argument)
    ]
    if "first" in field.args:
        given.append(f"first: {first}")
    return f"{name}({', '.join(given)})" if given else name


def _literal(kind: GraphQLInputType) -> str:
    plain = get_nullable_type(kind)
    if isinstance(plain, GraphQLList):
        return f"[{_literal(plain.of_type)}]"
    if isinstance(plain, GraphQLEnumType):
        return str(next(iter(plain.values)))
    if isinstance(plain, GraphQLInputObjectType):
        needed = (
            f"{name}: {_literal(field.type)}" for name, field in plain.fields.items() if is_required_input_field(field)
        )
        return f"{{{', '.join(needed)}}}"
    assert not isinstance(plain, GraphQLNonNull)
    return LITERALS.get(plain.name, '"x"')


def filter_probes(field: GraphQLField, without: GraphQLField) -> list[str]:
    """Return every condition that ``where`` of a connection offers and did not offer ``without`` the plugin."""
    where, before = field.args.get("where"), without.args.get("where")
    if where is None:
        return []
    return [f"{{{text}}}" for text in _new_conditions(where, before, DEEPEST)]


def _new_conditions(
    found: GraphQLArgument | GraphQLInputField, before: GraphQLArgument | GraphQLInputField | None, depth: int
) -> Iterator[str]:
    kind = get_named_type(found.type)
    known = get_named_type(before.type) if before is not None else None
    if not isinstance(kind, GraphQLInputObjectType) or depth == 0:
        return
    old = known.fields if isinstance(known, GraphQLInputObjectType) else {}
    for name, field in kind.fields.items():
        target = get_named_type(field.type)
        if name in LOGIC or (name in old and _words(target) == _words(get_named_type(old[name].type))):
            continue
        if isinstance(target, GraphQLInputObjectType) and "isNull" in target.fields:
            yield f"{name}: {{isNull: true}}"
        else:
            yield from (f"{name}: {{{text}}}" for text in _new_conditions(field, old.get(name), depth - 1))


def _words(kind: GraphQLNamedType) -> set[str]:
    return set(kind.fields) if isinstance(kind, GraphQLInputObjectType) else set()


def order_names(field: GraphQLField) -> set[str]:
    """Return the names by which a connection can be sorted."""
    order = field.args.get("orderBy")
    kind = get_named_type(order.type) if order is not None else None
    if not isinstance(kind, GraphQLInputObjectType):
        return set()
    names = get_named_type(kind.fields["field"].type)
    return set(names.values) if isinstance(names, GraphQLEnumType) else set()
