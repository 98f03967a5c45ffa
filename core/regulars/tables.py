"""The base of every table, and column types that mean the same on SQLite and on PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, MetaData, Numeric, bindparam
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.types import TypeDecorator, TypeEngine
from sqlmodel import SQLModel
from sqlmodel._compat import SQLModelConfig
from uuid_utils.compat import uuid7

__all__ = ["NOW", "Amount", "JsonColumn", "Table", "UtcDateTime", "new_id"]

AMOUNT_SCALE = 4
LENGTH_OF_MOMENT = len("2026-03-01 10:30:00.000000")

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Table(SQLModel):
    """The base of every table of the core and of plugins.

    A table's name starts with its owner: ``core_`` or the plugin's id.
    """

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)
    model_config = SQLModelConfig(defer_build=True)  # a process makes rows of few tables, and they are not validated

    if TYPE_CHECKING:
        __tablename__: ClassVar[str]  # pyright: ignore[reportIncompatibleVariableOverride]


def new_id() -> UUID:
    """Return a new time-ordered id (UUIDv7)."""
    return uuid7()


class UtcDateTime(TypeDecorator[datetime]):
    """A moment, kept in UTC to the microsecond; a time without zone is refused."""

    impl = DateTime
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """Return the type of the values in Python."""
        return datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use a zoned timestamp where there is one."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(DateTime())

    def bind_processor(self, dialect: Dialect) -> Any:
        """Turn any zoned time into UTC, on SQLite into the text that SQLAlchemy writes, in a fifth of its time."""
        return _zoned if dialect.name == "postgresql" else _as_text

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give every time its zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Amount(TypeDecorator[Decimal]):
    """A decimal with four digits after the point, exact on both databases.

    SQLite has no decimals, so it keeps ten-thousandths as an integer; sums and comparisons stay exact.
    """

    impl = Numeric
    cache_ok = True

    @property
    def python_type(self) -> type[Decimal]:
        """Return the type of the values in Python."""
        return Decimal

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use NUMERIC(20, 4), on SQLite an integer."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(Numeric(20, AMOUNT_SCALE))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """Scale the value where the database needs it, and refuse what is no number."""
        if value is None:
            return None
        amount = Decimal(value)
        if not amount.is_finite():
            raise ValueError(f"{value} is not an amount.")
        return round(amount.scaleb(AMOUNT_SCALE)) if dialect.name == "sqlite" else amount

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return the decimal as it was written, with four digits."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return Decimal(round(value)).scaleb(-AMOUNT_SCALE)
        return Decimal(value)


class JsonColumn(TypeDecorator[Any]):
    """A JSON document, binary where the database can."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use JSONB on PostgreSQL."""
        kind = JSONB(none_as_null=True) if dialect.name == "postgresql" else JSON(none_as_null=True)
        return dialect.type_descriptor(kind)


def _zoned(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise ValueError(f"The time {moment.isoformat()} has no zone. Give it one, best UTC.")
    return moment


def _as_text(moment: datetime | None) -> str | None:
    zoned = _zoned(moment)
    return None if zoned is None else zoned.astimezone(UTC).isoformat(" ", "microseconds")[:LENGTH_OF_MOMENT]


NOW = bindparam("regulars_now", type_=UtcDateTime, required=True)
"""This moment, inside an SQL expression of a field; the server binds it to the time of the request."""
