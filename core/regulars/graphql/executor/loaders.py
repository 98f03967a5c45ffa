"""Answer declared fields through generated loaders: one statement for all parents of a level."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import FromClause, and_, select, tuple_
from sqlalchemy.sql.elements import ColumnElement
from strawberry.dataloader import DataLoader

from regulars.fields.context import RequestContext
from regulars.fields.declarations import Column, Lookup, Ordering, Related
from regulars.fields.ids import global_id
from regulars.fields.types import TypeRules
from regulars.fields.values import Money
from regulars.graphql.executor.plugin_calls import Execute, execution_for
from regulars.graphql.schema.composition import OwnedField, shape_of
from regulars.graphql.schema.where import Filters, attribute_of, primary_key
from regulars.tables import JsonColumn

__all__ = ["Loading", "lies_in_row", "loader_of"]

FieldResolver = Callable[..., Any]


class Loading:
    """The loaders of one schema."""

    def __init__(self, filters: Filters) -> None:
        self._filters = filters

    def column(self, declared: Column, rules: TypeRules, owned: OwnedField) -> FieldResolver:
        """Return the resolver of a column; an expression is loaded once for all rows of the request's tick."""
        table = rules.source
        execute = execution_for(owned)
        read = self._reader_of(declared.expression, table, execute)
        if declared.is_global_id:
            return lambda source, info: global_id(owned.type_name, read(source, info))
        if declared.currency is None:
            return read
        read_currency = self._reader_of(declared.currency, table, execute)

        async def money(source: Any, info: Any) -> Money | None:
            amount, currency = read(source, info), read_currency(source, info)
            amount = await amount if isinstance(amount, Awaitable) else amount
            currency = await currency if isinstance(currency, Awaitable) else currency
            return None if amount is None or currency is None else Money(amount=amount, currency=currency)

        return money

    def _reader_of(self, expression: ColumnElement[Any], table: FromClause, execute: Execute) -> FieldResolver:
        if _lies_in(table, expression):
            name = attribute_of(expression)
            return lambda source, info: getattr(source, name)
        identity = list(table.primary_key)
        names = [attribute_of(column) for column in identity]

        async def load(context: RequestContext, ids: Sequence[Any]) -> Sequence[Any]:
            statement = select(*identity, expression).where(tuple_(*identity).in_(ids))
            values = {tuple(row[:-1]): row[-1] for row in (await execute(context, statement)).all()}
            return [values.get(each) for each in ids]

        def resolve(source: Any, info: Any) -> Any:
            loader = loader_of(info.context, (id(expression),), load)
            return loader.load(tuple(getattr(source, name) for name in names))

        return resolve

    def related(self, declared: Related, home: TypeRules, owned: OwnedField) -> FieldResolver:
        """Return the resolver of a relation: the row or the rows of another table."""
        target, is_many = shape_of(owned.field).of, shape_of(owned.field).is_many
        execute = execution_for(owned)
        rules = self._filters.composition.rules_of_class(target)
        table = rules.source
        refers_here = declared.key.table is table
        key = declared.key if refers_here else primary_key(table)
        local = attribute_of(primary_key(home.source) if refers_here else declared.key)

        async def load(context: RequestContext, ids: Sequence[Any]) -> Sequence[Any]:
            statement = select(rules.rows, key.label("owner_key")).where(
                key.in_(ids), context.policy.condition(rules, table)
            )
            if declared.where is not None:
                statement = statement.where(declared.where)
            ordered = [_clause(ordering) for ordering in declared.order_by]
            found: dict[Any, list[Any]] = defaultdict(list)
            rows = await execute(context, statement.order_by(*ordered, *table.primary_key))
            for row, owner_key in rows.all():
                found[owner_key].append(row)
            return [found[each] if is_many else next(iter(found[each]), None) for each in ids]

        def resolve(source: Any, info: Any) -> Any:
            value = getattr(source, local)
            if value is None:
                return [] if is_many else None
            return loader_of(info.context, (id(declared),), load).load(value)

        return resolve

    def lookup(self, declared: Lookup, owned: OwnedField) -> FieldResolver:
        """Return the resolver of the one row that matches the arguments."""
        target, execute = shape_of(owned.field).of, execution_for(owned)
        rules = self._filters.composition.rules_of_class(target)

        async def resolve(_source: Any, info: Any, **given: Any) -> Any:
            context: RequestContext = info.context
            condition = and_(declared.condition(given), context.policy.condition(rules, rules.source))
            found = await execute(context, select(rules.rows).where(condition).limit(2))
            rows = found.scalars().all()
            return rows[0] if len(rows) == 1 else None

        return resolve


def lies_in_row(declared: object, rules: TypeRules | None) -> bool:
    """Tell whether a field is a column of which every row carries the value, and shows it as it was given.

    A document is not: PostgreSQL writes its numbers in another way.
    """
    if rules is None or rules.table is None or not isinstance(declared, Column):
        return False
    expressions = [declared.expression, *([] if declared.currency is None else [declared.currency])]
    return all(_lies_in(rules.source, each) and not isinstance(each.type, JsonColumn) for each in expressions)


def _lies_in(table: FromClause, expression: ColumnElement[Any]) -> bool:
    return getattr(expression, "table", None) is table and expression.key is not None


def loader_of(
    context: RequestContext,
    name: tuple[Any, ...],
    load: Callable[[RequestContext, Sequence[Any]], Awaitable[Sequence[Any]]],
) -> DataLoader[Any, Any]:
    """Return the loader of this name that serves one request."""
    if name not in context.loaders:

        async def run(ids: list[Any]) -> Sequence[Any]:
            return await load(context, ids)

        context.loaders[name] = DataLoader(load_fn=run)
    loader: DataLoader[Any, Any] = context.loaders[name]
    return loader


def _clause(ordering: Ordering) -> ColumnElement[Any]:
    return ordering.expression.desc() if ordering.is_descending else ordering.expression.asc()
