"""Keyset pages: a cursor names a place in an order, so a page costs the same at any depth."""

import hashlib
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLError
from sqlalchemy import and_, case, false, or_, true, tuple_
from sqlalchemy.sql.elements import ColumnElement

from regulars.errors import InvalidInput, OutOfRange
from regulars.fields.kinds import kind_of
from regulars.fields.scalars import format_decimal, format_moment, parse_decimal, parse_moment

__all__ = [
    "PAGE_LIMIT",
    "PAGE_SIZE",
    "Key",
    "Page",
    "PageRequest",
    "Places",
    "between",
    "cursor_of",
    "fingerprint",
    "order_clauses",
    "places_of",
    "seek",
]

LARGEST_AMOUNT = 10**15
LARGEST_INTEGER = 2**63 - 1
PAGE_SIZE = 25
PAGE_LIMIT = 100


class ForeignCursor(InvalidInput):
    """A cursor was given to a query that did not make it."""

    code = "FOREIGN_CURSOR"

    def __init__(self, argument: str) -> None:
        super().__init__(
            f"The cursor in `{argument}` is not of this query. Use a cursor that this query gave,"
            " with the same `where` and `orderBy`.",
            path=(argument,),
        )


@dataclass(frozen=True)
class Key:
    """One key of an order over a source; the last key of every order is unique."""

    expression: ColumnElement[Any]
    is_descending: bool = False
    has_nulls_first: bool = False
    is_nullable: bool = True

    def clauses(self, *, is_reversed: bool) -> list[ColumnElement[Any]]:
        """Return the ORDER BY clauses, the same on both databases."""
        clauses: list[ColumnElement[Any]] = []
        if self.is_nullable:
            # Spelled out, because the databases disagree on where nulls stand.
            nulls, others = (0, 1) if self.has_nulls_first != is_reversed else (1, 0)
            clauses.append(case((self.expression.is_(None), nulls), else_=others))
        is_down = self.is_descending != is_reversed
        clauses.append(self.expression.desc() if is_down else self.expression.asc())
        return clauses


@dataclass(frozen=True)
class PageRequest:
    """Which page a client asks for: the ``first`` after a cursor, or the ``last`` before one."""

    size: int
    is_backward: bool
    after: str | None
    before: str | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "PageRequest":
        """Read ``first``, ``after``, ``last`` and ``before``.

        Raises ``OutOfRange`` for a size outside 1 to 100, ``InvalidInput`` for both directions at once.
        """
        first, last = given.get("first"), given.get("last")
        if first is not None and last is not None:
            raise InvalidInput("Give `first` or `last`, not both.", path=("first",))
        name, size = ("last", last) if last is not None else ("first", PAGE_SIZE if first is None else first)
        if not 1 <= size <= PAGE_LIMIT:
            raise OutOfRange(
                f"`{name}` is {size}; it must be between 1 and {PAGE_LIMIT}. Follow the cursors for more.", path=(name,)
            )
        return cls(size, name == "last", given.get("after"), given.get("before"))


@dataclass(frozen=True)
class Page:
    """The rows of a page with their cursors, and whether there are more on either side."""

    rows: Sequence[Any]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool


def fingerprint(*parts: object) -> str:
    """Return a short mark of a query, so that its cursors are refused by other queries."""
    text = orjson.dumps(parts, default=str, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:12]


def cursor_of(mark: str, values: Sequence[Any]) -> str:
    """Return the cursor of a row with these values of the order's keys."""
    return "_".join((mark, *(_token(value) for value in values)))


def _token(value: Any) -> str:
    # Both databases write the same, so this is plainer than it could be: a text by the digits of its UTF-8.
    if value is None:
        return "n"
    if isinstance(value, str):
        return f"t{value.encode().hex()}"
    if isinstance(value, bool):
        return f"v{int(value)}"
    if isinstance(value, datetime):
        return f"v{format_moment(value)}"
    if isinstance(value, Decimal):
        return f"v{format_decimal(value)}"
    if isinstance(value, UUID):
        return f"v{value.hex}"
    return f"v{struct.pack('>d', value).hex()}" if isinstance(value, float) else f"v{value}"


def _read(cursor: str, mark: str, keys: Sequence[Key], name: str) -> list[Any]:
    given, *tokens = cursor.split("_")
    if given != mark:
        raise ForeignCursor(name)
    try:
        return [_restored(token, key.expression) for token, key in zip(tokens, keys, strict=True)]
    except (ValueError, LookupError, ArithmeticError, struct.error, GraphQLError) as error:
        raise ForeignCursor(name) from error


def _restored(written: str, expression: ColumnElement[Any]) -> Any:
    sort, value = written[:1], written[1:]
    if sort == "n":
        return None
    kind = kind_of(expression.type) or ""
    if sort != ("t" if kind == "text" else "v"):
        raise ValueError(written)
    return _RESTORED[kind](value)


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError(text)
    return text


def _within(number: Any, largest: float) -> Any:
    if not -largest <= number <= largest:
        raise ValueError(number)
    return number


_RESTORED: Mapping[str, Callable[[str], Any]] = {
    "text": lambda written: _storable(bytes.fromhex(written).decode()),
    "boolean": lambda written: {"0": False, "1": True}[written],
    "moment": parse_moment,
    "date": date.fromisoformat,
    "decimal": lambda written: _within(parse_decimal(written), LARGEST_AMOUNT),
    "number": lambda written: _within(struct.unpack(">d", bytes.fromhex(written))[0], math.inf),
    "uuid": UUID,
    "integer": lambda written: _within(int(written), LARGEST_INTEGER),
    "large": lambda written: _within(int(written), LARGEST_INTEGER),
}


Places = Mapping[str, Sequence[Any]]
"""The values of an order's keys at the cursors ``after`` and ``before``, those that were given."""


def seek(request: PageRequest, keys: Sequence[Key], mark: str) -> ColumnElement[bool]:
    """Return the condition that a row lies after ``after`` and before ``before``."""
    return between(keys, places_of(request, keys, mark))


def places_of(request: PageRequest, keys: Sequence[Key], mark: str) -> Places:
    """Return the places that the cursors of a request name; raises ``ForeignCursor``."""
    given = {"after": request.after, "before": request.before}
    return {name: _read(cursor, mark, keys, name) for name, cursor in given.items() if cursor is not None}


def between(keys: Sequence[Key], places: Places) -> ColumnElement[bool]:
    """Return the condition that a row lies after and before these places, whose values may stand as parameters."""
    conditions = [_beyond(keys, values, is_reversed=name == "before") for name, values in places.items()]
    return and_(true(), *conditions)


def _beyond(keys: Sequence[Key], values: Sequence[Any], *, is_reversed: bool) -> ColumnElement[bool]:
    directions = {key.is_descending != is_reversed for key in keys}
    if len(directions) == 1 and not any(key.is_nullable for key in keys):
        # One row comparison, which an index over the keys can answer.
        left = tuple_(*(key.expression for key in keys))
        right = tuple_(*values, types=[key.expression.type for key in keys])
        return left < right if directions.pop() else left > right
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for key, value in zip(keys, values, strict=True):
        alternatives.append(and_(*equal, _after_one(key, value, is_reversed=is_reversed)))
        equal.append(key.expression.is_(None) if value is None else key.expression == value)
    return or_(*alternatives)


def _after_one(key: Key, value: Any, *, is_reversed: bool) -> ColumnElement[bool]:
    nulls_first = key.has_nulls_first != is_reversed
    if value is None:
        return key.expression.is_not(None) if nulls_first else false()
    is_down = key.is_descending != is_reversed
    beyond = key.expression < value if is_down else key.expression > value
    return beyond if nulls_first or not key.is_nullable else or_(beyond, key.expression.is_(None))


def order_clauses(keys: Sequence[Key], *, is_reversed: bool) -> list[ColumnElement[Any]]:
    """Return the ORDER BY of an order, or of its reverse."""
    return [clause for key in keys for clause in key.clauses(is_reversed=is_reversed)]
