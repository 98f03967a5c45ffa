"""The parts of a statement that depend on what a client gives: which row, which page, which filter.

Python writes such a part anew for every request, since only Python knows what an argument means. The rest of the
statement is written once; a part of the same shape only brings other values to it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import FieldNode, GraphQLField, ListValueNode, ObjectValueNode, ValueNode, VariableNode
from graphql.execution import VariableValues
from sqlalchemy import BindParameter, FromClause, and_, bindparam, true
from sqlalchemy.sql.elements import ClauseElement, ColumnElement

from regulars.fields.declarations import Connected, Lookup
from regulars.fields.ids import row_id
from regulars.fields.policy import adapted
from regulars.fields.types import TypeRules
from regulars.graphql.executor.page_loading import ReaderOf, order_keys, query_mark
from regulars.graphql.executor.pagination import Key, PageRequest, seek
from regulars.graphql.planner.arguments import Arguments
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.schema.where import Filters, primary_key
from regulars.segments.service import named_segments

__all__ = ["Asked", "LookupPart", "NamedPart", "PagePart", "Part", "Written", "WrittenPage"]


@dataclass(frozen=True)
class Asked:
    """What one request brings: its variables, and who reads."""

    variables: VariableValues
    reader: ReaderOf


@dataclass(frozen=True)
class Written:
    """A part as one request has it: its SQL, its shape, and its values.

    Parts of equal ``shape`` have equal SQL but for the values of ``binds``, which then come in the same order.
    ``values`` are those of named parameters.
    """

    condition: ColumnElement[bool]
    shape: Hashable
    binds: Sequence[BindParameter[Any]]
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class WrittenPage(Written):
    """A page as one request has it; ``counted`` is the condition without its place in the order."""

    counted: ColumnElement[bool] = field(default_factory=true)
    keys: tuple[Key, ...] = ()
    page: PageRequest = field(default_factory=lambda: PageRequest.of({}))


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

    def write(self, asked: Asked) -> Written:
        """Return the condition of the row; raises what the arguments' author raises."""
        given = self.arguments.values(asked.variables)
        if self.declared.read is None:
            condition = self.declared.match(given)
            shape, binds = _shape_of(self.path, condition)
            return Written(condition, shape, binds)
        read = self.declared.read(given)
        names = frozenset(read)
        if names not in self.known:
            places: dict[str, Any] = {name: bindparam(f"{self.prefix}_{name}", required=True) for name in read}
            self.known[names] = self.declared.match(places)
        return Written(self.known[names], names, (), {f"{self.prefix}_{name}": value for name, value in read.items()})


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

    def write(self, asked: Asked) -> Written:
        """Return the condition of the row; raises ``InvalidInput`` for what is no id."""
        name = self.type_name(asked)
        if name is None:
            return Written(true(), None, ())
        condition = primary_key(self.nodes[name].source) == row_id(name, self._id(asked))
        shape, binds = _shape_of(self.path, condition)
        return Written(condition, (name, shape), binds)

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
    constant: list[WrittenPage] = field(default_factory=list)

    @cached_property
    def arguments(self) -> Arguments:
        """Return the arguments of the field."""
        return Arguments(self.definition, self.node)

    def write(self, asked: Asked) -> WrittenPage:
        """Return the page; raises what the executor raises for arguments that do not hold."""
        if self.constant:
            return self.constant[0]
        given = self.arguments.values(asked.variables)
        written = self._written(given, asked)
        if not _has_variables(self.node) and not any(True for _ in named_segments(given.get("where") or {})):
            self.constant.append(written)
        return written

    def _written(self, given: Mapping[str, Any], asked: Asked) -> WrittenPage:
        page = PageRequest.of(given)
        conditions = [self.filters.predicate(self.target, given.get("where") or {}, self.source, asked.reader)]
        if given.get("search") and self.declared.search is not None:
            conditions.append(adapted(self.declared.search(given["search"]), self.source))
        orders = given.get("orderBy") or ()
        keys = order_keys(self.filters, self.declared, self.target, orders, asked.reader, self.source)
        mark = query_mark(self.filters, self.target, given)
        counted = and_(true(), *conditions)
        condition = and_(counted, seek(page, keys, mark))
        shape, binds = _shape_of(self.path, condition, *(key.expression for key in keys))
        directions = tuple((key.is_descending, key.has_nulls_first, key.is_nullable) for key in keys)
        return WrittenPage(
            condition,
            (shape, directions, page.is_backward, page.after is None, page.before is None),
            binds,
            {f"{self.prefix}_size": page.size, f"{self.prefix}_fetched": page.size + 1, f"{self.prefix}_mark": mark},
            counted,
            keys,
            page,
        )


Part = LookupPart | NamedPart | PagePart


def _has_variables(node: FieldNode) -> bool:
    waiting: list[ValueNode] = [argument.value for argument in node.arguments or ()]
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
