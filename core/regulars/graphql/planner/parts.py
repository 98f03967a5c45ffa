"""The parts of a statement that depend on what a client gives: which row, which page, which filter.

Python writes such a part anew for every request, since only Python knows what an argument means. The rest of the
statement is written once; a part of the same shape only brings other values to it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from graphql import FieldNode, GraphQLField, ListValueNode, ObjectValueNode, ValueNode, VariableNode
from graphql.execution import VariableValues
from sqlalchemy import BindParameter, FromClause, and_, bindparam, true
from sqlalchemy.sql.elements import ClauseElement, ColumnElement
from sqlalchemy.types import TypeEngine

from regulars.fields.context import RequestContext
from regulars.fields.declarations import Connected, Lookup
from regulars.fields.ids import row_id
from regulars.fields.policy import RowPolicy, adapted
from regulars.fields.types import TypeRules
from regulars.graphql.executor.page_loading import ReaderOf, order_keys, query_mark
from regulars.graphql.executor.pagination import Key, PageRequest, Places, between, places_of
from regulars.graphql.planner.arguments import Arguments
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.schema.where import Filters, primary_key
from regulars.segments.service import named_segments

__all__ = ["Asked", "LookupPart", "NamedPart", "PagePart", "Part", "Written", "WrittenPage", "WrittenRow"]

PAGE_ARGUMENTS = frozenset({"first", "after", "last", "before"})
"""What tells a page of a list, but not what is listed."""


@dataclass(slots=True)
class Asked:
    """What one request brings: its variables, who reads, and the segments that its filters name."""

    variables: VariableValues
    context: RequestContext
    segments: Mapping[UUID, Mapping[str, Any]]

    @property
    def reader(self) -> ReaderOf:
        """Return whoever reads what filters name."""
        return ReaderOf(self.context, self.segments, RowPolicy.for_all_customers(self.context.actor))


@dataclass
class Written:
    """A part as one request has it: its shape, and its values.

    Parts of equal ``shape`` have equal SQL but for the values of ``binds``, which then come in the same order.
    ``values`` are those of named parameters.
    """

    shape: Hashable
    binds: Sequence[BindParameter[Any]] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class WrittenRow(Written):
    """Which row one request means."""

    condition: ColumnElement[bool] = field(default_factory=true)


@dataclass(frozen=True)
class Listed:
    """What a connection lists for one request, of which it shows a page; ``counted`` is the condition of all of it."""

    counted: ColumnElement[bool]
    keys: tuple[Key, ...]
    mark: str
    shape: Hashable
    binds: Sequence[BindParameter[Any]]

    @property
    def types(self) -> list[TypeEngine[Any]]:
        """Return the types of the order's keys."""
        return [key.expression.type for key in self.keys]


@dataclass
class WrittenPage(Written):
    """A page as one request has it; ``prefix`` begins the names of its parameters."""

    listed: Listed = field(kw_only=True)
    page: PageRequest = field(kw_only=True)
    places: Places = field(kw_only=True)
    prefix: str = field(kw_only=True)

    @property
    def condition(self) -> ColumnElement[bool]:
        """Return the condition of the page's rows and of those behind it, with parameters for what is no null."""
        places = {
            end: [
                None if value is None else bindparam(f"{self.prefix}_{end}_{number}", type_=kind, required=True)
                for number, (value, kind) in enumerate(zip(place, self.listed.types, strict=True))
            ]
            for end, place in self.places.items()
        }
        return and_(self.listed.counted, between(self.listed.keys, places))


@dataclass(frozen=True)
class LookupPart:
    """Which row a lookup means; ``prefix`` begins the names of its parameters."""

    path: str
    declared: Lookup
    definition: GraphQLField
    node: FieldNode
    prefix: str
    known: dict[frozenset[str], ColumnElement[bool]] = field(default_factory=dict)

    @cached_property
    def arguments(self) -> Arguments:
        """Return the arguments of the field."""
        return Arguments(self.definition, self.node)

    def write(self, asked: Asked) -> WrittenRow:
        """Return the condition of the row; raises what the arguments' author raises."""
        given = self.arguments.values(asked.variables)
        if self.declared.read is None:
            condition = self.declared.match(given)
            shape, binds = _shape_of(self.path, condition)
            return WrittenRow(shape, binds, condition=condition)
        read = self.declared.read(given)
        names = frozenset(read)
        if names not in self.known:
            places: dict[str, Any] = {name: bindparam(f"{self.prefix}_{name}", required=True) for name in read}
            self.known[names] = self.declared.match(places)
        values = {f"{self.prefix}_{name}": value for name, value in read.items()}
        return WrittenRow(names, (), values, self.known[names])


@dataclass(frozen=True)
class NamedPart:
    """Which row of which type a global id means; the type decides what can be selected."""

    path: str
    argument: str
    definition: GraphQLField
    node: FieldNode
    nodes: Mapping[str, TypeRules]

    @cached_property
    def arguments(self) -> Arguments:
        """Return the arguments of the field."""
        return Arguments(self.definition, self.node)

    def type_name(self, asked: Asked) -> str | None:
        """Return the type that the id names, None for one that has no ids."""
        name = self._id(asked).rpartition("_")[0]
        return name if name in self.nodes else None

    def write(self, asked: Asked) -> WrittenRow:
        """Return the condition of the row; raises ``InvalidInput`` for what is no id."""
        name = self.type_name(asked)
        if name is None:
            return WrittenRow(None)
        condition = primary_key(self.nodes[name].source) == row_id(name, self._id(asked))
        shape, binds = _shape_of(self.path, condition)
        return WrittenRow((name, shape), binds, condition=condition)

    def _id(self, asked: Asked) -> str:
        given = self.arguments.values(asked.variables)
        return str(given[self.argument])


@dataclass(frozen=True)
class PagePart:
    """Which page of which rows a connection means, over ``source``; ``prefix`` begins the names of its parameters."""

    path: str
    declared: Connected
    target: type[Any]
    definition: GraphQLField
    node: FieldNode
    source: FromClause
    filters: Filters
    prefix: str
    constant: list[Listed] = field(default_factory=list)
    written: list[WrittenPage] = field(default_factory=list)

    @cached_property
    def arguments(self) -> Arguments:
        """Return the arguments of the field."""
        return Arguments(self.definition, self.node)

    def write(self, asked: Asked) -> WrittenPage:
        """Return the page; raises what the executor raises for arguments that do not hold."""
        if self.written:
            return self.written[0]
        given = self.arguments.values(asked.variables)
        page = PageRequest.of(given)
        listed = self._listed(given, asked)
        places = places_of(page, listed.keys, listed.mark)
        nulls = tuple([(end, *[value is None for value in place]) for end, place in places.items()])
        values: dict[str, Any] = {"size": page.size, "fetched": page.size + 1, "mark": listed.mark}
        for end, place in places.items():
            values |= {f"{end}_{number}": value for number, value in enumerate(place)}
        named = {f"{self.prefix}_{name}": value for name, value in values.items()}
        shape = (listed.shape, page.is_backward, nulls)
        written = WrittenPage(shape, listed.binds, named, listed=listed, page=page, places=places, prefix=self.prefix)
        if self.constant and not _has_variables(self.node):
            self.written.append(written)
        return written

    def _listed(self, given: Mapping[str, Any], asked: Asked) -> Listed:
        if self.constant:
            return self.constant[0]
        conditions = [self.filters.predicate(self.target, given.get("where") or {}, self.source, asked.reader)]
        if given.get("search") and self.declared.search is not None:
            conditions.append(adapted(self.declared.search(given["search"]), self.source))
        orders = given.get("orderBy") or ()
        keys = order_keys(self.filters, self.declared, self.target, orders, asked.reader, self.source)
        counted = and_(true(), *conditions)
        shape, binds = _shape_of(self.path, counted, *(key.expression for key in keys))
        directions = tuple((key.is_descending, key.has_nulls_first, key.is_nullable) for key in keys)
        listed = Listed(counted, keys, query_mark(self.filters, self.target, given), (shape, directions), binds)
        if not _has_variables(self.node, PAGE_ARGUMENTS) and not any(
            True for _ in named_segments(given.get("where") or {})
        ):
            self.constant.append(listed)
        return listed


Part = LookupPart | NamedPart | PagePart


def _has_variables(node: FieldNode, besides: frozenset[str] = frozenset()) -> bool:
    """Tell whether arguments depend on variables, other than those ``besides``."""
    waiting: list[ValueNode] = [each.value for each in node.arguments or () if each.name.value not in besides]
    while waiting:
        value = waiting.pop()
        if isinstance(value, VariableNode):
            return True
        if isinstance(value, ListValueNode):
            waiting.extend(value.values)
        if isinstance(value, ObjectValueNode):
            waiting.extend(member.value for member in value.fields)
    return False


def _shape_of(path: str, *clauses: ClauseElement) -> tuple[Hashable, Sequence[BindParameter[Any]]]:
    # SQLAlchemy tells statements of equal text apart from others by the same key.
    shapes: list[Hashable] = []
    binds: list[BindParameter[Any]] = []
    for clause in clauses:
        key = clause._generate_cache_key()
        if key is None:
            raise NotPlanned(path, "is matched by SQL that SQLAlchemy cannot tell from other SQL")
        shapes.append(key.key)
        binds.extend(key.bindparams)
    lengths = tuple(len(bind.value or ()) for bind in binds if bind.expanding)
    return (*shapes, lengths), binds
