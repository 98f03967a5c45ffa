"""Write JSON in the SQL of PostgreSQL: as text, since its functions for JSON look up the type of every value anew."""

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnClause,
    Dialect,
    Float,
    Text,
    TypeCoerce,
    case,
    cast,
    func,
    literal_column,
    or_,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, aggregate_order_by
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import ExpressionClauseList
from sqlalchemy.types import NullType

from regulars.fields.kinds import Kind, can_be_null
from regulars.graphql.planner.json_sql import SQL, JsonSql, Pairs, SharedJson, text, token, within_int
from regulars.graphql.planner.slots import MARK
from regulars.sqlite_functions import IRREGULAR

__all__ = ["json_on_postgres"]

KNOWS_TYPES = (17,)
"""The first version whose ``json_scalar`` looks a type up once in a statement, and not for every value."""

QUOTED = re.compile(r"'[^']*'")


class _There(Text):
    """The type of a member that is never null."""


class _PostgresJson(SharedJson):
    """JSON by PostgreSQL. A member is the text of its JSON, or null.

    Each piece of text that is joined to others is copied once more for every piece behind it, and each piece is a step
    when a statement begins: so neighbours are joined beforehand where both are known, and few are joined at once.
    """

    orders_lists = True
    is_planned_ahead = True
    AT_ONCE = 6

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def object(self, pairs: Pairs) -> SQL:
        pieces: list[SQL] = []
        for number, (key, member) in enumerate(pairs):
            pieces.append(text(f'{"," if number else "{"}"{key}":'))
            is_there = isinstance(member.type, _There)
            pieces += _pieces(member) if is_there else [func.coalesce(member, text("null"), type_=Text())]
        pieces.append(text("}") if pairs else text("{}"))
        joined = _joined(pieces)
        while len(joined) > 1:
            parts = [joined[first : first + self.AT_ONCE] for first in range(0, len(joined), self.AT_ONCE)]
            joined = [cast(self.concatenated(part), Text()) for part in parts]
        return joined[0]

    def list(self, items: SQL, *, order_by: Sequence[SQL], only: SQL | None = None) -> SQL:
        comma = text(",")
        made: Any = func.string_agg(items, aggregate_order_by(comma, *order_by) if order_by else comma, type_=Text())
        made = made if only is None else made.filter(only)
        return self.never_null(self.concatenated([text("["), func.coalesce(made, text(""), type_=Text()), text("]")]))

    def nested(self, query: SQL) -> SQL:
        return query

    def whole(self, document: SQL) -> SQL:
        return document

    def leaf(self, value: SQL, kind: Kind) -> SQL:
        member = self._member(value, kind)
        return member if can_be_null(value) else self.never_null(member)

    def _member(self, value: SQL, kind: Kind) -> SQL:
        if kind in ("moment", "decimal", "date", "uuid"):
            return self._quoted(_written(value, kind))
        if kind == "number":
            wide = cast(value, Float(53))
            is_odd = wide.in_([literal_column(f"'{word}'::float8") for word in ("NaN", "Infinity", "-Infinity")])
            return case((is_odd, self._irregular()), else_=cast(wide, Text()))
        if kind == "large":
            return within_int(value, self._irregular(), cast(value, Text()))
        if kind in ("integer", "boolean", "json"):
            return cast(value, Text())
        return self._escaped(value)

    def never_null(self, member: SQL) -> SQL:
        return type_coerce(member, _There())

    def plain(self, written: SQL) -> SQL:
        quoted = self._quoted(written)
        return self.never_null(quoted) if _is_constant(written) else quoted

    def hidden(self, value: SQL, kind: Kind) -> SQL:
        if kind == "decimal":
            return self._quoted(cast(value, Text()))
        return cast(value, Text()) if kind == "large" else self.leaf(value, kind)

    def slot(self, batch: int, held: SQL) -> SQL:
        return self.concatenated([text('["'), MARK, text(f'",{batch},'), held, text(',"'), MARK, text('"]')])

    def constant(self, is_true: bool) -> SQL:
        return self.never_null(text("true" if is_true else "false"))

    def texts(self, value: SQL) -> SQL:
        value = type_coerce(value, JSONB())
        is_right: SQL = literal_column("'$[*] ? (@.type() != \"string\")'::jsonpath")
        is_wrong = or_(func.jsonb_typeof(value) != text("array"), func.jsonb_path_exists(value, is_right))
        return case((is_wrong, self._irregular()), else_=cast(value, Text()))

    def digits(self, id: SQL) -> SQL:
        return func.replace(cast(id, Text()), text("-"), text(""), type_=Text())

    def token(self, value: SQL, kind: Kind) -> SQL:
        written: SQL
        if kind == "text":
            written = func.encode(func.convert_to(value, text("UTF8")), text("hex"), type_=Text())
        elif kind == "uuid":
            written = self.digits(value)
        elif kind == "number":
            written = func.encode(func.float8send(value), text("hex"), type_=Text())
        elif kind == "boolean":
            written = case((value, text("1")), else_=text("0"))
        else:
            written = _written(value, kind)
        return token(value, kind, written)

    def _quoted(self, written: SQL) -> SQL:
        return self.concatenated([text('"'), written, text('"')])

    def _irregular(self) -> SQL:
        return text(f'"{IRREGULAR}"')

    def _json(self, member: SQL) -> SQL:
        return member

    def _escaped(self, value: SQL) -> SQL:
        version: Any = getattr(self._dialect, "server_version_info", None) or (0,)
        quote = func.json_scalar if version >= KNOWS_TYPES else func.to_json
        # What is no column may be a text without a type.
        typed = cast(value, Text()) if getattr(value, "table", None) is None else value
        return cast(quote(typed), Text())


def _is_constant(sql: SQL) -> bool:
    return isinstance(sql, ColumnClause) and sql.is_literal and QUOTED.fullmatch(sql.name) is not None


def _pieces(sql: SQL) -> list[SQL]:
    """Return the texts that a text is joined of."""
    if isinstance(sql, TypeCoerce):
        return _pieces(sql.clause)
    if isinstance(sql, ExpressionClauseList) and sql.operator is operators.concat_op:
        return [piece for each in sql.clauses for piece in _pieces(each)]
    return [sql]


def _joined(pieces: Sequence[SQL]) -> list[SQL]:
    """Return the pieces with neighbouring constants in one."""
    joined: list[SQL] = []
    for piece in pieces:
        if joined and _is_constant(piece) and _is_constant(joined[-1]):
            joined[-1] = text(f"{joined[-1].name[1:-1]}{piece.name[1:-1]}")
        else:
            joined.append(piece)
    return joined


def _written(value: SQL, kind: Kind) -> SQL:
    """Return the text that stands for a value in JSON and in cursors, in which nothing needs to be escaped."""
    if kind == "moment":
        return _utc(value)
    if kind == "decimal":
        return _decimal(value)
    return func.to_char(value, text("YYYY-MM-DD"), type_=Text()) if kind == "date" else cast(value, Text())


def _utc(value: SQL) -> SQL:
    zoneless = func.timezone(text("UTC"), value)
    spelled = func.to_char(zoneless, literal_column('\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''), type_=Text())
    if getattr(value, "table", None) is None:
        return spelled  # an expression would be evaluated several times
    # A cast takes a third as long as to_char; it leaves out the zeros in the end.
    short = func.replace(cast(zoneless, Text()), text(" "), text("T"), type_=Text())
    has_six_digits = cast(value, TIMESTAMP(timezone=True, precision=5)) != value
    has_none = cast(value, TIMESTAMP(timezone=True, precision=0)) == value
    return case(
        (has_six_digits, short.op("||", return_type=Text())(text("Z"))),
        (has_none, short.op("||", return_type=Text())(text(".000000Z"))),
        else_=spelled,
    )


def _decimal(value: SQL) -> SQL:
    value = type_coerce(value, NullType())
    has_two_digits = func.min_scale(value) <= literal_column("2")
    return cast(case((has_two_digits, func.round(value, literal_column("2"))), else_=func.trim_scale(value)), Text())


def json_on_postgres(dialect: Dialect) -> JsonSql:
    """Return how PostgreSQL writes JSON; its version is known once a connection was opened."""
    return _PostgresJson(dialect)
