"""The filters of `where`: which operators each kind of value has, and their SQL."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import and_, false, or_, true
from sqlalchemy.sql.elements import ColumnElement

from regulars.letters import in_small_letters

__all__ = [
    "BooleanFilter",
    "DateTimeFilter",
    "DecimalFilter",
    "IntFilter",
    "OrderDirection",
    "OrderNulls",
    "StringFilter",
    "filter_input_of",
    "filter_predicate",
]


@strawberry.enum(description="In which direction to sort.")
class OrderDirection(Enum):
    """In which direction to sort."""

    ASC = "ASC"
    DESC = "DESC"


@strawberry.enum(description="Where rows without a value stand.")
class OrderNulls(Enum):
    """Where rows without a value stand."""

    FIRST = "FIRST"
    LAST = "LAST"


def _comparison(type_name: str, what: str, kind: Any, operators: str) -> type[Any]:
    words = {
        "eq": "Equal to this.",
        "ne": "Not equal to this; a row without a value is not equal.",
        "in": "One of these; an empty list matches nothing.",
        "notIn": "None of these; a row without a value is none of them.",
        "contains": "Contains this text; case does not matter.",
        "startsWith": "Begins with this text; case does not matter.",
        "gt": "More, or later, than this.",
        "gte": "At least this.",
        "lt": "Less, or earlier, than this.",
        "lte": "At most this.",
        "isNull": "True: has no value. False: has one.",
    }
    annotations: dict[str, Any] = {}
    members: dict[str, Any] = {}
    for operator in operators.split():
        python_name = {"in": "in_", "notIn": "not_in", "startsWith": "starts_with", "isNull": "is_null"}.get(
            operator, operator
        )
        of = list[kind] if operator in ("in", "notIn") else bool if operator == "isNull" else kind
        annotations[python_name] = of | None
        members[python_name] = strawberry.field(name=operator, default=strawberry.UNSET, description=words[operator])
    cls = type(type_name, (), {"__annotations__": annotations, **members, "__doc__": what})
    return strawberry.input(cls, name=type_name, description=what)


EQUALITY = "eq ne in notIn isNull"
ORDER = "gt gte lt lte"

StringFilter = _comparison(
    "StringFilter", "A condition on a text; all that is given must hold.", str, f"{EQUALITY} contains startsWith"
)
IDFilter = _comparison("IDFilter", "A condition on an id; all that is given must hold.", strawberry.ID, EQUALITY)
IntFilter = _comparison(
    "IntFilter", "A condition on a whole number; all that is given must hold.", int, f"{EQUALITY} {ORDER}"
)
FloatFilter = _comparison(
    "FloatFilter", "A condition on a number; all that is given must hold.", float, f"{EQUALITY} {ORDER}"
)
DecimalFilter = _comparison(
    "DecimalFilter", "A condition on a decimal; all that is given must hold.", Decimal, f"{EQUALITY} {ORDER}"
)
DateTimeFilter = _comparison(
    "DateTimeFilter", "A condition on a moment; all that is given must hold.", datetime, f"{EQUALITY} {ORDER}"
)
BooleanFilter = _comparison(
    "BooleanFilter", "A condition on yes or no; all that is given must hold.", bool, "eq ne isNull"
)

_FILTERS: dict[Any, type[Any]] = {
    str: StringFilter,
    strawberry.ID: IDFilter,
    UUID: IDFilter,
    int: IntFilter,
    float: FloatFilter,
    Decimal: DecimalFilter,
    datetime: DateTimeFilter,
    bool: BooleanFilter,
}


def filter_input_of(kind: Any) -> type[Any] | None:
    """Return the filter for values of a Python type; None when there is none."""
    return _FILTERS.get(kind)


_OPERATORS: dict[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": lambda column, value: column.is_(None) if value is None else column == value,
    "ne": lambda column, value: column.is_not(None) if value is None else or_(column != value, column.is_(None)),
    "in": lambda column, value: column.in_(value) if value else false(),
    "notIn": lambda column, value: or_(column.not_in(value), column.is_(None)) if value else true(),
    "contains": lambda column, value: in_small_letters(column).contains(value.lower(), autoescape=True),
    "startsWith": lambda column, value: in_small_letters(column).startswith(value.lower(), autoescape=True),
    "gt": lambda column, value: column > value,
    "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value,
    "lte": lambda column, value: column <= value,
    "isNull": lambda column, value: column.is_(None) if value else column.is_not(None),
}


def filter_predicate(column: ColumnElement[Any], given: Mapping[str, Any]) -> ColumnElement[bool]:
    """Return the SQL of a filter such as ``{"gte": 5, "lt": 9}`` over a column; an empty filter holds for every row.

    Null says nothing, except that something is equal to it or not.
    """
    said = ((operator, value) for operator, value in given.items() if value is not None or operator in ("eq", "ne"))
    return and_(true(), *(_OPERATORS[operator](column, value) for operator, value in said))
