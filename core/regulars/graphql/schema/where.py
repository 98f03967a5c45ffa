"""Derive `where` and `orderBy` from the declared fields, and compile what a client gives into SQL."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol
from uuid import UUID

import strawberry
from sqlalchemy import FromClause, Uuid, and_, exists, false, not_, or_, select, true
from sqlalchemy.sql.elements import ColumnElement

from regulars.fields.declarations import Column, Connected, Related
from regulars.fields.filters import OrderDirection, OrderNulls, filter_input_of, filter_predicate
from regulars.fields.ids import row_id
from regulars.fields.policy import RowPolicy, adapted
from regulars.graphql.schema.composed_inputs import InputField, InputTypes
from regulars.graphql.schema.composition import Composition, OwnedField, shape_of

__all__ = ["ExtraFilter", "ExtraSort", "Filters", "Reader", "SortKey", "attribute_of", "primary_key"]

LOGIC = {
    "AND": "All of these hold; an empty list matches nothing.",
    "OR": "At least one of these holds; an empty list matches nothing.",
}
QUANTIFIERS = {
    "some": "At least one of them matches.",
    "none": "None of them matches.",
    "every": "All of them match; also when there is none.",
}


class Reader(Protocol):
    """Whoever reads: what they may see decides which filters they may use and which rows count."""

    def segment(self, id: UUID) -> Mapping[str, Any]:
        """Return the filter of a segment that is named, ready to be compiled."""
        ...

    @property
    def policy(self) -> RowPolicy:
        """Return which rows may be seen."""
        ...

    def require(self, permission: str) -> None:
        """Raise ``Forbidden`` unless the permission is there."""
        ...


@dataclass(frozen=True)
class ExtraFilter:
    """A filter of a type that is no declared field, such as the segment that a customer is in."""

    name: str
    description: str
    input_type: Any
    predicate: "Callable[[Any, FromClause, Reader, Filters], ColumnElement[bool]]"


@dataclass(frozen=True)
class SortKey:
    """Something to sort by: its SQL over a source, and the permission it needs."""

    expression: Callable[[FromClause], ColumnElement[Any]]
    permission: str


@dataclass(frozen=True)
class ExtraSort:
    """A sort key of a type that is no declared field, such as a trait."""

    name: str
    key: SortKey


def primary_key(source: FromClause) -> ColumnElement[Any]:
    """Return the one column by which rows of a declared type are told apart.

    Where the key has several columns and none is called ``id`` it is the last one: pages of such a type are ordered by
    the others.
    """
    keys = list(source.primary_key)
    return source.c.id if len(keys) > 1 and "id" in source.c else keys[-1]


def attribute_of(column: ColumnElement[Any]) -> str:
    """Return the name under which a row carries the value of a column."""
    assert column.key is not None
    return column.key


@dataclass
class Filters:
    """The filters and orders of every declared type, for one schema."""

    composition: Composition
    inputs: InputTypes
    extra_filters: Mapping[str, Sequence[ExtraFilter]] = field(default_factory=dict)
    extra_sorts: Mapping[str, Sequence[ExtraSort]] = field(default_factory=dict)
    _sorts: dict[type[Any], dict[str, SortKey]] = field(default_factory=dict)
    _orders: dict[type[Any], type[Any] | None] = field(default_factory=dict)

    def name_of(self, cls: type[Any]) -> str:
        """Return the GraphQL name of a declared type."""
        name: str = cls.__strawberry_definition__.name
        return name

    # The inputs

    def where_input(self, cls: type[Any]) -> type[Any]:
        """Return the input type that filters rows of ``cls``."""
        name = f"{self.name_of(cls)}Where"
        if name in self.inputs:
            return self.inputs[name]
        self.inputs._names[name] = None  # a type that is being made may be referred to
        fields = [InputField(word, f"List[{name}]", text) for word, text in LOGIC.items()]
        fields.append(InputField("NOT", name, "This does not hold."))
        for owned in self.composition.fields_of_class(cls):
            made = self._where_field(owned)
            if made is not None:
                fields.append(made)
        fields += [
            InputField(extra.name, extra.input_type, extra.description)
            for extra in self.extra_filters.get(self.name_of(cls), ())
        ]
        return self.inputs.make(name, f"Which rows of {self.name_of(cls)}; all that is given must hold.", fields)

    def _where_field(self, owned: OwnedField) -> InputField | None:
        declared = owned.rules.declaration
        if isinstance(declared, Column) and declared.is_filterable:
            return InputField(owned.name, _filter_input(declared, owned), f"On `{owned.name}`.")
        if not isinstance(declared, Related | Connected) or declared.key is None:
            return None
        shape = shape_of(owned.field)
        inner = self.name_of(shape.of) + "Where"
        self.where_input(shape.of)
        if not shape.is_many:
            return InputField(owned.name, inner, f"On `{owned.name}`.")
        name = f"{inner}List"
        if name not in self.inputs:
            words = [InputField(word, inner, text) for word, text in QUANTIFIERS.items()]
            self.inputs.make(name, f"Which rows of {self.name_of(shape.of)} belong to it.", words)
        return InputField(owned.name, name, f"On `{owned.name}`.")

    def sort_keys(self, cls: type[Any]) -> dict[str, SortKey]:
        """Return what rows of ``cls`` can be sorted by, by the name in the enum."""
        if cls not in self._sorts:
            keys: dict[str, SortKey] = {}
            for owned in self.composition.fields_of_class(cls):
                self._add_sorts(keys, cls, owned)
            keys.update({extra.name: extra.key for extra in self.extra_sorts.get(self.name_of(cls), ())})
            self._sorts[cls] = keys
        return self._sorts[cls]

    def _add_sorts(self, keys: dict[str, SortKey], cls: type[Any], owned: OwnedField) -> None:
        declared = owned.rules.declaration
        rules = self.composition.rules_of_class(cls)
        if isinstance(declared, Column) and declared.is_sortable:
            keys[_constant(owned.name)] = SortKey(
                lambda source, expression=declared.expression: adapted(expression, source),  # type: ignore[misc]
                owned.rules.permission or rules.permission or "",
            )
        if isinstance(declared, Related) and not shape_of(owned.field).is_many:
            target = shape_of(owned.field).of
            inner_rules = self.composition.rules_of_class(target)
            for inner in self.composition.fields_of_class(target):
                column = inner.rules.declaration
                if isinstance(column, Column) and column.is_sortable and declared.key.table is inner_rules.source:
                    keys[f"{_constant(owned.name)}_{_constant(inner.name)}"] = SortKey(
                        _related_value(declared, column, inner_rules.source),
                        inner.rules.permission or inner_rules.permission or "",
                    )

    def order_input(self, cls: type[Any]) -> type[Any] | None:
        """Return the input type that orders rows of ``cls``; None where nothing is sortable."""
        if cls not in self._orders:
            keys = self.sort_keys(cls)
            name = self.name_of(cls)
            if keys:
                values = strawberry.enum(_enum(f"{name}OrderField", keys), description=f"What {name} can be sorted by.")
                self._orders[cls] = self.inputs.make(
                    f"{name}Order",
                    f"One key of an order of {name}; ties are always broken by id.",
                    [
                        InputField("field", values, "What to sort by.", is_required=True),
                        InputField("direction", OrderDirection, "In which direction; ascending unless said otherwise."),
                        InputField(
                            "nulls", OrderNulls, "Where rows without a value stand; last unless said otherwise."
                        ),
                    ],
                )
            else:
                self._orders[cls] = None
        return self._orders[cls]

    # The SQL

    def predicate(
        self, cls: type[Any], given: Mapping[str, Any], source: FromClause, reader: Reader
    ) -> ColumnElement[bool]:
        """Compile a ``where`` over ``source``, the type's table or an alias of it.

        Raises ``Forbidden`` where the reader lacks a permission that a filter needs.
        """
        fields = {owned.name: owned for owned in self.composition.fields_of_class(cls)}
        extras = {extra.name: extra for extra in self.extra_filters.get(self.name_of(cls), ())}
        conditions: list[ColumnElement[bool]] = []
        for name, value in given.items():
            if value is None:
                continue
            if name in ("AND", "OR"):
                parts = [self.predicate(cls, part, source, reader) for part in value]
                join = and_ if name == "AND" else or_
                conditions.append(join(*parts) if parts else false())
            elif name == "NOT":
                conditions.append(not_(self.predicate(cls, value, source, reader)))
            elif name in extras:
                conditions.append(extras[name].predicate(value, source, reader, self))
            else:
                conditions.append(self._on_field(cls, fields[name], value, source, reader))
        return and_(true(), *conditions)

    def _on_field(
        self, cls: type[Any], owned: OwnedField, value: Mapping[str, Any], source: FromClause, reader: Reader
    ) -> ColumnElement[bool]:
        rules = self.composition.rules_of_class(cls)
        permission = owned.rules.permission or rules.permission
        if permission:
            reader.require(permission)
        declared = owned.rules.declaration
        if isinstance(declared, Column):
            return filter_predicate(adapted(declared.expression, source), self._plain(cls, declared, value))
        assert isinstance(declared, Related | Connected)
        shape = shape_of(owned.field)
        if not shape.is_many:
            return self._some(shape.of, declared, value, source, reader)
        conditions = []
        for word, inner in value.items():
            if inner is None:
                continue
            if word == "every":
                conditions.append(not_(self._some(shape.of, declared, {"NOT": inner}, source, reader)))
            else:
                some = self._some(shape.of, declared, inner, source, reader)
                conditions.append(some if word == "some" else not_(some))
        return and_(true(), *conditions)

    def _some(
        self,
        target: type[Any],
        declared: Related | Connected,
        given: Mapping[str, Any],
        source: FromClause,
        reader: Reader,
    ) -> ColumnElement[bool]:
        rules = self.composition.rules_of_class(target)
        other = rules.source.alias()
        assert declared.key is not None
        conditions = [
            _join(declared.key, source, other, rules.source),
            reader.policy.condition(rules, other),
            self.predicate(target, given, other, reader),
        ]
        if declared.where is not None:
            conditions.append(adapted(declared.where, other))
        return exists(select(1).select_from(other).where(*conditions).correlate(source))

    def _plain(self, cls: type[Any], declared: Column, given: Mapping[str, Any]) -> dict[str, Any]:
        if not isinstance(declared.expression.type, Uuid):
            return dict(given)
        name = self.name_of(cls)
        return {
            word: value
            if word == "isNull" or value is None
            else [row_id(name, each) for each in value]
            if isinstance(value, list)
            else row_id(name, value)
            for word, value in given.items()
        }


def _filter_input(declared: Column, owned: OwnedField) -> type[Any]:
    shape = shape_of(owned.field)
    kind = strawberry.ID if declared.is_global_id else shape.of
    if declared.currency is not None:
        kind = declared.expression.type.python_type
    made = filter_input_of(kind) or filter_input_of(str)
    assert made is not None
    return made


def _join(key: ColumnElement[Any], source: FromClause, other: FromClause, target: FromClause) -> ColumnElement[bool]:
    if key.table is target:
        return adapted(key, other) == primary_key(source)
    return primary_key(other) == adapted(key, source)


def _related_value(related: Related, column: Column, target: FromClause) -> Callable[[FromClause], ColumnElement[Any]]:
    def expression(source: FromClause) -> ColumnElement[Any]:
        other = target.alias()
        return (
            select(adapted(column.expression, other))
            .where(_join(related.key, source, other, target))
            .correlate(source)
            .scalar_subquery()
        )

    return expression


def _constant(name: str) -> str:
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in name).upper()


def _enum(name: str, keys: Mapping[str, SortKey]) -> Any:
    return Enum(name, {key: key for key in keys})
