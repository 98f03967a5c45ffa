"""Write JSON in SQL, letter by letter as Python writes it: what both databases share."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Integer, Text, case, literal_column, or_, type_coerce
from sqlalchemy.sql.elements import ColumnElement

from regulars.fields.kinds import Kind

__all__ = ["SQL", "JsonSql", "Pairs", "SharedJson", "null", "text", "token", "within_int"]

SQL = ColumnElement[Any]
Pairs = Sequence[tuple[str, SQL]]

LARGEST_INT, SMALLEST_INT = 2**31 - 1, -(2**31)


class JsonSql(Protocol):
    """How one database writes JSON.

    ``orders_lists`` tells whether a list can be sorted while it is made, ``is_planned_ahead`` whether the database
    keeps its plan of a statement for other values.
    """

    orders_lists: bool
    is_planned_ahead: bool

    def object(self, pairs: Pairs) -> SQL:
        """Return an object with these members, in this order."""
        ...

    def list(self, items: SQL, *, order_by: Sequence[SQL], only: SQL | None = None) -> SQL:
        """Return the list of the items of all rows, in order, of those rows for which ``only`` holds.

        SQLite ignores ``order_by``: there the rows must come in order.
        """
        ...

    def nested(self, query: SQL) -> SQL:
        """Return the JSON that a sub-select returns, as a member."""
        ...

    def whole(self, document: SQL) -> SQL:
        """Return JSON as text for the driver."""
        ...

    def leaf(self, value: SQL, kind: Kind) -> SQL:
        """Return a value as a member."""
        ...

    def never_null(self, member: SQL) -> SQL:
        """Return the member, which is not null where it is shown."""
        ...

    def plain(self, written: SQL) -> SQL:
        """Return a text in which nothing needs to be escaped, as a member."""
        ...

    def texts(self, value: SQL) -> SQL:
        """Return a JSON column that must hold a list of texts."""
        ...

    def hidden(self, value: SQL, kind: Kind) -> SQL:
        """Return a value for Python's use, exact in every kind."""
        ...

    def slot(self, batch: int, held: SQL) -> SQL:
        """Return a member that Python replaces by the answer of a batch field; it holds an object."""
        ...

    def constant(self, is_true: bool) -> SQL:
        """Return true or false."""
        ...

    def digits(self, id: SQL) -> SQL:
        """Return the 32 hexadecimal digits of a UUID."""
        ...

    def token(self, value: SQL, kind: Kind) -> SQL:
        """Return a value as cursors write it."""
        ...

    def or_irregular(self, member: SQL, missing: SQL) -> SQL:
        """Return the member, marked as irregular where ``missing`` is null."""
        ...

    def concatenated(self, texts: Sequence[SQL]) -> SQL:
        """Return texts, one behind the other."""
        ...

    def if_any(self, needed: Sequence[SQL], member: SQL) -> SQL:
        """Return the member, or null where one of ``needed`` is null."""
        ...


def null() -> SQL:
    """Return null."""
    return literal_column("NULL")


def text(value: str) -> SQL:
    """Return a constant text; the names of GraphQL and ours have no quotes in them."""
    assert "'" not in value
    return literal_column(f"'{value}'", Text())


class SharedJson(ABC):
    """What is written alike on both databases."""

    def or_irregular(self, member: SQL, missing: SQL) -> SQL:
        """Return the member, marked as irregular where ``missing`` is null."""
        return case((missing.is_(None), self._irregular()), else_=self._json(member))

    def if_any(self, needed: Sequence[SQL], member: SQL) -> SQL:
        """Return the member, or null where one of ``needed`` is null."""
        return case((or_(*(each.is_(None) for each in needed)), null()), else_=member)

    def concatenated(self, texts: Sequence[SQL]) -> SQL:
        """Return texts, one behind the other."""
        # The databases' own operator is written without brackets, of which SQLite's parser counts each open one.
        whole: SQL = type_coerce(texts[0], Text())
        for one in texts[1:]:
            whole = whole.concat(type_coerce(one, Text()))
        return whole

    @abstractmethod
    def _irregular(self) -> SQL: ...

    @abstractmethod
    def _json(self, member: SQL) -> SQL: ...


def token(value: SQL, kind: Kind, written: SQL) -> SQL:
    """Return a value as cursors write it, given how its kind is written."""
    head = text("t" if kind == "text" else "v")
    return case((value.is_(None), text("n")), else_=head.op("||", return_type=Text())(written))


def within_int(value: SQL, irregular: SQL, member: SQL) -> SQL:
    """Return the member, or what marks it as irregular where the value is too large for ``Int``."""
    value = type_coerce(value, Integer())
    outside = or_(value > literal_column(str(LARGEST_INT)), value < literal_column(str(SMALLEST_INT)))
    return case((outside, irregular), else_=member)
