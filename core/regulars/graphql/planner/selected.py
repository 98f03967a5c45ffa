"""A field as an operation selects it, and whoever writes it in SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import GraphQLField, GraphQLNonNull, GraphQLObjectType, get_named_type
from graphql.execution.collect_fields import FieldDetails
from sqlalchemy import FromClause
from sqlalchemy.sql.elements import ColumnElement

from regulars.fields.types import TypeRules
from regulars.graphql.planner.drafts import Draft, Place, Step
from regulars.graphql.planner.json_sql import SQL, JsonSql
from regulars.graphql.schema.building import BuiltSchema
from regulars.graphql.schema.composition import OwnedField

__all__ = ["TYPENAME", "Chosen", "Details", "Selects", "object_of"]

TYPENAME = "__typename"
Details = list[FieldDetails]


def object_of(field: GraphQLField) -> GraphQLObjectType:
    """Return the object type that a field leads to."""
    kind = get_named_type(field.type)
    assert isinstance(kind, GraphQLObjectType)
    return kind


@dataclass(frozen=True)
class Chosen:
    """A field that an operation selects on objects of ``kind`` in one place, under ``key``."""

    kind: GraphQLObjectType
    owned: OwnedField
    key: str
    details: Details
    place: Place = ()

    @property
    def definition(self) -> GraphQLField:
        """Return the field as the schema has it."""
        definition: GraphQLField = self.kind.fields[self.owned.name]
        return definition

    @property
    def is_non_null(self) -> bool:
        """Tell whether the field may not be null."""
        return isinstance(self.definition.type, GraphQLNonNull)

    def inside(self, *, is_list: bool = False) -> Place:
        """Return the place of the objects that the field leads to."""
        return (*self.place, Step(self.key, is_list))


class Selects(Protocol):
    """Whoever writes the selection of one operation, piece by piece."""

    schema: BuiltSchema
    json: JsonSql
    draft: Draft

    def row(self, kind: GraphQLObjectType, details: Details, source: FromClause, place: Place) -> SQL:
        """Return the JSON of a row of ``source``, shown as ``kind``."""
        ...

    def subfields(self, kind: GraphQLObjectType, details: Details) -> Mapping[str, Details]:
        """Return what is selected inside a field, for objects of one type."""
        ...

    def rules(self, target: type[Any]) -> TypeRules:
        """Return the rules of a type that stands for rows."""
        ...

    def visible(self, rules: TypeRules, source: FromClause, where: ColumnElement[bool] | None) -> list[SQL]:
        """Return what must hold for rows of ``source`` besides what the client asks for."""
        ...

    def may(self, permission: str | None) -> bool:
        """Tell whether whoever asks has a permission."""
        ...
