"""Compare a column with any number of values, in one parameter of one statement."""

from collections.abc import Collection
from typing import Any

import orjson
from sqlalchemy import BindParameter, Boolean, Dialect, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

__all__ = ["is_among"]


class _Several(TypeDecorator[Any]):
    """Values of a type together: an array on PostgreSQL, a JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: TypeEngine[Any]) -> None:
        self.kind = kind
        super().__init__()

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use an array where there is one."""
        kind: TypeEngine[Any] = ARRAY(self.kind) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        """Write the values as the column keeps them."""
        values = list(value or ())
        if dialect.name == "postgresql":
            return values
        write = self.kind.dialect_impl(dialect).bind_processor(dialect)
        return orjson.dumps(values if write is None else [write(one) for one in values]).decode()


class is_among(FunctionElement[bool]):  # noqa: N801  # is read as what it says in a condition
    """In SQL, whether the column is one of these values, of which there is no limited number.

    ``values`` is a collection, or the name of the place at which a constant statement gets one.
    """

    type = Boolean()
    inherit_cache = True

    def __init__(self, column: Mapped[Any], values: Collection[Any] | str) -> None:
        given: BindParameter[Any]
        kind = _Several(column.type)  # type: ignore[attr-defined]  # a column of the ORM has one
        if isinstance(values, str):
            given = bindparam(values, type_=kind, required=True)
        else:
            given = bindparam(None, list(values), type_=kind)
        super().__init__(column, given)


@compiles(is_among, "postgresql")
def _on_postgres(among: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, given = (compiler.process(part, **options) for part in among.clauses)
    # A plan is kept. One of `= ANY`, made while the table is small, would hold each of its rows against every value.
    return f"{column} IN (SELECT unnest({given}))"  # a place, no value


@compiles(is_among, "sqlite")
def _on_sqlite(among: Any, compiler: SQLCompiler, **options: Any) -> str:
    column, given = (compiler.process(part, **options) for part in among.clauses)
    return f"{column} IN (SELECT value FROM json_each({given}))"  # noqa: S608  # a place, no value
