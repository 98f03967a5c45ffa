"""What rules must know of a customer, as SQL: values, and lists of rows of a table.

An expression is written over ``core_customer`` (``Customer``); ``CHANNEL``, ``TOPIC``, ``CASE_ID`` and ``NOW`` stand
for what is asked. All needs of all rules become one statement that answers in JSON.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Dialect, Text, bindparam, cast, func, literal_column, select
from sqlalchemy import Uuid as UuidType
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.sql import coercions, roles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeEngine

from regulars.customers.models import Customer
from regulars.tables import AMOUNT_SCALE, Amount, JsonColumn, UtcDateTime

__all__ = [
    "ADDRESS",
    "ADDRESS_DIGEST",
    "CASE_ID",
    "CHANNEL",
    "PURPOSE",
    "TOPIC",
    "Need",
    "in_json",
    "need_rows",
    "need_value",
]

CHANNEL = bindparam("contact_channel", type_=Text)
"""In the SQL of a need or a filter: the channel that is asked about."""
TOPIC = bindparam("contact_topic", type_=Text)
"""The topic that is asked about; ``*`` for none in particular."""
PURPOSE = bindparam("contact_purpose", type_=Text)
CASE_ID = bindparam("contact_case_id", type_=Text)
"""The case that a contact is about, NULL where it is about none."""
ADDRESS = bindparam("contact_address", type_=Text)
ADDRESS_DIGEST = bindparam("contact_address_digest", type_=Text)


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True, eq=False)
class Need:
    """One thing to know: ``columns`` of the rows for which ``where`` holds, or, without ``where``, one value.

    ``read`` turns it into what ``decide`` gets. Rules that share a need share the object, so it is read once.
    """

    columns: Mapping[str, ColumnElement[Any]]
    where: ColumnElement[bool] | None
    read: Callable[[Any], Any] = _same

    def in_sql(self, dialect: Dialect) -> ColumnElement[Any]:
        """Return the expression whose JSON ``value_of`` understands."""
        if self.where is None:
            return _plain(self.columns["value"], dialect)
        plain = [_plain(column, dialect) for column in self.columns.values()]
        if dialect.name == "sqlite":
            rows = select(func.json_group_array(func.json_array(*plain)))
            return func.json(rows.where(self.where).correlate(Customer).scalar_subquery())
        rows = select(func.json_agg(func.json_build_array(*plain), type_=JSON))
        return rows.where(self.where).correlate(Customer).scalar_subquery()

    def value_of(self, told: Any) -> Any:
        """Return what ``decide`` gets for the JSON that the database told."""
        if self.where is None:
            return self.read(None if told is None else self._decoders[0][1](told))
        return self.read([self._row_of(row) for row in told or ()])

    def _row_of(self, row: Sequence[Any]) -> dict[str, Any]:
        cells = zip(self._decoders, row, strict=True)
        return {name: None if cell is None else decode(cell) for (name, decode), cell in cells}

    @cached_property
    def _decoders(self) -> Sequence[tuple[str, Callable[[Any], Any]]]:
        return [(name, _DECODERS.get(type(column.type), _same)) for name, column in self.columns.items()]


def need_value(expression: Any, *, read: Callable[[Any], Any] = _same) -> Need:
    """Return the need of one value: a column of ``Customer``, or a scalar sub-select that refers to it."""
    return Need({"value": _sql(expression)}, None, read)


def need_rows(columns: Mapping[str, Any], *, where: Any, read: Callable[[Any], Any] = _same) -> Need:
    """Return the need of a list of rows, each a mapping with ``columns``, in no order.

    ``where`` says which rows are the customer's: ``col(Pause.customer_id) == Customer.id``.
    """
    return Need({name: _sql(column) for name, column in columns.items()}, where, read)


def _sql(given: Any) -> ColumnElement[Any]:
    expression: ColumnElement[Any] = coercions.expect(roles.ExpressionElementRole, given)
    return expression


def _plain(column: ColumnElement[Any], dialect: Dialect) -> ColumnElement[Any]:
    kind: TypeEngine[Any] = column.type
    if dialect.name == "sqlite":
        return func.json(column) if isinstance(kind, JsonColumn) else column
    return cast(column, Text) if isinstance(kind, Amount) else column


def _moment(told: str) -> datetime:
    moment = datetime.fromisoformat(told)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _amount(told: str | int) -> Decimal:
    return Decimal(told).scaleb(-AMOUNT_SCALE) if isinstance(told, int) else Decimal(told)


_DECODERS: Mapping[type[Any], Callable[[Any], Any]] = {
    UtcDateTime: _moment,
    UuidType: UUID,
    Boolean: bool,
    Amount: _amount,
}


def in_json(parts: Sequence[ColumnElement[Any]], dialect: Dialect) -> ColumnElement[str]:
    """Return one JSON array of the parts, as text."""
    if dialect.name == "sqlite":
        return func.json_array(*parts, type_=Text)
    return cast(func.json_build_array(*parts), Text) if parts else literal_column("'[]'", Text)
