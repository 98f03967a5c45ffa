"""Build the schema of one set of plugins, and check every field of it before the server starts."""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLOutputType, GraphQLSchema
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.config import StrawberryConfig
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from regulars.errors import ConfigurationError
from regulars.fields.declarations import Batch, Column, Connected, Lookup, Related
from regulars.fields.scalars import SCALARS
from regulars.fields.types import RULES, TypeRules
from regulars.graphql.executor.batches import batched
from regulars.graphql.executor.guard import guarded, mutating, mutating_alone
from regulars.graphql.executor.loaders import Loading, lies_in_row
from regulars.graphql.executor.page_loading import Paging
from regulars.graphql.schema.composed_inputs import InputTypes
from regulars.graphql.schema.composition import (
    ROOTS,
    Composition,
    FieldRefused,
    OwnedField,
    OwnedPart,
    shape_of,
)
from regulars.graphql.schema.input_reading import remember_inputs
from regulars.graphql.schema.roots import Mutation, Query, Subscription
from regulars.graphql.schema.where import ExtraFilter, ExtraSort, Filters

__all__ = ["PUBLIC", "BuiltSchema", "MissingPermission", "SchemaParts", "build_schema"]

PUBLIC = "public"
"""The permission of the few fields that anybody may see, written out so that nothing is public by accident."""

DEFINITION = "strawberry-definition"


class MissingPermission(ConfigurationError):
    """A field says nothing about who may see it, so the server does not start."""

    code = "MISSING_PERMISSION"

    def __init__(self, owner: str, path: str) -> None:
        self.owner, self.path = owner, path
        super().__init__(
            f"The field {path} of {owner} names no permission. Give it `permission=`, or make its type with"
            " regulars.object_type or regulars.value_type."
        )


@dataclass(frozen=True)
class SchemaParts:
    """All that goes into a schema: fields by owner, and filters and orders that are no fields.

    ``late`` makes further parts once the filters exist, for inputs that contain a ``where``.
    """

    parts: Sequence[OwnedPart]
    extra_filters: Callable[[InputTypes], Mapping[str, Sequence[ExtraFilter]]] = lambda _inputs: {}
    extra_sorts: Mapping[str, Sequence[ExtraSort]] = field(default_factory=dict)
    late: Callable[[Filters], Sequence[OwnedPart]] = lambda _filters: ()


@dataclass(frozen=True)
class BuiltSchema:
    """A schema that is ready to answer, with who owns each field and which permission it needs.

    ``lone_mutations`` have their own transactions; ``in_row`` are the paths of fields that a row carries itself,
    as they were given.
    ``sdl`` writes the schema down, which only documents need.
    """

    graphql: GraphQLSchema
    filters: Filters
    permissions: Mapping[str, str | None]
    owners: Mapping[str, str]
    fields: Mapping[str, OwnedField]
    tables: Mapping[str, TypeRules]
    nodes: Mapping[str, TypeRules]
    lone_mutations: frozenset[str]
    in_row: frozenset[str]
    sdl: Callable[[], str]


class _ComposedSchema(strawberry.Schema):
    """A strawberry schema whose types have the fields of one composition, without changing any class."""

    def __init__(self, composition: Composition, filters: Filters, **given: Any) -> None:
        self._composition, self._filters = composition, filters
        super().__init__(**given)

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        if type_definition.is_input:
            return type_definition.fields
        return [self._with_arguments(owned) for owned in self._composition.fields_of(type_definition)]

    def _with_arguments(self, owned: OwnedField) -> StrawberryField:
        declared = owned.rules.declaration
        if not isinstance(declared, Lookup | Connected):
            return owned.field
        made = copy(owned.field)
        if isinstance(declared, Lookup):
            made.arguments = [
                _argument(name, argument.type | None, argument.description)
                for name, argument in declared.arguments.items()
            ]
        else:
            made.arguments = list(self._page_arguments(declared, shape_of(owned.field).of))
        return made

    def _page_arguments(self, declared: Connected, target: type[Any]) -> Sequence[StrawberryArgument]:
        arguments = [
            _argument("first", int | None, "How many items from the start, 1 to 100; 25 unless said otherwise."),
            _argument("after", str | None, "Only what comes after this cursor."),
            _argument("last", int | None, "How many items from the end, 1 to 100."),
            _argument("before", str | None, "Only what comes before this cursor."),
            _argument("where", self._filters.where_input(target) | None, "Only items for which this holds."),
        ]
        order = self._filters.order_input(target)
        if order is not None:
            arguments.append(_argument("orderBy", list[order] | None, "How to sort; ties are broken by id."))  # type: ignore[valid-type]
        if declared.search is not None:
            arguments.append(_argument("search", str | None, "Only items in which all these words begin."))
        return arguments


def _argument(name: str, kind: Any, description: str) -> StrawberryArgument:
    return StrawberryArgument(
        python_name=name, graphql_name=name, type_annotation=StrawberryAnnotation(kind), description=description
    )


def build_schema(parts: SchemaParts) -> BuiltSchema:
    """Return the schema of these parts.

    Raises ``FieldRefused`` or ``MissingPermission``, naming the field and its owner, and ``ConfigurationError`` for a
    part that adds fields to a type that does not exist.
    """
    inputs = InputTypes()
    filters = Filters(Composition(parts.parts), inputs, parts.extra_filters(inputs), parts.extra_sorts)
    late = parts.late(filters)
    if late:
        filters.composition = Composition([*parts.parts, *late])
    composition = filters.composition
    made = _ComposedSchema(
        composition,
        filters,
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        scalar_overrides=SCALARS,
        config=StrawberryConfig(auto_camel_case=True),
    )
    schema = made._schema
    unknown = composition.added_to(schema.type_map)
    if unknown:
        raise ConfigurationError(f"Fields are added to the types {', '.join(unknown)}, which do not exist.")
    remember_inputs(schema)
    attach = _Attaching(composition, filters)
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            attach.type(kind)
    return BuiltSchema(
        schema,
        filters,
        attach.permissions,
        attach.owners,
        attach.fields,
        attach.tables,
        attach.nodes,
        frozenset(attach.lone_mutations),
        frozenset(attach.in_row),
        made.as_str,
    )


class _Attaching:
    """Gives every field of a schema its resolver, its guard and its price."""

    def __init__(self, composition: Composition, filters: Filters) -> None:
        self._composition, self._loading, self._paging = composition, Loading(filters), Paging(filters)
        self.permissions: dict[str, str | None] = {}
        self.owners: dict[str, str] = {}
        self.fields: dict[str, OwnedField] = {}
        self.tables: dict[str, TypeRules] = {}
        self.nodes: dict[str, TypeRules] = {}
        self.lone_mutations: set[str] = set()
        self.in_row: set[str] = set()

    def type(self, kind: GraphQLObjectType) -> None:
        definition: StrawberryObjectDefinition = kind.extensions[DEFINITION]
        rules: TypeRules | None = getattr(definition.origin, RULES, None)
        self._composition.check_claim(definition)
        if rules is not None and rules.table is not None:
            self.tables[kind.name] = rules
            if any(each.name == "Node" for each in kind.interfaces):
                self.nodes[kind.name] = rules
        for owned in self._composition.fields_of(definition):
            field_ = kind.fields[owned.name]
            path = f"{kind.name}.{owned.name}"
            if rules is None and kind.name not in ROOTS:
                raise MissingPermission(owned.owner, path)
            if not owned.field.description:
                raise FieldRefused(owned.owner, path, "it has no description.")
            permission = owned.rules.permission or (rules.permission if rules else None)
            if permission is None and kind.name in ROOTS:
                raise MissingPermission(owned.owner, path)
            self._check_null(owned, path, permission, rules)
            if lies_in_row(owned.rules.declaration, rules):
                self.in_row.add(path)
            self.permissions[path], self.owners[path], self.fields[path] = permission, owned.owner, owned
            self._attach(kind, field_, owned, rules, None if permission == PUBLIC else permission)

    def _check_null(self, owned: OwnedField, path: str, permission: str | None, rules: TypeRules | None) -> None:
        inherited = rules is not None and permission == rules.permission
        is_subscription = owned.field.is_subscription
        if not inherited and permission != PUBLIC and not is_subscription and not shape_of(owned.field).is_optional:
            raise FieldRefused(
                owned.owner, path, f"whoever lacks {permission} gets null instead. Let its type end with `| None`."
            )

    def _attach(
        self,
        kind: GraphQLObjectType,
        field_: GraphQLField,
        owned: OwnedField,
        rules: TypeRules | None,
        permission: str | None,
    ) -> None:
        self._composition.check_declaration(owned, rules.table if rules else None)
        if owned.rules.price is not None:
            field_.extensions = {**field_.extensions, "regulars": owned.rules.price}
        resolve = self._resolver(owned, rules, field_.type) or field_.resolve or _attribute(owned.field.python_name)
        if kind.name == "Mutation":
            change = mutating
            if owned.rules.has_own_transactions:
                change = mutating_alone
                self.lone_mutations.add(owned.name)
            resolve = change(resolve, shape_of(owned.field).of)
        if owned.field.is_subscription:
            assert field_.subscribe is not None
            field_.subscribe = guarded(owned, field_.subscribe, permission, field_.type)
        else:
            field_.resolve = guarded(owned, resolve, permission, field_.type)

    def _resolver(
        self, owned: OwnedField, rules: TypeRules | None, kind: GraphQLOutputType
    ) -> Callable[..., Any] | None:
        declared = owned.rules.declaration
        if isinstance(declared, Connected):
            return self._paging.connected(declared, rules, owned)
        if isinstance(declared, Lookup):
            return self._loading.lookup(declared, owned)
        if rules is None or rules.table is None:
            return None
        if isinstance(declared, Column):
            return self._loading.column(declared, rules, owned)
        if isinstance(declared, Related):
            return self._loading.related(declared, rules, owned)
        if isinstance(declared, Batch):
            return batched(declared, owned, kind)
        return None


def _attribute(name: str) -> Callable[..., Any]:
    return lambda source, info: getattr(source, name)
