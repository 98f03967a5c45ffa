"""Answer connections: a page of rows for each parent, one statement for all parents of a level."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, func, select
from sqlalchemy.sql.elements import ColumnElement

from regulars.errors import UnknownValue
from regulars.fields.context import RequestContext
from regulars.fields.declarations import Connected
from regulars.fields.policy import RowPolicy, adapted
from regulars.fields.types import TypeRules
from regulars.graphql.executor.loaders import loader_of
from regulars.graphql.executor.pagination import Key, Page, PageRequest, cursor_of, fingerprint, order_clauses, seek
from regulars.graphql.executor.plugin_calls import Execute, execution_for
from regulars.graphql.schema.composition import OwnedField, shape_of
from regulars.graphql.schema.stored_where import stored_where
from regulars.graphql.schema.where import Filters, Reader, attribute_of, primary_key
from regulars.segments.service import read_segments_behind

__all__ = ["Listing", "Paging", "ReaderOf", "order_keys", "query_mark"]

FieldResolver = Callable[..., Any]


@dataclass(slots=True)
class ReaderOf:
    """The reader of one request, with the segments that its filters name."""

    context: RequestContext
    segments: Mapping[UUID, Mapping[str, Any]]
    policy: RowPolicy

    def segment(self, id: UUID) -> Mapping[str, Any]:
        """Return the filter of a segment, read by today's schema.

        Raises ``SegmentOutdated`` where the filter uses what the schema does not have any more.
        """
        return stored_where(self.context.schema.graphql, self.segments[id], id)

    def require(self, permission: str) -> None:
        """Raise ``Forbidden`` unless the actor has the permission."""
        self.context.require(permission)


@dataclass
class Listing:
    """A page as the fields of a connection read it; the count is taken only when it is selected."""

    page: Page
    count: Callable[[], Awaitable[int]]
    nodes: Sequence[Any] = field(init=False)

    def __post_init__(self) -> None:
        self.nodes = self.page.rows

    @property
    def edges(self) -> "list[Cursored]":
        """Return the rows with their cursors."""
        return [Cursored(cursor, row) for cursor, row in zip(self.page.cursors, self.page.rows, strict=True)]

    @property
    def page_info(self) -> "Listing":
        """Return the page's own place."""
        return self

    @property
    def has_next_page(self) -> bool:
        """Tell whether more follows."""
        return self.page.has_next

    @property
    def has_previous_page(self) -> bool:
        """Tell whether something comes before."""
        return self.page.has_previous

    @property
    def start_cursor(self) -> str | None:
        """Return the first cursor."""
        return self.page.cursors[0] if self.page.cursors else None

    @property
    def end_cursor(self) -> str | None:
        """Return the last cursor."""
        return self.page.cursors[-1] if self.page.cursors else None

    @property
    def total_count(self) -> Awaitable[int]:
        """Count all items."""
        return self.count()


@dataclass(frozen=True)
class Cursored:
    """A row with its cursor."""

    cursor: str
    node: Any


@dataclass(frozen=True)
class Query:
    """What to list: the target, its fixed conditions, the client's own, the order, and how it is run."""

    target: type[Any]
    rules: TypeRules
    table: FromClause
    declared: Connected
    reader: ReaderOf
    conditions: tuple[ColumnElement[bool], ...]
    keys: tuple[Key, ...]
    mark: str
    execute: Execute


class Paging:
    """The connections of one schema."""

    def __init__(self, filters: Filters) -> None:
        self._filters = filters

    def connected(self, declared: Connected, home: TypeRules | None, owned: OwnedField) -> FieldResolver:
        """Return the resolver of pages of another type."""
        target, execute = shape_of(owned.field).of, execution_for(owned)

        async def resolve(source: Any, info: Any, **given: Any) -> Listing:
            context: RequestContext = info.context
            request = PageRequest.of(given)
            query = await self._query(declared, target, given, context, execute)
            if declared.key is None:
                return await self._all(context, query, request)
            shared = (id(declared), fingerprint(given, query.mark))
            assert home is not None
            value = getattr(source, attribute_of(primary_key(home.source)))
            pages = loader_of(
                context, (*shared, "page"), lambda context, ids: self._pages(context, query, request, ids)
            )
            counts = loader_of(context, (*shared, "count"), lambda context, ids: self._counts(context, query, ids))
            return Listing(await pages.load(value), lambda: counts.load(value))

        return resolve

    async def _query(
        self,
        declared: Connected,
        target: type[Any],
        given: Mapping[str, Any],
        context: RequestContext,
        execute: Execute,
    ) -> Query:
        rules = self._filters.composition.rules_of_class(target)
        table = rules.source
        where = given.get("where") or {}
        reader = ReaderOf(context, await read_segments_behind(context, where), context.policy)
        conditions = [context.policy.condition(rules, table), self._filters.predicate(target, where, table, reader)]
        if declared.where is not None:
            conditions.append(declared.where)
        if given.get("search") and declared.search is not None:
            conditions.append(declared.search(given["search"]))
        keys = order_keys(self._filters, declared, target, given.get("orderBy") or (), reader, table)
        mark = query_mark(self._filters, target, given)
        return Query(target, rules, table, declared, reader, tuple(conditions), keys, mark, execute)

    async def _all(self, context: RequestContext, query: Query, request: PageRequest) -> Listing:
        statement = (
            select(query.rules.rows, *(key.expression for key in query.keys))
            .where(*query.conditions, seek(request, query.keys, query.mark))
            .order_by(*order_clauses(query.keys, is_reversed=request.is_backward))
            .limit(request.size + 1)
        )
        rows = (await query.execute(context, statement)).all()

        async def count() -> int:
            counted = select(func.count()).select_from(query.table).where(*query.conditions)
            return int((await query.execute(context, counted)).scalar_one())

        return Listing(_page([(row[0], row[1:]) for row in rows], request, query.mark), count)

    async def _pages(
        self, context: RequestContext, query: Query, request: PageRequest, ids: Sequence[Any]
    ) -> Sequence[Page]:
        key = query.declared.key
        assert key is not None
        ordered = order_clauses(query.keys, is_reversed=request.is_backward)
        named = [each.expression.label(f"key_{number}") for number, each in enumerate(query.keys)]
        inner = (
            select(
                primary_key(query.table).label("row_key"),
                key.label("owner_key"),
                *named,
                func.row_number().over(partition_by=key, order_by=ordered).label("place"),
            )
            .where(key.in_(ids), *query.conditions, seek(request, query.keys, query.mark))
            .subquery()
        )
        statement = (
            select(query.rules.rows, inner)
            .join(inner, primary_key(query.table) == inner.c.row_key)
            .where(inner.c.place <= request.size + 1)
            .order_by(inner.c.owner_key, inner.c.place)
        )
        found: dict[Any, list[tuple[Any, Sequence[Any]]]] = defaultdict(list)
        for row in await query.execute(context, statement):
            found[row.owner_key].append((row[0], row[3:-1]))
        return [_page(found[each], request, query.mark) for each in ids]

    async def _counts(self, context: RequestContext, query: Query, ids: Sequence[Any]) -> Sequence[int]:
        key = query.declared.key
        assert key is not None
        statement = select(key, func.count()).where(key.in_(ids), *query.conditions).group_by(key)
        counts = {row[0]: row[1] for row in (await query.execute(context, statement)).all()}
        return [counts.get(each, 0) for each in ids]


def _page(rows: Sequence[tuple[Any, Sequence[Any]]], request: PageRequest, mark: str) -> Page:
    has_more = len(rows) > request.size
    kept = list(rows[: request.size])
    if request.is_backward:
        kept.reverse()
    has_next = request.before is not None if request.is_backward else has_more
    has_previous = has_more if request.is_backward else request.after is not None
    return Page([row for row, _ in kept], [cursor_of(mark, values) for _, values in kept], has_next, has_previous)


def query_mark(filters: Filters, target: type[Any], given: Mapping[str, Any]) -> str:
    """Return the mark of what a list was asked for; its cursors carry it."""
    return fingerprint(filters.name_of(target), given.get("where") or {}, given.get("orderBy"), given.get("search"))


def order_keys(
    filters: Filters,
    declared: Connected,
    target: type[Any],
    orders: Sequence[Mapping[str, Any]],
    reader: Reader,
    source: FromClause,
) -> tuple[Key, ...]:
    """Return the order of a list over ``source``, the target's table or an alias of it; the last key is the id.

    Raises ``UnknownValue`` for an order that the target does not have, ``Forbidden`` for one that the reader may not
    use.
    """
    known = filters.sort_keys(target)
    keys: list[Key] = []
    named: set[str] = set()
    for order in orders:
        name = getattr(order["field"], "value", order["field"])
        if name in named:
            continue  # what was sorted by once has no ties left
        named.add(name)
        if name not in known:
            raise UnknownValue("order", name, known, path=("orderBy",))
        reader.require(known[name].permission)
        nulls = getattr(order.get("nulls"), "value", order.get("nulls"))
        direction = getattr(order.get("direction"), "value", order.get("direction"))
        keys.append(_key(known[name].expression(source), direction == "DESC", nulls == "FIRST"))
    if not orders:
        keys = [_key(adapted(each.expression, source), each.is_descending, False) for each in declared.order_by]
    is_descending = bool(keys) and keys[-1].is_descending
    return (*keys, Key(primary_key(source), is_descending, is_nullable=False))


def _key(expression: ColumnElement[Any], is_descending: bool, has_nulls_first: bool) -> Key:
    return Key(expression, is_descending, has_nulls_first, bool(getattr(expression, "nullable", True)))
