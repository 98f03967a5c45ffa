"""Write rows of other tables in SQL: the one that a lookup or an id means, and those that hang on a row."""

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLObjectType
from sqlalchemy import BinaryExpression, BindParameter, FromClause, ScalarSelect, func, literal_column, select
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ColumnElement

from regulars.fields.declarations import Lookup, Named, Related
from regulars.fields.policy import adapted
from regulars.graphql.planner.json_sql import SQL, null
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.planner.parts import LookupPart, NamedPart
from regulars.graphql.planner.selected import Chosen, Selects, object_of
from regulars.graphql.schema.composition import shape_of
from regulars.graphql.schema.where import primary_key

__all__ = ["looked_up", "named", "related"]


def looked_up(selects: Selects, declared: Lookup, chosen: Chosen) -> SQL:
    """Return the JSON of the one row that matches the arguments, null where none or several do."""
    draft, rules = selects.draft, selects.rules(shape_of(chosen.owned.field).of)
    prefix = f"regulars_{draft.next_source()}"
    written = draft.row(
        LookupPart(chosen.owned.path, declared, chosen.definition, chosen.details[0].node, prefix),
    )
    kind, inside = object_of(chosen.definition), chosen.inside()
    conditions = [written.condition, *selects.visible(rules, rules.source, None)]
    if _means_one(written.condition, rules.source):
        row = selects.row(kind, chosen.details, rules.source, inside)
        found = select(row).select_from(rules.source).where(*conditions)
    else:
        counted = select(*rules.source.c, func.count().over().label("regulars_found")).where(*conditions).limit(2)
        rows = counted.subquery(draft.next_source())
        row = selects.row(kind, chosen.details, rows, inside)
        found = select(row).where(rows.c.regulars_found == literal_column("1"))
    return selects.json.nested(found.scalar_subquery())


def named(selects: Selects, declared: Named, chosen: Chosen) -> SQL:
    """Return the JSON of the row that a global id means, of whichever type that is."""
    schema, draft = selects.schema, selects.draft
    part = NamedPart(chosen.owned.path, declared.argument, chosen.definition, chosen.details[0].node, schema.nodes)
    written, name = draft.row(part), part.type_name(draft.asked)
    rules = None if name is None else schema.nodes[name]
    if name is None or rules is None or not selects.may(rules.permission):
        return null()
    kind = schema.graphql.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    row = selects.row(kind, chosen.details, rules.source, chosen.inside())
    found = select(row).select_from(rules.source)
    found = found.where(written.condition, *selects.visible(rules, rules.source, None))
    return selects.json.nested(found.scalar_subquery())


def related(selects: Selects, declared: Related, chosen: Chosen, source: FromClause) -> SQL:
    """Return the JSON of the row or the rows that hang on a row of ``source``."""
    shape = shape_of(chosen.owned.field)
    rules = selects.rules(shape.of)
    other = rules.source.alias(selects.draft.next_source())
    refers_here = declared.key.table is rules.source
    if refers_here:
        joined = adapted(declared.key, other) == primary_key(source)
    else:
        joined = primary_key(other) == adapted(declared.key, source)
    conditions = [joined, *selects.visible(rules, other, declared.where)]
    order = _order(declared, other)
    if shape.is_many:
        return selects.json.nested(_rows(selects, chosen, other, conditions, order, source))
    if chosen.is_non_null:
        raise NotPlanned(chosen.owned.path, "may not be null, which no foreign key guarantees for rows that are hidden")
    row = selects.row(object_of(chosen.definition), chosen.details, other, chosen.inside())
    query = select(row).select_from(other).where(*conditions)
    if refers_here and not _is_unique(declared.key):
        query = query.order_by(*order).limit(1)
    return selects.json.nested(query.correlate(source).scalar_subquery())


def _order(declared: Related, other: FromClause) -> list[SQL]:
    order: list[SQL] = []
    for ordering in declared.order_by:
        expression = adapted(ordering.expression, other)
        order.append(expression.desc() if ordering.is_descending else expression.asc())
    return [*order, *other.primary_key]


def _rows(
    selects: Selects,
    chosen: Chosen,
    other: FromClause,
    conditions: Sequence[SQL],
    order: Sequence[SQL],
    source: FromClause,
) -> SQL:
    json, kind, inside = selects.json, object_of(chosen.definition), chosen.inside(is_list=True)
    if json.orders_lists:
        items = json.list(selects.row(kind, chosen.details, other, inside), order_by=order)
        return select(items).select_from(other).where(*conditions).correlate(source).scalar_subquery()
    sorted_ = select(*other.c).where(*conditions).order_by(*order).correlate(source)
    rows = sorted_.subquery(selects.draft.next_source())
    items = json.list(selects.row(kind, chosen.details, rows, inside), order_by=())
    return select(items).select_from(rows).scalar_subquery()


def _is_unique(key: ColumnElement[Any]) -> bool:
    return bool(getattr(key, "primary_key", False) and len(key.table.primary_key) == 1) or bool(
        getattr(key, "unique", False)
    )


def _means_one(condition: ColumnElement[bool], source: FromClause) -> bool:
    """Tell whether a condition names a row by its key, so that no other can match."""
    if not isinstance(condition, BinaryExpression) or condition.operator is not operators.eq:
        return False
    is_key = len(list(source.primary_key)) == 1 and primary_key(source).shares_lineage(condition.left)
    return is_key and isinstance(condition.right, BindParameter | ScalarSelect)
