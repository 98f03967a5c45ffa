"""Write JSON in the SQL of SQLite."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Float, Integer, Text, case, cast, func, literal_column, type_coerce
from sqlalchemy.types import NullType

from regulars.fields.kinds import Kind
from regulars.graphql.planner.json_sql import SQL, JsonSql, Pairs, SharedJson, null, text, token, within_int
from regulars.graphql.planner.slots import MARK
from regulars.sqlite_functions import IRREGULAR

__all__ = ["json_on_sqlite"]

_UUID_PIECES = (("1", "8"), ("9", "4"), ("13", "4"), ("17", "4"), ("21", "12"))


class _SqliteJson(SharedJson):
    """JSON by SQLite, whose functions take at most 63 members at once and lose what is JSON in a sub-select."""

    MOST_MEMBERS = 60
    orders_lists = False
    is_planned_ahead = False

    def object(self, pairs: Pairs) -> SQL:
        parts = [func.json_object(*part, type_=NullType()) for part in _members(pairs, self.MOST_MEMBERS)]
        return parts[0] if len(parts) == 1 else func.json(self.concatenated(_joined_objects(parts)), type_=NullType())

    def list(self, items: SQL, *, order_by: Sequence[SQL], only: SQL | None = None) -> SQL:
        del order_by
        made: Any = func.json_group_array(items, type_=NullType())
        whole: SQL = made if only is None else made.filter(only)
        return whole

    def nested(self, query: SQL) -> SQL:
        return func.json(query, type_=NullType())

    def whole(self, document: SQL) -> SQL:
        return document

    def leaf(self, value: SQL, kind: Kind) -> SQL:
        if kind == "moment":
            # Anything but 2026-03-02 12:00:00.000000 was not written by us.
            shown = func.replace(value, text(" "), text("T")).op("||", return_type=Text())(text("Z"))
            return case(
                (value.is_(None), null()), (func.length(value) == literal_column("26"), shown), else_=text(IRREGULAR)
            )
        if kind == "decimal":
            return _decimal(value)
        if kind == "uuid":
            pieces = [
                func.substr(value, literal_column(start), literal_column(length)) for start, length in _UUID_PIECES
            ]
            return self.concatenated([each for piece in pieces for each in (text("-"), piece)][1:])
        if kind == "boolean":
            return func.json(case((value.is_(None), null()), (value, text("true")), else_=text("false")))
        if kind == "number":
            return func.json(func.regulars_number(value))
        if kind in ("integer", "large"):
            return within_int(value, text(IRREGULAR), type_coerce(value, Integer()))
        if kind == "json":
            return func.json(type_coerce(value, Text()))
        return value

    def hidden(self, value: SQL, kind: Kind) -> SQL:
        if kind in ("decimal", "large"):
            return type_coerce(value, Integer())
        return self.leaf(value, kind)

    def slot(self, batch: int, held: SQL) -> SQL:
        return func.json_array(MARK, literal_column(str(batch)), held, MARK, type_=NullType())

    def never_null(self, member: SQL) -> SQL:
        return member

    def constant(self, is_true: bool) -> SQL:
        return func.json(text("true" if is_true else "false"))

    def plain(self, written: SQL) -> SQL:
        return written

    def texts(self, value: SQL) -> SQL:
        plain = type_coerce(value, Text())
        return func.json(func.regulars_texts(plain))

    def digits(self, id: SQL) -> SQL:
        return type_coerce(id, Text())

    def token(self, value: SQL, kind: Kind) -> SQL:
        written: SQL
        if kind == "text":
            written = func.lower(func.hex(value), type_=Text())
        elif kind == "number":
            written = func.regulars_number_digits(value, type_=Text())
        elif kind == "boolean":
            written = case((value, text("1")), else_=text("0"))
        elif kind in ("moment", "decimal"):
            written = self.leaf(value, kind)
        else:
            written = type_coerce(value, Text())
        return token(value, kind, written)

    def _irregular(self) -> SQL:
        return text(IRREGULAR)

    def _json(self, member: SQL) -> SQL:
        return member


def _members(pairs: Pairs, most: int) -> list[list[SQL]]:
    """Return keys and values one after the other, ``most`` pairs at a time."""
    parts = [pairs[first : first + most] for first in range(0, len(pairs), most)] or [()]
    return [[each for key, value in part for each in (text(key), value)] for part in parts]


def _joined_objects(parts: Sequence[SQL]) -> list[SQL]:
    """Return the texts that make one object of several, one behind the other."""
    opened = [
        func.substr(each, literal_column("2"), func.length(each) - literal_column("2"), type_=Text()) for each in parts
    ]
    joined: list[SQL] = [text("{"), opened[0]]
    for each in opened[1:]:
        joined += [text(","), each]
    return [*joined, text("}")]


def _decimal(value: SQL) -> SQL:
    # The column holds ten-thousandths.
    value = cast(type_coerce(value, Float()), Integer) if not _is_plain(value) else type_coerce(value, Integer())
    size = func.abs(value)
    sign = case((value < literal_column("0"), text("-")), else_=text(""))
    hundred: SQL = literal_column("100")
    whole: SQL = literal_column("10000")
    short = func.printf(text("%s%d.%02d"), sign, size.op("/")(whole), size.op("/")(hundred).op("%")(hundred))
    long = func.rtrim(func.printf(text("%s%d.%04d"), sign, size.op("/")(whole), size.op("%")(whole)), text("0"))
    is_short = value.op("%")(hundred) == literal_column("0")
    return case((value.is_(None), null()), (is_short, short), else_=long)


def _is_plain(value: SQL) -> bool:
    return getattr(value, "table", None) is not None


def json_on_sqlite() -> JsonSql:
    """Return how SQLite writes JSON."""
    return _SqliteJson()
