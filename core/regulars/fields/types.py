"""Declare GraphQL types: those that stand for rows of a table, and those that only group values."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeVar, cast, dataclass_transform

import strawberry
from sqlalchemy import FromClause
from sqlalchemy.sql.elements import ColumnElement

from regulars.tables import Table

__all__ = ["TypeRules", "object_type", "rules_of", "shown_as", "value_type"]

RULES = "__regulars_rules__"

Class = TypeVar("Class", bound=type[Any])
Shown = TypeVar("Shown")


@dataclasses.dataclass(frozen=True)
class TypeRules:
    """What holds for all fields of a GraphQL type.

    ``permission`` of None means that whoever may see the field that leads to the type may see the type's fields.
    ``visible`` is ANDed into every reading of the table. ``is_open`` tells that customers may see rows of nobody.
    """

    table: type[Table] | None
    permission: str | None
    visible: ColumnElement[bool] | None = None
    is_open: bool = False

    @property
    def rows(self) -> type[Any]:
        """Return the class of the rows; only for types that stand for a table."""
        assert self.table is not None
        return self.table

    @property
    def source(self) -> FromClause:
        """Return the table itself; only for types that stand for one."""
        source: FromClause = self.rows.__table__
        return source


def rules_of(cls: type[Any]) -> TypeRules | None:
    """Return the rules of a class made by ``object_type`` or ``value_type``."""
    rules: TypeRules | None = cls.__dict__.get(RULES)
    return rules


@dataclass_transform(kw_only_default=True)
def object_type(
    table: type[Table],
    *,
    name: str,
    permission: str,
    description: str,
    visible: ColumnElement[bool] | None = None,
    is_open: bool = False,
) -> Callable[[Class], Class]:
    """Make a class the GraphQL type of a table's rows; there is one such type for each table.

    Its fields come from ``column``, ``relation``, ``connection`` and ``batch``. ``permission`` is needed for each field
    that names none of its own. Rows for which ``visible`` is false do not exist for readers.
    """

    def decorate(cls: Class) -> Class:
        def is_type_of(_cls: type[Any], source: object, _info: object) -> bool:
            return isinstance(source, table)

        cls.is_type_of = classmethod(is_type_of)
        made = strawberry.type(cls, name=name, description=description)
        setattr(made, RULES, TypeRules(table, permission, visible, is_open))
        return made

    return decorate


@dataclass_transform(kw_only_default=True)
def value_type(*, name: str | None = None, description: str) -> Callable[[Class], Class]:
    """Make a class a GraphQL type that groups values; whoever sees the field that returns it sees all of it."""

    def decorate(cls: Class) -> Class:
        made = strawberry.type(cls, name=name, description=description)
        setattr(made, RULES, TypeRules(None, None))
        return made

    return decorate


def shown_as(cls: type[Shown], row: Table) -> Shown:
    """Return a row where a payload wants the GraphQL type of its table."""
    return cast(Shown, row)
