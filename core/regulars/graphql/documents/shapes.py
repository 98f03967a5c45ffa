"""The shape of one operation: its depth, aliases, repetitions and the terms of its price."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from graphql import (
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
)

from regulars.fields.prices import FieldPrice
from regulars.graphql.documents.pricing import ListLength, PageSize, Size, Term
from regulars.graphql.documents.sizes import Arguments, has_page_arguments, list_length, page_size

__all__ = ["PageRules", "Shape", "measure"]

_INTROSPECTION = frozenset({"__schema", "__type"})
_CATALOGUE_LISTS = frozenset({"types", "fields", "inputFields", "interfaces", "possibleTypes", "enumValues"})

_Sizes: TypeAlias = tuple[PageSize | ListLength, ...]


class PageRules(NamedTuple):
    """How many rows a page or list holds when nobody says, and how many may be asked for."""

    ordinary: int
    largest: int


@dataclass(slots=True)
class Shape:
    """What was counted in an operation, or in a fragment that none uses, with every fragment put in its places.

    ``depth`` counts fields, ``nesting`` also fragments; ``comparisons`` are the pairs that validation compares: fields
    with one response name, and fragments in one place. ``introspection_…`` is about what stands below ``__schema`` and
    ``__type``; ``introspection_lists`` is how often a list of types or of their parts stands inside another.
    """

    depth: int = 0
    nesting: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    comparisons: int = 0
    schema_reads: int = 0
    introspection_depth: int = 0
    introspection_lists: int = 0
    introspection_aliases: int = 0
    sizes: set[PageSize | ListLength] = field(default_factory=set)
    terms: list[Term] = field(default_factory=list)


def measure(
    schema: GraphQLSchema,
    definition: ExecutableDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    *,
    pages: PageRules | None,
) -> Shape:
    """Return the shape of a definition, with the terms of its price when ``pages`` are given.

    Walks the definition with every fragment put in its places, so its flattened size must have been found small and
    its fragments free of cycles. A field that the schema does not know has no price; validation refuses it.
    Raises ``PageSizeRefused`` and ``SizeUnknown``.
    """
    walk = _Walk(schema, definition, fragments, pages)
    walk.shape.directives += _directives(definition)
    walk.shape.directives += sum(_directives(variable) for variable in definition.variable_definitions or ())
    waiting = [_Place(definition.selection_set, _top_type(schema, definition), _Merged())]
    while waiting:
        waiting.extend(walk.enter(waiting.pop()))
    walk.shape.terms = [Term(sizes, amount.points, amount.nodes) for sizes, amount in walk.amounts.items()]
    return walk.shape


class _Merged:
    """What is selected at one path of the answer: fields by response name, and how many fragments."""

    __slots__ = ("fields", "fragments", "uses")

    def __init__(self) -> None:
        self.uses = 0
        self.fragments = 0
        self.fields: dict[str, _Merged] = {}

    def use(self, response_name: str) -> "_Merged":
        merged = self.fields.get(response_name)
        if merged is None:
            merged = self.fields[response_name] = _Merged()
        merged.uses += 1
        return merged


class _Place(NamedTuple):
    """Where a selection set stands: in which type, how deep, and how often it will come.

    ``catalogue`` counts the lists around a place in the introspection, ``None`` elsewhere. ``page`` is the size of the
    connection that the place is in.
    """

    selections: SelectionSetNode | None
    parent: GraphQLNamedType | None
    merged: _Merged
    depth: int = 0
    nesting: int = 1
    catalogue: int | None = None
    times: int = 1
    sizes: _Sizes = ()
    page: Size | None = None


class _Amount(NamedTuple):
    points: int = 0
    nodes: int = 0


class _Walk:
    """The walk through one definition, and what it has counted so far."""

    def __init__(
        self,
        schema: GraphQLSchema,
        definition: ExecutableDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        pages: PageRules | None,
    ) -> None:
        self.schema, self.fragments, self.pages = schema, fragments, pages
        self.variables = {node.variable.name.value: node for node in definition.variable_definitions or ()}
        self.shape = Shape()
        self.amounts: dict[_Sizes, _Amount] = {}

    def enter(self, place: _Place) -> list[_Place]:
        """Count what is selected in a place, and return the places inside it."""
        if place.selections is None:
            return []
        self.shape.nesting = max(self.shape.nesting, place.nesting)
        return [
            inner
            for node in place.selections.selections
            if (inner := self._enter_selection(place._replace(nesting=place.nesting + 1), node)) is not None
        ]

    def _enter_selection(self, place: _Place, node: SelectionNode) -> _Place | None:
        self.shape.directives += _directives(node)
        if isinstance(node, FieldNode):
            return self._enter_field(place, node)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            parent = place.parent if condition is None else self.schema.get_type(condition.name.value)
            return place._replace(selections=node.selection_set, parent=parent)
        if isinstance(node, FragmentSpreadNode):
            self.shape.comparisons += place.merged.fragments
            place.merged.fragments += 1
            fragment = self.fragments.get(node.name.value)
            if fragment is not None:
                self.shape.directives += _directives(fragment)
                parent = self.schema.get_type(fragment.type_condition.name.value)
                return place._replace(selections=fragment.selection_set, parent=parent)
        return None

    def _enter_field(self, place: _Place, node: FieldNode) -> _Place:
        name = node.name.value
        merged = place.merged.use(name if node.alias is None else node.alias.value)
        self.shape.comparisons += merged.uses - 1
        self.shape.aliases += node.alias is not None
        self.shape.root_fields += place.depth == 0
        inner = place._replace(selections=node.selection_set, parent=None, merged=merged, depth=place.depth + 1)
        if place.catalogue is not None or name in _INTROSPECTION:
            return self._enter_catalogue(inner, node)
        self.shape.depth = max(self.shape.depth, inner.depth)
        if isinstance(place.parent, GraphQLObjectType | GraphQLInterfaceType):
            definition = place.parent.fields.get(name)
            if definition is not None:
                return self._priced(inner._replace(parent=get_named_type(definition.type)), definition, node)
        return inner

    def _enter_catalogue(self, place: _Place, node: FieldNode) -> _Place:
        shape = self.shape
        shape.introspection_depth = max(shape.introspection_depth, place.depth)
        if place.catalogue is None:
            shape.schema_reads += node.name.value == "__schema"
            return place._replace(catalogue=0)
        lists = place.catalogue + (node.name.value in _CATALOGUE_LISTS)
        shape.introspection_lists = max(shape.introspection_lists, lists)
        shape.introspection_aliases += node.alias is not None
        return place._replace(catalogue=lists)

    def _priced(self, place: _Place, definition: GraphQLField, node: FieldNode) -> _Place:
        """Add the price of the field that was just entered, and return its place with how often that comes."""
        if self.pages is None:
            return place
        price: FieldPrice | None = definition.extensions.get("regulars")
        size = self._size(definition, price, node)
        if size is not None and not isinstance(size, int):
            self.shape.sizes.add(size)
        levels = _list_levels(definition)
        if levels:
            inside = next((known for known in (size, place.page) if known is not None), self.pages.ordinary)
            place = _multiplied(place, inside, self.pages.ordinary ** (levels - 1))
        is_connection = size is not None and not levels
        is_object = is_composite_type(place.parent)
        points = int(is_object) if price is None else price.cost
        amount = self.amounts.get(place.sizes, _Amount())
        self.amounts[place.sizes] = _Amount(
            amount.points + place.times * points, amount.nodes + place.times * (is_object and not is_connection)
        )
        return place._replace(page=size if is_connection else None)

    def _size(self, definition: GraphQLField, price: FieldPrice | None, node: FieldNode) -> Size | None:
        """Return how many rows the field asks for, ``None`` when nothing about the field itself says so."""
        assert self.pages is not None
        given = Arguments({argument.name.value: argument.value for argument in node.arguments or ()}, self.variables)
        if price is None:
            is_sized = has_page_arguments(definition)
        elif price.counted_argument is not None:
            return list_length(price.counted_argument, definition, given)
        elif price.assumed_size is not None:
            return price.assumed_size
        else:
            is_sized = price.sized
        if not is_sized:
            return None
        return page_size(definition, given, ordinary=self.pages.ordinary, largest=self.pages.largest)


def _top_type(schema: GraphQLSchema, definition: ExecutableDefinitionNode) -> GraphQLNamedType | None:
    if isinstance(definition, OperationDefinitionNode):
        return schema.get_root_type(definition.operation)
    if isinstance(definition, FragmentDefinitionNode):
        return schema.get_type(definition.type_condition.name.value)
    return None


def _directives(node: object) -> int:
    return len(getattr(node, "directives", None) or ())


def _list_levels(definition: GraphQLField) -> int:
    """Return how many lists stand inside one another in the type of a field."""
    levels = 0
    kind = get_nullable_type(definition.type)
    while isinstance(kind, GraphQLList):
        levels += 1
        kind = get_nullable_type(kind.of_type)
    return levels


def _multiplied(place: _Place, size: Size, others: int) -> _Place:
    if isinstance(size, int):
        return place._replace(times=place.times * size * others)
    return place._replace(sizes=(*place.sizes, size), times=place.times * others)
