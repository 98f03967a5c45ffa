"""Put the fields of the core and of plugins together, type by type, and refuse what does not fit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ScalarSelect
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    get_object_definition,
)
from strawberry.types.field import StrawberryField

from regulars.errors import ConfigurationError
from regulars.fields.declarations import Batch, Column, Connected, FieldRules, RegularsField, Related
from regulars.fields.kinds import kind_of
from regulars.fields.types import TypeRules, rules_of
from regulars.plugins.contributions import GraphQLPart
from regulars.tables import Table

__all__ = ["CORE_OWNER", "Composition", "FieldRefused", "OwnedField", "OwnedPart", "Shape", "shape_of"]

CORE_OWNER, CORE_PACKAGE = "core", "regulars."
ROOTS = ("Query", "Mutation", "Subscription")
NAMES = StrawberryConfig().name_converter


class FieldRefused(ConfigurationError):
    """A field cannot become part of the schema; ``owner`` is the plugin that must change, or the core."""

    code = "FIELD_REFUSED"

    def __init__(self, owner: str, field: str, problem: str) -> None:
        self.owner, self.field = owner, field
        super().__init__(f"The field {field} of {owner} cannot be used: {problem}")


class TypeUnclaimed(ConfigurationError):
    """A plugin brings a type that its manifest does not name, so nobody would answer for its fields."""

    code = "TYPE_UNCLAIMED"

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name
        super().__init__(f"The type {type_name} is claimed by no plugin. Name it in graphql_types of the manifest.")


@dataclass(frozen=True)
class OwnedPart:
    """Fields with the name of whoever adds them: ``core`` or a plugin's id."""

    owner: str
    part: GraphQLPart
    type_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class OwnedField:
    """A field of a type, under its GraphQL name, with its owner."""

    type_name: str
    name: str
    field: StrawberryField
    owner: str

    @property
    def rules(self) -> FieldRules:
        """Return the field's rules; a plain strawberry field has none of its own."""
        return self.field.rules if isinstance(self.field, RegularsField) else FieldRules()

    @property
    def path(self) -> str:
        """Return the field as documentation writes it: ``Customer.clv``."""
        return f"{self.type_name}.{self.name}"


@dataclass(frozen=True)
class Shape:
    """What a field returns: a class or scalar, whether many of it, whether a page of it, whether it may be null."""

    of: Any
    is_many: bool = False
    is_page: bool = False
    is_optional: bool = False


def shape_of(field: StrawberryField) -> Shape:
    """Return what a field returns, without the wrapping."""
    kind: Any = field.type
    is_optional = isinstance(kind, StrawberryOptional)
    if is_optional:
        kind = kind.of_type
    if isinstance(kind, StrawberryList):
        inner = kind.of_type
        return Shape(
            inner.of_type if isinstance(inner, StrawberryOptional) else inner, is_many=True, is_optional=is_optional
        )
    definition = get_object_definition(kind)
    if definition is not None and definition.concrete_of is not None and "Item" in definition.type_var_map:
        return Shape(definition.type_var_map["Item"], is_many=True, is_page=True, is_optional=is_optional)
    return Shape(kind, is_optional=is_optional)


class Composition:
    """All fields of all types, for one set of plugins."""

    def __init__(self, parts: Sequence[OwnedPart]) -> None:
        self._added: dict[str, list[OwnedField]] = {}
        self._fields: dict[type[Any], tuple[OwnedField, ...]] = {}
        self._owners = {name: part.owner for part in parts for name in part.type_names}
        for part in parts:
            for type_name, cls in part.part.fields.items():
                self._add(part.owner, type_name, cls)

    def _add(self, owner: str, type_name: str, cls: type[Any]) -> None:
        definition = get_object_definition(cls)
        if definition is None:
            raise FieldRefused(owner, f"{type_name}.{cls.__name__}", "make the class with strawberry.type.")
        there = {field.name: field for field in self._added.get(type_name, ())}
        for field in definition.fields:
            name = NAMES.from_field(field)
            if name in there:
                raise FieldRefused(
                    owner, f"{type_name}.{name}", f"{there[name].owner} has a field of that name already."
                )
            owned = OwnedField(type_name, name, field, owner)
            there[name] = owned
            self._added.setdefault(type_name, []).append(owned)

    def fields_of(self, definition: StrawberryObjectDefinition) -> tuple[OwnedField, ...]:
        """Return the fields of a type: its own first, then what was added to it."""
        cls = definition.origin
        if cls not in self._fields:
            name = definition.name
            owner = self._owners.get(name, CORE_OWNER)
            own = [OwnedField(name, NAMES.from_field(field), field, owner) for field in definition.fields]
            taken = {field.name for field in own}
            for added in self._added.get(name, ()):
                if added.name in taken:
                    raise FieldRefused(added.owner, added.path, "the type has a field of that name already.")
            self._fields[cls] = (*own, *(self._checked(added) for added in self._added.get(name, ())))
        return self._fields[cls]

    def check_claim(self, definition: StrawberryObjectDefinition) -> None:
        """Refuse a type that comes neither from the core nor from a plugin that claims it."""
        is_cores = definition.concrete_of is not None or definition.origin.__module__.startswith(CORE_PACKAGE)
        if not is_cores and definition.name not in self._owners:
            raise TypeUnclaimed(definition.name)

    def _checked(self, added: OwnedField) -> OwnedField:
        if added.owner == CORE_OWNER or added.type_name in ROOTS:
            return added
        if not shape_of(added.field).is_optional:
            raise FieldRefused(
                added.owner, added.path, "a plugin's field may fail, so it must be nullable: write T | None."
            )
        return added

    def added_to(self, type_names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of types that get fields but are none of ``type_names``."""
        return tuple(name for name in self._added if name not in set(type_names))

    def fields_of_class(self, cls: type[Any]) -> tuple[OwnedField, ...]:
        """Return the fields of a class made by ``object_type``."""
        definition = get_object_definition(cls, strict=True)
        return self.fields_of(definition)

    def rules_of_class(self, cls: type[Any]) -> TypeRules:
        """Return the rules of a declared type; only declared types can be related to."""
        rules = rules_of(cls)
        if rules is None or rules.table is None:
            raise ConfigurationError(f"{cls.__name__} has no table. Make it with regulars.object_type(TABLE, …).")
        return rules

    def check_declaration(self, owned: OwnedField, table: type[Table] | None) -> None:
        """Refuse a declaration whose columns lie in no table of its type, naming field and owner."""
        declared = owned.rules.declaration
        if table is None:
            if isinstance(declared, Column | Batch | Related):
                raise FieldRefused(
                    owned.owner, owned.path, "a column, relation or batch needs a type made by object_type."
                )
            return
        home = table.__table__  # type: ignore[attr-defined]
        if isinstance(declared, Column):
            sources = declared.expression._from_objects
            if sources and home not in sources and not isinstance(declared.expression, ScalarSelect):
                raise FieldRefused(owned.owner, owned.path, f"its expression does not read from {home.name}.")
            # The core has one such field, AuditEntry.seq, which grows by one with each entry.
            is_plugins = owned.owner != CORE_OWNER
            if is_plugins and kind_of(declared.expression.type) == "large" and shape_of(owned.field).of is int:
                raise FieldRefused(
                    owned.owner,
                    owned.path,
                    "its numbers have 64 bits, and Int has 32. Show them as text: cast the column to String.",
                )
        if isinstance(declared, Batch):
            for required in declared.requires:
                if getattr(required, "table", None) is not home:
                    raise FieldRefused(
                        owned.owner, owned.path, f"it requires {required}, which is no column of {home.name}."
                    )
        if isinstance(declared, Related | Connected) and declared.key is not None:
            shape = shape_of(owned.field)
            target = self.rules_of_class(shape.of).table
            assert target is not None
            if declared.key.table not in (home, target.__table__):  # type: ignore[attr-defined]
                raise FieldRefused(
                    owned.owner,
                    owned.path,
                    f"{declared.key} is a column of neither {home.name} nor {target.__tablename__}.",
                )
