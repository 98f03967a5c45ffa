"""Write a connection in SQL: a page of rows, its cursors, what lies around it, and how many there are in all."""

from dataclasses import dataclass, field
from typing import Any

from graphql import GraphQLObjectType
from sqlalchemy import (
    ColumnClause,
    FromClause,
    Integer,
    Select,
    String,
    Subquery,
    bindparam,
    case,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.visitors import iterate

from regulars.fields.declarations import Connected
from regulars.fields.kinds import kind_of
from regulars.fields.policy import adapted
from regulars.graphql.executor.pagination import PAGE_LIMIT, Key, order_clauses
from regulars.graphql.planner.drafts import Place, Step
from regulars.graphql.planner.json_sql import SQL, text
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.planner.parts import PagePart, WrittenPage
from regulars.graphql.planner.selected import TYPENAME, Chosen, Details, Selects, object_of
from regulars.graphql.schema.composition import shape_of
from regulars.graphql.schema.where import primary_key

__all__ = ["connection"]

OWN = "regulars_"
"""What the columns are called that a page adds to those of its rows."""


def connection(selects: Selects, declared: Connected, chosen: Chosen, parent: FromClause | None) -> SQL:
    """Return the JSON of a connection; ``parent`` are the rows that it belongs to, None for a list of all."""
    draft, owned = selects.draft, chosen.owned
    target = shape_of(owned.field).of
    rules = selects.rules(target)
    rows = rules.source.alias(draft.next_source())
    prefix = f"regulars_{draft.next_source()}"
    filters, node = selects.schema.filters, chosen.details[0].node
    written = draft.page(PagePart(owned.path, declared, target, chosen.definition, node, rows, filters, prefix))
    conditions = selects.visible(rules, rows, declared.where)
    if parent is not None and declared.key is not None:
        conditions.append(adapted(declared.key, rows) == primary_key(parent))
    page = _Page(selects, owned.path, rows, conditions, parent, written, prefix)
    return page.write(object_of(chosen.definition), chosen.details, chosen.inside())


@dataclass
class _Page:
    selects: Selects
    path: str
    rows: FromClause
    conditions: list[SQL]
    parent: FromClause | None
    written: WrittenPage
    prefix: str
    is_read: bool = False
    _levels: list[Subquery] = field(default_factory=list)

    def write(self, kind: GraphQLObjectType, details: Details, place: Place) -> SQL:
        json = self.selects.json
        self.shown = self._shown(needs_place=self._needs_place(kind, details))
        members = []
        for key, inner in self.selects.subfields(kind, details).items():
            inside = (*place, Step(key, is_list=True))
            name = inner[0].node.name.value
            if name == TYPENAME:
                members.append((key, json.plain(text(kind.name))))
            elif name == "nodes":
                node = object_of(kind.fields[name])
                members.append((key, self._list(self.selects.row(node, inner, self.shown, inside))))
            elif name == "edges":
                members.append((key, self._list(self._edge(object_of(kind.fields[name]), inner, inside))))
            elif name == "pageInfo":
                members.append((key, self._page_info(object_of(kind.fields[name]), inner)))
            else:
                members.append((key, self._count()))
        query = select(json.object(members))
        if self.is_read:
            query = query.select_from(self.shown)
            self._leave_out_what_nobody_reads(query)
        return json.nested(query.scalar_subquery())

    def _leave_out_what_nobody_reads(self, query: Select[Any]) -> None:
        # The database would carry every column of each row from one sub-select to the next.
        read = {each.key for each in iterate(query) if isinstance(each, ColumnClause) and each.table is self.shown}
        for level in self._levels:
            inner: Any = level.element
            kept = [column for column in inner.selected_columns if column.key in read or column.key.startswith(OWN)]
            level.element = inner.with_only_columns(*kept)

    def _needs_place(self, kind: GraphQLObjectType, details: Details) -> bool:
        return any(inner[0].node.name.value == "pageInfo" for inner in self.selects.subfields(kind, details).values())

    def _number(self, name: str) -> SQL:
        return bindparam(f"{self.prefix}_{name}", type_=Integer(), required=True)

    def _shown(self, *, needs_place: bool) -> FromClause:
        """Return the rows of the page, in the order of the answer where the database cannot sort while it lists.

        They carry the keys of the order, and, if needed, each one's place and how many were found.
        """
        keys, page = self.written.listed.keys, self.written.page
        named = [key.expression.label(f"regulars_key_{number}") for number, key in enumerate(keys)]
        found = (
            select(*self.rows.c, *named)
            .where(*self.conditions, self.written.condition)
            .order_by(*order_clauses(keys, is_reversed=page.is_backward))
        )
        if self.parent is not None:
            found = found.correlate(self.parent)
        if self.selects.json.is_planned_ahead:
            # A plan that is made before the size is known must know that it is small.
            most = self._level(found.limit(literal_column(str(PAGE_LIMIT + 1))))
            found = select(*most.c).order_by(*order_clauses(self._keys(most), is_reversed=page.is_backward))
        found = found.limit(self._number("fetched" if needs_place else "size"))
        shown = self._level(found)
        if needs_place:
            numbered = func.row_number().over(order_by=order_clauses(self._keys(shown), is_reversed=page.is_backward))
            placed = select(*shown.c, numbered.label("regulars_place"), func.count().over().label("regulars_found"))
            shown = self._level(placed)
        if not self.selects.json.orders_lists and (needs_place or page.is_backward):
            shown = self._level(select(*shown.c).order_by(*order_clauses(self._keys(shown), is_reversed=False)))
        self.is_placed = needs_place
        return shown

    def _level(self, query: Select[Any]) -> Subquery:
        level = query.subquery(self.selects.draft.next_source())
        self._levels.append(level)
        return level

    def _keys(self, shown: FromClause) -> list[Key]:
        return [
            Key(shown.c[f"regulars_key_{number}"], key.is_descending, key.has_nulls_first, key.is_nullable)
            for number, key in enumerate(self.written.listed.keys)
        ]

    def _list(self, items: SQL) -> SQL:
        self.is_read = True
        only = self.shown.c.regulars_place <= self._number("size") if self.is_placed else None
        order = order_clauses(self._keys(self.shown), is_reversed=False)
        return self.selects.json.list(items, order_by=order, only=only)

    def _edge(self, kind: GraphQLObjectType, details: Details, place: Place) -> SQL:
        json, members = self.selects.json, []
        for key, inner in self.selects.subfields(kind, details).items():
            name = inner[0].node.name.value
            if name == TYPENAME:
                members.append((key, json.plain(text(kind.name))))
            elif name == "cursor":
                members.append((key, json.plain(self._cursor())))
            else:
                node = object_of(kind.fields[name])
                members.append((key, self.selects.row(node, inner, self.shown, (*place, Step(key)))))
        return json.object(members)

    def _cursor(self) -> SQL:
        json = self.selects.json
        pieces: list[SQL] = [bindparam(f"{self.prefix}_mark", type_=String(), required=True)]
        for key, shown in zip(self.written.listed.keys, self._keys(self.shown), strict=True):
            sort = kind_of(key.expression.type)
            if sort is None or sort == "json":
                raise NotPlanned(self.path, "is sorted by values whose cursors SQL cannot write")
            pieces += [text("_"), json.token(shown.expression, sort)]
        return json.concatenated(pieces)

    def _page_info(self, kind: GraphQLObjectType, details: Details) -> SQL:
        members = []
        for key, inner in self.selects.subfields(kind, details).items():
            members.append((key, self._about_page(kind, inner[0].node.name.value)))
        return self.selects.json.object(members)

    def _about_page(self, kind: GraphQLObjectType, name: str) -> SQL:
        page, json = self.written.page, self.selects.json
        if name == TYPENAME:
            return json.plain(text(kind.name))
        if name == "hasNextPage":
            return json.constant(page.before is not None) if page.is_backward else self._has_more()
        if name == "hasPreviousPage":
            return self._has_more() if page.is_backward else json.constant(page.after is not None)
        self.is_read = True
        size, found = self._number("size"), self.shown.c.regulars_found
        last = case((found < size, found), else_=size)
        # Backwards, the first row that was found is the last of the page.
        is_first_found = (name == "startCursor") != page.is_backward
        place = self.shown.c.regulars_place
        return json.plain(func.max(case((place == (1 if is_first_found else last), self._cursor())), type_=String()))

    def _has_more(self) -> SQL:
        self.is_read = True
        return self.selects.json.leaf(func.count() > self._number("size"), "boolean")

    def _count(self) -> SQL:
        counted = (
            select(self.selects.json.leaf(func.count(), "large"))
            .select_from(self.rows)
            .where(*self.conditions, self.written.listed.counted)
        )
        if self.parent is not None:
            counted = counted.correlate(self.parent)
        return counted.scalar_subquery()
