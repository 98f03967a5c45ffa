"""Which kinds of values columns hold, and as which scalars they can be shown."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Date, Enum, Float, Integer, String, Uuid
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine
from sqlmodel.sql.sqltypes import AutoString

from regulars.tables import Amount, JsonColumn, UtcDateTime

__all__ = ["Kind", "can_be_null", "is_shown_as", "kind_of"]

Kind = str
"""text, choice, integer, large (an integer of 64 bits), number, boolean, moment, decimal, uuid, date or json."""

_KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (Enum, "choice"),
    (AutoString, "text"),
    (String, "text"),
    (UtcDateTime, "moment"),
    (Amount, "decimal"),
    (JsonColumn, "json"),
    (JSON, "json"),
    (Uuid, "uuid"),
    (Boolean, "boolean"),
    (BigInteger, "large"),
    (Integer, "integer"),
    (Float, "number"),
    (Date, "date"),
)

_SHOWN: dict[str, frozenset[Kind]] = {
    "String": frozenset({"text", "uuid"}),
    "ID": frozenset({"text", "uuid"}),
    "Int": frozenset({"integer", "large"}),
    "Float": frozenset({"number", "integer"}),
    "Boolean": frozenset({"boolean"}),
    "DateTime": frozenset({"moment"}),
    "Decimal": frozenset({"decimal"}),
    "UUID": frozenset({"uuid"}),
    "JSON": frozenset({"json"}),
    "Date": frozenset({"date"}),
}


def kind_of(type: TypeEngine[Any]) -> Kind | None:
    """Return the kind of values that an SQL type holds; None for a type that only its author knows."""
    for known, kind in _KINDS:
        if isinstance(type, known):
            return kind
    return None


def is_shown_as(kind: Kind | None, scalar: str) -> bool:
    """Tell whether the databases write values of a kind as Python writes them for this scalar."""
    return kind in _SHOWN.get(scalar, ())


def can_be_null(expression: ColumnElement[Any]) -> bool:
    """Tell whether an expression may be null in a row that exists; only columns that may not are sure."""
    return not (isinstance(expression, Column) and not expression.nullable)
