"""Write JSON in SQL, on either database, letter by letter as Python writes it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Float, Integer, Text, case, cast, func, literal_column, or_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from regulars.fields.kinds import Kind
from regulars.sqlite_functions import IRREGULAR

__all__ = ["SQL", "JsonSql", "json_sql", "null", "text"]

SQL = ColumnElement[Any]
Pairs = Sequence[tuple[str, SQL]]

LARGEST_INT, SMALLEST_INT = 2**31 - 1, -(2**31)


class JsonSql(Protocol):
    """How one database writes JSON; ``orders_lists`` tells whether a list can be sorted while it is made."""

    orders_lists: bool

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

    def texts(self, value: SQL) -> SQL:
        """Return a JSON column that must hold a list of texts."""
        ...

    def hidden(self, value: SQL, kind: Kind) -> SQL:
        """Return a value for Python's use, exact in every kind."""
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


def _parts(pairs: Pairs, most: int) -> list[Pairs]:
    return [pairs[first : first + most] for first in range(0, len(pairs), most)] or [()]


def _flat(pairs: Pairs) -> list[SQL]:
    return [each for key, value in pairs for each in (text(key), value)]


class _Shared(ABC):
    def or_irregular(self, member: SQL, missing: SQL) -> SQL:
        return case((missing.is_(None), self._irregular()), else_=self._json(member))

    def if_any(self, needed: Sequence[SQL], member: SQL) -> SQL:
        return case((or_(*(each.is_(None) for each in needed)), null()), else_=member)

    def concatenated(self, texts: Sequence[SQL]) -> SQL:
        whole = texts[0]
        for one in texts[1:]:
            whole = whole.op("||", return_type=Text())(one)
        return whole

    @abstractmethod
    def _irregular(self) -> SQL: ...

    @abstractmethod
    def _json(self, member: SQL) -> SQL: ...


class PostgresJson(_Shared):
    """JSON by PostgreSQL, whose functions take at most 50 members at once."""

    MOST_MEMBERS = 50
    orders_lists = True

    def object(self, pairs: Pairs) -> SQL:
        parts = [func.json_build_object(*_flat(part), type_=NullType()) for part in _parts(pairs, self.MOST_MEMBERS)]
        if len(parts) == 1:
            return parts[0]
        texts = [cast(part, Text()) for part in parts]
        opened = [
            func.substr(each, literal_column("2"), func.length(each) - literal_column("2"), type_=Text())
            for each in texts
        ]
        joined: list[SQL] = [text("{"), opened[0]]
        for each in opened[1:]:
            joined += [text(","), each]
        return self.concatenated([*joined, text("}")]).op("::")(literal_column("json"))

    def list(self, items: SQL, *, order_by: Sequence[SQL], only: SQL | None = None) -> SQL:
        ordered = aggregate_order_by(items, *order_by) if order_by else items
        made: Any = func.json_agg(ordered, type_=NullType())
        made = made if only is None else made.filter(only)
        return func.coalesce(made, literal_column("'[]'::json"), type_=NullType())

    def nested(self, query: SQL) -> SQL:
        return query

    def whole(self, document: SQL) -> SQL:
        return cast(document, Text())

    def leaf(self, value: SQL, kind: Kind) -> SQL:
        if kind == "moment":
            return _utc(value)
        if kind == "decimal":
            return _decimal_on_postgres(value)
        if kind == "number":
            wide = cast(value, Float(53))
            is_odd = wide.in_([literal_column(f"'{word}'::float8") for word in ("NaN", "Infinity", "-Infinity")])
            return case((is_odd, self._irregular()), else_=func.to_json(wide))
        if kind == "large":
            return _within_int(value, self._irregular(), func.to_json(value))
        if kind == "date":
            return func.to_char(value, text("YYYY-MM-DD"), type_=Text())
        return type_coerce(value, NullType()) if kind == "json" else value

    def hidden(self, value: SQL, kind: Kind) -> SQL:
        if kind == "decimal":
            return cast(value, Text())
        return value if kind == "large" else self.leaf(value, kind)

    def constant(self, is_true: bool) -> SQL:
        return literal_column("true" if is_true else "false")

    def texts(self, value: SQL) -> SQL:
        value = type_coerce(value, JSONB())
        is_right: SQL = literal_column("'$[*] ? (@.type() != \"string\")'::jsonpath")
        is_wrong = or_(func.jsonb_typeof(value) != text("array"), func.jsonb_path_exists(value, is_right))
        return case((is_wrong, self._irregular()), else_=cast(value, JSONB()).op("::")(literal_column("json")))

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
            written = cast(self.leaf(value, kind) if kind in ("moment", "decimal", "date") else value, Text())
        return _token(value, kind, written)

    def _irregular(self) -> SQL:
        return literal_column(f"to_json('{IRREGULAR}'::text)")

    def _json(self, member: SQL) -> SQL:
        return func.to_json(member, type_=NullType())


class SqliteJson(_Shared):
    """JSON by SQLite, whose functions take at most 63 members at once and lose what is JSON in a sub-select."""

    MOST_MEMBERS = 60
    orders_lists = False

    def object(self, pairs: Pairs) -> SQL:
        parts = [func.json_object(*_flat(part), type_=NullType()) for part in _parts(pairs, self.MOST_MEMBERS)]
        if len(parts) == 1:
            return parts[0]
        opened = [
            func.substr(each, literal_column("2"), func.length(each) - literal_column("2"), type_=Text())
            for each in parts
        ]
        joined: list[SQL] = [text("{"), opened[0]]
        for each in opened[1:]:
            joined += [text(","), each]
        return func.json(self.concatenated([*joined, text("}")]), type_=NullType())

    def list(self, items: SQL, *, order_by: Sequence[SQL], only: SQL | None = None) -> SQL:
        del order_by
        made: Any = func.json_group_array(items, type_=NullType())
        return func.json(made if only is None else made.filter(only), type_=NullType())

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
            return _decimal_on_sqlite(value)
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
            return _within_int(value, text(IRREGULAR), type_coerce(value, Integer()))
        if kind == "json":
            return func.json(type_coerce(value, Text()))
        return value

    def hidden(self, value: SQL, kind: Kind) -> SQL:
        if kind in ("decimal", "large"):
            return type_coerce(value, Integer())
        return self.leaf(value, kind)

    def constant(self, is_true: bool) -> SQL:
        return func.json(text("true" if is_true else "false"))

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
        return _token(value, kind, written)

    def _irregular(self) -> SQL:
        return text(IRREGULAR)

    def _json(self, member: SQL) -> SQL:
        return member


_UUID_PIECES = (("1", "8"), ("9", "4"), ("13", "4"), ("17", "4"), ("21", "12"))


def _token(value: SQL, kind: Kind, written: SQL) -> SQL:
    head = text("t" if kind == "text" else "v")
    return case((value.is_(None), text("n")), else_=head.op("||", return_type=Text())(written))


def _within_int(value: SQL, irregular: SQL, member: SQL) -> SQL:
    value = type_coerce(value, Integer())
    outside = or_(value > literal_column(str(LARGEST_INT)), value < literal_column(str(SMALLEST_INT)))
    return case((outside, irregular), else_=member)


def _utc(value: SQL) -> SQL:
    zoneless = func.timezone(text("UTC"), value)
    return func.to_char(zoneless, literal_column('\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''), type_=Text())


def _decimal_on_postgres(value: SQL) -> SQL:
    value = type_coerce(value, NullType())
    short = func.round(value, literal_column("2"))
    return cast(case((value == short, short), else_=func.trim_scale(value)), Text())


def _decimal_on_sqlite(value: SQL) -> SQL:
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


def json_sql(dialect: str) -> JsonSql:
    """Return how the database of this name writes JSON."""
    return SqliteJson() if dialect == "sqlite" else PostgresJson()
