"""Write JSON in the SQL of PostgreSQL."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Float, Text, case, cast, func, literal_column, or_, type_coerce
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.types import NullType

from regulars.fields.kinds import Kind
from regulars.graphql.planner.json_sql import (
    SQL,
    JsonSql,
    Pairs,
    SharedJson,
    joined_objects,
    members,
    text,
    token,
    within_int,
)
from regulars.sqlite_functions import IRREGULAR

__all__ = ["json_on_postgres"]


class _PostgresJson(SharedJson):
    """JSON by PostgreSQL, whose functions take at most 50 members at once."""

    MOST_MEMBERS = 50
    orders_lists = True

    def object(self, pairs: Pairs) -> SQL:
        parts = [func.json_build_object(*part, type_=NullType()) for part in members(pairs, self.MOST_MEMBERS)]
        if len(parts) == 1:
            return parts[0]
        texts = [cast(part, Text()) for part in parts]
        return self.concatenated(joined_objects(texts)).op("::")(literal_column("json"))

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
            return _decimal(value)
        if kind == "number":
            wide = cast(value, Float(53))
            is_odd = wide.in_([literal_column(f"'{word}'::float8") for word in ("NaN", "Infinity", "-Infinity")])
            return case((is_odd, self._irregular()), else_=func.to_json(wide))
        if kind == "large":
            return within_int(value, self._irregular(), func.to_json(value))
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
        return token(value, kind, written)

    def _irregular(self) -> SQL:
        return literal_column(f"to_json('{IRREGULAR}'::text)")

    def _json(self, member: SQL) -> SQL:
        return func.to_json(member, type_=NullType())


def _utc(value: SQL) -> SQL:
    zoneless = func.timezone(text("UTC"), value)
    spelled = func.to_char(zoneless, literal_column('\'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\''), type_=Text())
    if getattr(value, "table", None) is None:
        return spelled  # an expression would be evaluated several times
    # A cast takes half as long as to_char; it leaves out the zeros in the end, so its length tells what is missing.
    short = cast(zoneless, Text())
    joined = func.replace(short, text(" "), text("T"), type_=Text())
    known: list[tuple[SQL, SQL]] = [
        (literal_column(length), joined.op("||", return_type=Text())(text(end)))
        for length, end in (("26", "Z"), ("19", ".000000Z"), ("23", "000Z"))
    ]
    return case(*known, value=func.length(short), else_=spelled)


def _decimal(value: SQL) -> SQL:
    value = type_coerce(value, NullType())
    short = func.round(value, literal_column("2"))
    return cast(case((value == short, short), else_=func.trim_scale(value)), Text())


def json_on_postgres() -> JsonSql:
    """Return how PostgreSQL writes JSON."""
    return _PostgresJson()
