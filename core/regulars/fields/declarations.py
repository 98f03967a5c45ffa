"""Declare how a field is obtained: a column, a relation, a batch function, or a resolver.

|kind|cost|
|---|---|
|column|none of its own: part of the statement that reads its row|
|relation, connection, lookup|part of one statement for all parents|
|batch|one call for all parents|
|resolver|one call for each parent; the operation cannot be compiled|
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.elements import ColumnElement, UnaryExpression
from sqlalchemy.sql.operators import desc_op
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from regulars.fields.context import FieldContext
from regulars.fields.prices import FieldPrice

__all__ = [
    "Argument",
    "Batch",
    "Column",
    "Connected",
    "Declaration",
    "FieldRules",
    "Lookup",
    "Named",
    "Ordering",
    "RegularsField",
    "Related",
    "batch",
    "column",
    "connection",
    "free",
    "lookup",
    "mutation",
    "named",
    "relation",
    "resolver",
    "subscription",
]


def _sql(given: Any) -> ColumnElement[Any]:
    """Return the SQL of a mapped attribute, so that it can be read from an alias of its table."""
    return coercions.expect(roles.ColumnArgumentRole, given)


@dataclass(frozen=True)
class Ordering:
    """One key of an order."""

    expression: ColumnElement[Any]
    is_descending: bool = False

    @classmethod
    def of(cls, given: Any) -> "Ordering":
        """Read an order as SQLAlchemy writes it: ``Table.column`` or ``Table.column.desc()``."""
        if isinstance(given, UnaryExpression):
            return cls(given.element, given.modifier is desc_op)
        return cls(_sql(given))


@dataclass(frozen=True)
class Column:
    """The value of an SQL expression over the row; with ``currency`` it is money, with ``is_global_id`` an id."""

    expression: ColumnElement[Any]
    currency: ColumnElement[Any] | None = None
    is_filterable: bool = False
    is_sortable: bool = False
    is_global_id: bool = False


@dataclass(frozen=True)
class Related:
    """Rows of another table, one or all of a short list.

    ``key`` is a column of the other table that refers to this row, or a column of this row that refers to the other's.
    """

    key: ColumnElement[Any]
    order_by: tuple[Ordering, ...] = ()
    where: ColumnElement[bool] | None = None


@dataclass(frozen=True)
class Connected:
    """A page of a list that may be long; ``key`` of None makes it a list of all rows."""

    key: ColumnElement[Any] | None
    order_by: tuple[Ordering, ...] = ()
    where: ColumnElement[bool] | None = None
    search: Callable[[str], ColumnElement[bool]] | None = None


@dataclass(frozen=True)
class Argument:
    """An argument of a field: its Python type, and what it means."""

    type: Any
    description: str


@dataclass(frozen=True)
class Lookup:
    """The one row that matches the arguments, or null.

    With ``read``, ``match`` gets what that made of the arguments, as plain values or as parameters of a statement.
    """

    arguments: Mapping[str, Argument]
    match: Callable[[Mapping[str, Any]], ColumnElement[bool]]
    read: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None

    def condition(self, given: Mapping[str, Any]) -> ColumnElement[bool]:
        """Return the condition of the row, with the values in it."""
        return self.match(given if self.read is None else self.read(given))


@dataclass(frozen=True)
class Named:
    """The row of any type with ids that the global id in ``argument`` names, or null."""

    argument: str = "id"


BatchLoad = Callable[[Sequence[Mapping[str, Any]], FieldContext], Awaitable[Sequence[Any]]]


@dataclass(frozen=True)
class Batch:
    """The answer of one call for all parents, given the columns that it ``requires`` by their names."""

    load: BatchLoad
    requires: tuple[ColumnElement[Any], ...]
    timeout: timedelta = timedelta(seconds=2)


Declaration = Column | Related | Connected | Lookup | Named | Batch


@dataclass(frozen=True)
class FieldRules:
    """What holds for a field: who may see it, what it costs, how it is obtained (None: by its resolver).

    A ``permission`` of None stands for the permission of the field's type. ``has_own_transactions`` is for mutations.
    """

    permission: str | None = None
    price: FieldPrice | None = None
    declaration: Declaration | None = None
    has_own_transactions: bool = False


class RegularsField(StrawberryField):
    """A strawberry field that knows its rules."""

    rules: FieldRules = FieldRules()

    def __copy__(self) -> "RegularsField":
        """Copy the field with its rules."""
        copied = super().__copy__()
        copied.rules = self.rules
        return copied


def _declared(rules: FieldRules, description: str, deprecated: str | None = None) -> Any:
    made = RegularsField(description=description, deprecation_reason=deprecated)
    made.init = False
    made.rules = rules
    return made


def column(
    expression: Any,
    *,
    description: str,
    currency: Any = None,
    permission: str | None = None,
    filterable: bool = False,
    sortable: bool = False,
    is_global_id: bool = False,
    deprecated: str | None = None,
) -> Any:
    """Declare a field as a column, or any SQL expression, of the type's table.

    With ``currency`` the field is ``Money``. A ``filterable`` field appears in ``where``, a ``sortable`` one in
    ``orderBy``. ``NOW`` in the expression is the moment of the request.
    """
    declared = Column(
        _sql(expression), None if currency is None else _sql(currency), filterable, sortable, is_global_id
    )
    return _declared(FieldRules(permission, FieldPrice(cost=0), declared), description, deprecated)


def relation(
    key: Any,
    *,
    description: str,
    permission: str | None = None,
    order_by: Sequence[Any] = (),
    where: Any = None,
    cost: int = 1,
    assumed_size: int | None = None,
) -> Any:
    """Declare a field as the row, or the short list of rows, of another declared type.

    Annotate the field ``Other | None`` for one row and ``list[Other]`` for all of them; for a list, ``assumed_size`` is
    how many the price counts. ``key`` is the other table's column that refers to this row, or this table's column that
    refers to the other row.
    """
    declared = Related(_sql(key), tuple(Ordering.of(given) for given in order_by), where)
    return _declared(FieldRules(permission, FieldPrice(cost=cost, assumed_size=assumed_size), declared), description)


def connection(
    key: Any = None,
    *,
    description: str,
    permission: str | None = None,
    order_by: Sequence[Any] = (),
    where: Any = None,
    search: Callable[[str], ColumnElement[bool]] | None = None,
    cost: int = 1,
) -> Any:
    """Declare a field as pages of another declared type; annotate it ``Connection[Other]``.

    ``first``, ``after``, ``last``, ``before`` come by themselves, and so do ``where`` and ``orderBy`` over whatever the
    other type marks as filterable or sortable. Without ``key`` it lists all rows that the actor may see.
    """
    declared = Connected(
        None if key is None else _sql(key), tuple(Ordering.of(given) for given in order_by), where, search
    )
    return _declared(FieldRules(permission, FieldPrice(cost=cost, sized=True), declared), description)


def lookup(
    match: Callable[[Mapping[str, Any]], ColumnElement[bool]],
    *,
    arguments: Mapping[str, Argument],
    description: str,
    permission: str | None = None,
    read: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None,
) -> Any:
    """Declare a field of ``Query`` as the one row that matches its arguments; annotate it ``Other | None``.

    ``match`` writes SQL anew for every request. With ``read``, which turns the arguments into the values to compare
    with, it writes SQL once for each set of names in what ``read`` returns: take that for fields asked all the time.
    """
    return _declared(FieldRules(permission, FieldPrice(), Lookup(arguments, match, read)), description)


def batch(
    load: BatchLoad,
    *,
    requires: Sequence[Any],
    description: str,
    permission: str | None = None,
    timeout: timedelta = timedelta(seconds=2),
    cost: int = 1,
    assumed_size: int | None = None,
) -> Any:
    """Declare a field as the answer of one call for all parents.

    ``load`` gets a mapping for each parent with the columns named in ``requires``, and a context; it returns as many
    answers in the same order.
    """
    declared = Batch(load, tuple(_sql(each) for each in requires), timeout)
    return _declared(FieldRules(permission, FieldPrice(cost=cost, assumed_size=assumed_size), declared), description)


def free(*, description: str, default: Any = MISSING, assumed_size: int | None = None) -> Any:
    """Declare a field that is there already and costs nothing: it only leads to what is priced itself.

    For a list of objects ``assumed_size`` is how many the price counts.
    """
    made = RegularsField(description=description, default=default)
    made.rules = FieldRules(price=FieldPrice(cost=0, assumed_size=assumed_size))
    return made


def _by_resolver(function: Callable[..., Any], rules: FieldRules, description: str, is_subscription: bool) -> Any:
    made = RegularsField(description=description, is_subscription=is_subscription)
    made.rules = rules
    made(StrawberryResolver(function))
    return made


def resolver(
    *,
    permission: str,
    description: str,
    cost: int = 1,
    assumed_size: int | None = None,
    counted_argument: str | None = None,
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a method as a field that only Python can answer; an operation that selects it is not compiled."""
    price = FieldPrice(cost=cost, assumed_size=assumed_size, counted_argument=counted_argument)
    return lambda function: _by_resolver(function, FieldRules(permission, price), description, is_subscription=False)


def named(*, permission: str, description: str) -> Callable[[Callable[..., Any]], Any]:
    """Declare a method as the field that finds anything by its global id; the method answers what is not compiled."""
    rules = FieldRules(permission, FieldPrice(), declaration=Named())
    return lambda function: _by_resolver(function, rules, description, is_subscription=False)


def mutation(
    *, permission: str, description: str, cost: int = 10, has_own_transactions: bool = False
) -> Callable[[Callable[..., Any]], Any]:
    """Declare a method as a mutation.

    It takes one ``input``, calls one service function and returns its payload, a ``value_type`` with ``errors:
    list[UserError]`` and otherwise nullable fields. An ``ExpectedError`` rolls back what this mutation wrote and
    becomes the payload's errors; any other exception rolls back the whole request and is masked.
    A mutation that ``has_own_transactions`` gets no session that writes, and cannot follow others in one request.
    """
    rules = FieldRules(permission, FieldPrice(cost=cost), has_own_transactions=has_own_transactions)
    return lambda function: _by_resolver(function, rules, description, is_subscription=False)


def subscription(*, permission: str, description: str, cost: int = 10) -> Callable[[Callable[..., Any]], Any]:
    """Declare an asynchronous generator method as a subscription."""
    rules = FieldRules(permission, FieldPrice(cost=cost))
    return lambda function: _by_resolver(function, rules, description, is_subscription=True)
