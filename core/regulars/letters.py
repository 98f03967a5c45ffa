"""Compare texts without regard to capital letters, of any script, alike on both databases."""

from typing import Any

from sqlalchemy import ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["in_small_letters"]


class in_small_letters(FunctionElement[str]):  # noqa: N801  # is read as what it says in a condition
    """In SQL, the text with small letters only: SQLite's own ``lower`` knows no others than A to Z."""

    type = Text()
    inherit_cache = True

    def __init__(self, text: ColumnElement[Any] | Mapped[Any]) -> None:
        super().__init__(text)


@compiles(in_small_letters)
def _by_its_own(small: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"lower({compiler.process(small.clauses, **options)})"


@compiles(in_small_letters, "sqlite")
def _on_sqlite(small: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"regulars_small_letters({compiler.process(small.clauses, **options)})"
