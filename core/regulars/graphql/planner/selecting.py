"""Turn what is selected into SQL: objects into JSON objects, columns into members, relations into sub-selects."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    get_named_type,
    get_nullable_type,
)
from graphql.execution.collect_fields import FieldDetails, collect_fields
from graphql.execution.executor import Executor
from sqlalchemy import FromClause, Select, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement

from regulars.errors import Forbidden
from regulars.fields.declarations import Batch, Column, Connected, Lookup, Named, Related
from regulars.fields.kinds import can_be_null, is_shown_as, kind_of
from regulars.fields.policy import RowPolicy, adapted
from regulars.fields.types import TypeRules
from regulars.graphql.composition import CORE_OWNER, OwnedField, shape_of
from regulars.graphql.planner.drafts import BatchPlace, Draft, Note, Place, Refused, Step
from regulars.graphql.planner.json_sql import SQL, JsonSql, null, text
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.planner.paging import connection
from regulars.graphql.planner.parts import LookupPart, NamedPart
from regulars.graphql.plugin_calls import RESTING, PluginFieldFailed
from regulars.graphql.schema import PUBLIC, BuiltSchema
from regulars.graphql.where import primary_key

__all__ = ["Selecting", "is_non_null"]

Selected = Mapping[str, list[FieldDetails]]
Member = tuple[str, SQL]

HIDDEN = "regulars:"
TYPENAME = "__typename"


def is_non_null(kind: GraphQLOutputType) -> bool:
    """Tell whether a field may not be null."""
    return isinstance(kind, GraphQLNonNull)


class Selecting:
    """Writes the selection of one operation for one set of permissions."""

    def __init__(
        self,
        schema: BuiltSchema,
        executor: Executor[Any],
        json: JsonSql,
        draft: Draft,
        *,
        permissions: frozenset[str],
        policy: RowPolicy,
        resting: frozenset[str],
    ) -> None:
        self.schema, self.json, self.draft, self.policy = schema, json, draft, policy
        self.filters = schema.filters
        self._executor, self._permissions, self._resting = executor, permissions, resting

    def operation(self) -> Select[Any]:
        """Return the statement of the whole operation."""
        root = self.schema.graphql.query_type
        assert root is not None
        operation = self._executor.operation
        selected = collect_fields(
            self.schema.graphql, self._executor.fragments, self._executor.variable_values, root, operation
        ).grouped_field_set
        members = [(key, self._root(root, key, details)) for key, details in selected.items()]
        return select(self.json.whole(self.json.object(members)))

    def _root(self, root: GraphQLObjectType, key: str, details: list[FieldDetails]) -> SQL:
        name = details[0].node.name.value
        if name == TYPENAME:
            return text(root.name)
        owned = self._owned(root, name)
        declared = owned.rules.declaration
        if not isinstance(declared, Connected | Lookup | Named):
            raise NotPlanned(owned.path, "is answered by a resolver")
        withheld = self._withheld(root, owned, key, details, ())
        if withheld is not None:
            return withheld
        if isinstance(declared, Connected):
            self._note(owned, key, (), "connection")
            return connection(self, declared, owned, root.fields[name], key, details, None, ())
        if isinstance(declared, Named):
            self._note(owned, key, (), "lookup")
            return self._named(declared, owned, root.fields[name], key, details)
        self._note(owned, key, (), "lookup")
        return self._lookup(declared, owned, root.fields[name], key, details)

    def subfields(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Selected:
        """Return what is selected inside a field, for objects of one type."""
        collected = self._executor.collect_subfields(kind, details)
        return collected.grouped_field_set

    def row(self, kind: GraphQLObjectType, details: list[FieldDetails], source: FromClause, place: Place) -> SQL:
        """Return the JSON of a row of ``source`` that is shown as ``kind``."""
        hidden: dict[str, SQL] = {}
        members: list[Member] = []
        for key, inner in self.subfields(kind, details).items():
            name = inner[0].node.name.value
            if name == TYPENAME:
                members.append((key, text(kind.name)))
                continue
            members.append((key, self._field(kind, self._owned(kind, name), key, inner, source, place, hidden)))
        return self.json.object([*members, *hidden.items()])

    def object_of(self, field: GraphQLField) -> GraphQLObjectType:
        """Return the object type that a field leads to."""
        kind = get_named_type(field.type)
        assert isinstance(kind, GraphQLObjectType)
        return kind

    def visible(self, rules: TypeRules, source: FromClause, where: ColumnElement[bool] | None) -> list[SQL]:
        """Return what must hold for rows of ``source`` besides what the client asks for."""
        conditions: list[SQL] = [self.policy.condition(rules, source)]
        if where is not None:
            conditions.append(adapted(where, source))
        return conditions

    def rules(self, target: type[Any]) -> TypeRules:
        """Return the rules of a type that stands for rows."""
        return self.schema.filters.composition.rules_of_class(target)

    def _owned(self, kind: GraphQLObjectType, name: str) -> OwnedField:
        if name.startswith("__"):
            raise NotPlanned(name, "reads the schema")
        return self.schema.fields[f"{kind.name}.{name}"]

    def _note(self, owned: OwnedField, key: str, place: Place, kind: str) -> None:
        self.draft.notes.append(Note(place, key, owned.path, owned.owner, kind))

    def _withheld(
        self, kind: GraphQLObjectType, owned: OwnedField, key: str, details: list[FieldDetails], place: Place
    ) -> SQL | None:
        """Return null where the actor, or a plugin that rests, has nothing to show."""
        error: Forbidden | PluginFieldFailed | None = None
        permission = self.schema.permissions[f"{kind.name}.{owned.name}"]
        if permission is not None and permission != PUBLIC and permission not in self._permissions:
            error = Forbidden(permission)
        elif owned.owner != CORE_OWNER and not isinstance(owned.rules.declaration, Batch):
            self.draft.plugin_fields[owned.path] = owned
            if owned.path in self._resting:
                error = PluginFieldFailed(owned.owner, owned.path, RESTING)
        if error is None:
            return None
        if is_non_null(kind.fields[owned.name].type):
            raise NotPlanned(owned.path, "is refused and may not be null")
        self.draft.refused.append(Refused(place, key, error, [each.node for each in details]))
        return null()

    def _field(
        self,
        kind: GraphQLObjectType,
        owned: OwnedField,
        key: str,
        details: list[FieldDetails],
        source: FromClause,
        place: Place,
        hidden: dict[str, SQL],
    ) -> SQL:
        field = kind.fields[owned.name]
        declared = owned.rules.declaration
        withheld = self._withheld(kind, owned, key, details, place)
        if withheld is not None:
            return withheld
        if isinstance(declared, Column):
            self._note(owned, key, place, "column")
            return self._column(kind, declared, owned, field, details, source)
        if isinstance(declared, Related):
            self._note(owned, key, place, "relation")
            return self._related(declared, owned, field, key, details, source, place)
        if isinstance(declared, Connected):
            self._note(owned, key, place, "connection")
            return connection(self, declared, owned, field, key, details, source, place)
        if isinstance(declared, Batch):
            self._note(owned, key, place, "batch")
            return self._batch(kind, declared, owned, key, details, source, place, hidden)
        raise NotPlanned(owned.path, "is answered by a resolver")

    # Columns

    def _column(
        self,
        kind: GraphQLObjectType,
        declared: Column,
        owned: OwnedField,
        field: GraphQLField,
        details: list[FieldDetails],
        source: FromClause,
    ) -> SQL:
        value = adapted(declared.expression, source)
        if declared.is_global_id:
            digits = self.json.digits(value)
            return self.json.concatenated([text(f"{kind.name}_"), digits])
        if declared.currency is not None:
            return self._money(declared, owned, field, details, source)
        sort = kind_of(declared.expression.type)
        shown = get_nullable_type(field.type)
        if isinstance(shown, GraphQLList):
            if sort != "json" or str(get_nullable_type(shown.of_type)) != "String":
                raise NotPlanned(owned.path, "is a list that SQL cannot check")
            member = self.json.texts(value)
        elif is_shown_as(sort, str(shown)):
            assert sort is not None
            member = self.json.leaf(value, sort)
        else:
            raise NotPlanned(owned.path, f"shows {declared.expression.type!r} as {shown}, which only Python can")
        if is_non_null(field.type) and can_be_null(declared.expression):
            return self.json.or_irregular(member, value)
        return member

    def _money(
        self, declared: Column, owned: OwnedField, field: GraphQLField, details: list[FieldDetails], source: FromClause
    ) -> SQL:
        assert declared.currency is not None
        if (kind_of(declared.expression.type), kind_of(declared.currency.type)) != ("decimal", "text"):
            raise NotPlanned(owned.path, "is money in columns that SQL cannot write")
        amount, currency = adapted(declared.expression, source), adapted(declared.currency, source)
        members: list[Member] = []
        for key, inner in self.subfields(self.object_of(field), details).items():
            name = inner[0].node.name.value
            shown = {
                "amount": lambda: self.json.leaf(amount, "decimal"),
                "currency": lambda: self.json.leaf(currency, "text"),
                TYPENAME: lambda: text("Money"),
            }
            members.append((key, shown[name]()))
        money = self.json.if_any([amount, currency], self.json.object(members))
        if is_non_null(field.type):
            missing = self.json.if_any([amount, currency], text("there"))
            return self.json.or_irregular(self.json.nested(money), missing)
        return self.json.nested(money)

    # Rows of other tables

    def _lookup(
        self, declared: Lookup, owned: OwnedField, field: GraphQLField, key: str, details: list[FieldDetails]
    ) -> SQL:
        rules = self.rules(shape_of(owned.field).of)
        written = self.draft.row(
            LookupPart(owned.path, declared, field, details[0].node, f"regulars_{self.draft.next_source()}")
        )
        found = (
            select(*rules.source.c, func.count().over().label("regulars_found"))
            .where(written.condition, *self.visible(rules, rules.source, None))
            .limit(2)
            .subquery(self.draft.next_source())
        )
        row = self.row(self.object_of(field), details, found, (Step(key),))
        return self.json.nested(select(row).where(found.c.regulars_found == literal_column("1")).scalar_subquery())

    def _named(
        self, declared: Named, owned: OwnedField, field: GraphQLField, key: str, details: list[FieldDetails]
    ) -> SQL:
        part = NamedPart(owned.path, declared.argument, field, details[0].node, self.schema.nodes)
        written, name = self.draft.row(part), part.type_name(self.draft.asked)
        rules = None if name is None else self.schema.nodes[name]
        if name is None or rules is None or rules.permission not in self._permissions:
            return null()
        kind = self.schema.graphql.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        row = self.row(kind, details, rules.source, (Step(key),))
        found = select(row).select_from(rules.source)
        found = found.where(written.condition, *self.visible(rules, rules.source, None))
        return self.json.nested(found.scalar_subquery())

    def _related(
        self,
        declared: Related,
        owned: OwnedField,
        field: GraphQLField,
        key: str,
        details: list[FieldDetails],
        source: FromClause,
        place: Place,
    ) -> SQL:
        shape = shape_of(owned.field)
        rules = self.rules(shape.of)
        refers_here = declared.key.table is rules.source
        other = rules.source.alias(self.draft.next_source())
        if refers_here:
            joined = adapted(declared.key, other) == primary_key(source)
        else:
            joined = primary_key(other) == adapted(declared.key, source)
        order: list[SQL] = [
            each.desc() if ordering.is_descending else each.asc()
            for ordering in declared.order_by
            for each in [adapted(ordering.expression, other)]
        ]
        order += list(other.primary_key)
        conditions = [joined, *self.visible(rules, other, declared.where)]
        inside = (*place, Step(key, shape.is_many))
        if not shape.is_many:
            row = self.row(self.object_of(field), details, other, inside)
            query = select(row).select_from(other).where(*conditions)
            if refers_here and not _is_unique(declared.key):
                query = query.order_by(*order).limit(1)
            one = self.json.nested(query.correlate(source).scalar_subquery())
            if is_non_null(field.type):
                raise NotPlanned(
                    owned.path, "may not be null, which no foreign key guarantees for rows that are hidden"
                )
            return one
        return self.json.nested(self._rows(other, conditions, order, field, details, source, inside))

    def _rows(
        self,
        other: FromClause,
        conditions: Sequence[SQL],
        order: Sequence[SQL],
        field: GraphQLField,
        details: list[FieldDetails],
        source: FromClause,
        inside: Place,
    ) -> SQL:
        kind = self.object_of(field)
        if self.json.orders_lists:
            items = self.json.list(self.row(kind, details, other, inside), order_by=order)
            return select(items).select_from(other).where(*conditions).correlate(source).scalar_subquery()
        rows = select(*other.c).where(*conditions).order_by(*order).correlate(source).subquery(self.draft.next_source())
        items = self.json.list(self.row(kind, details, rows, inside), order_by=())
        return select(items).select_from(rows).scalar_subquery()

    # Python

    def _batch(
        self,
        kind: GraphQLObjectType,
        declared: Batch,
        owned: OwnedField,
        key: str,
        details: list[FieldDetails],
        source: FromClause,
        place: Place,
        hidden: dict[str, SQL],
    ) -> SQL:
        required = []
        for column in declared.requires:
            sort, name = kind_of(column.type), column.key
            if sort is None or name is None:
                raise NotPlanned(owned.path, f"requires {column}, whose values SQL cannot write")
            hidden[f"{HIDDEN}{name}"] = self.json.hidden(adapted(column, source), sort)
            required.append((name, f"{HIDDEN}{name}", sort))
        self.draft.batches.append(BatchPlace(place, key, owned, declared, kind.name, details, tuple(required)))
        return null()


def _is_unique(key: ColumnElement[Any]) -> bool:
    return bool(getattr(key, "primary_key", False) and len(key.table.primary_key) == 1) or bool(
        getattr(key, "unique", False)
    )
