"""Keyset pages: a cursor names a place in an order, so a page costs the same at any depth."""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import and_, case, false, or_, true, tuple_
from sqlalchemy.sql.elements import ColumnElement

from regulars.errors import InvalidInput, OutOfRange

__all__ = ["PAGE_LIMIT", "PAGE_SIZE", "Key", "Page", "PageRequest", "cursor_of", "fingerprint", "order_clauses", "seek"]

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
    content = [mark, *(_written(value) for value in values)]
    return base64.urlsafe_b64encode(orjson.dumps(content)).rstrip(b"=").decode()


def _read(cursor: str, mark: str, keys: Sequence[Key], name: str) -> list[Any]:
    try:
        content = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        given, *values = content
        read = [_restored(value, key.expression) for value, key in zip(values, keys, strict=True)]
    except (ValueError, TypeError, binascii.Error, ArithmeticError) as error:
        raise ForeignCursor(name) from error
    if given != mark:
        raise ForeignCursor(name)
    return read


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal | UUID) else value


def _restored(value: Any, expression: ColumnElement[Any]) -> Any:
    if value is None:
        return None
    kind = expression.type.python_type
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind in (Decimal, UUID):
        return kind(value)
    if not isinstance(value, kind):
        raise TypeError(kind)
    return value


def seek(request: PageRequest, keys: Sequence[Key], mark: str) -> ColumnElement[bool]:
    """Return the condition that a row lies after ``after`` and before ``before``."""
    conditions: list[ColumnElement[bool]] = []
    if request.after is not None:
        conditions.append(_beyond(keys, _read(request.after, mark, keys, "after"), is_reversed=False))
    if request.before is not None:
        conditions.append(_beyond(keys, _read(request.before, mark, keys, "before"), is_reversed=True))
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
