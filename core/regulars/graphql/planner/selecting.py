"""Turn what is selected into SQL: objects into JSON objects, columns into members, relations into sub-selects."""

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetails, collect_fields
from graphql.execution.executor import Executor
from sqlalchemy import FromClause, Select, bindparam, select
from sqlalchemy.sql.elements import ColumnElement

from regulars.errors import Forbidden
from regulars.fields.declarations import Batch, Column, Connected, Lookup, Named, Related
from regulars.fields.kinds import kind_of
from regulars.fields.policy import RowPolicy, adapted
from regulars.fields.types import TypeRules
from regulars.graphql.executor.plugin_calls import RESTING, PluginFieldFailed
from regulars.graphql.planner.asking import ReturnedRows
from regulars.graphql.planner.columns import column
from regulars.graphql.planner.drafts import BatchPlace, Draft, Note, Place, Refused
from regulars.graphql.planner.json_sql import SQL, JsonSql, null, text
from regulars.graphql.planner.not_planned import NotPlanned
from regulars.graphql.planner.paging import connection
from regulars.graphql.planner.related import looked_up, named, related
from regulars.graphql.planner.selected import TYPENAME, Chosen, Details
from regulars.graphql.schema.building import PUBLIC, BuiltSchema
from regulars.graphql.schema.composition import CORE_OWNER, OwnedField
from regulars.graphql.schema.where import attribute_of
from regulars.many import is_among

__all__ = ["Selecting", "key_of_listed", "key_values"]

KEYS = "regulars_keys"
"""The place of the keys of rows in a list."""

IS_RESOLVED = "is answered by a resolver"


class Selecting:
    """Writes the selection of one operation for one set of permissions."""

    def __init__(
        self,
        schema: BuiltSchema,
        executor: Executor[Any],
        json: JsonSql,
        draft: Draft,
        permissions: frozenset[str],
        policy: RowPolicy,
        left_out: frozenset[str],
    ) -> None:
        self.schema, self.json, self.draft = schema, json, draft
        self._executor, self._permissions, self._policy, self._left_out = executor, permissions, policy, left_out

    def operation(self) -> Select[Any]:
        """Return the statement of the whole operation."""
        root = self.schema.graphql.query_type
        assert root is not None
        executor = self._executor
        selected = collect_fields(
            self.schema.graphql, executor.fragments, executor.variable_values, root, executor.operation
        ).grouped_field_set
        members = [(key, self._root(root, key, details)) for key, details in selected.items()]
        return select(self.json.whole(self.json.object(members)))

    def returned(self, returned: ReturnedRows) -> Select[*tuple[Any, ...]]:
        """Return the statement of rows that a mutation returned, whether or not they are visible from elsewhere.

        Where there may be several, each has its key beside it.
        """
        rows = self.schema.tables[returned.kind.name].source.alias(self.draft.next_source())
        row = self.row(returned.kind, returned.details, rows, ())
        if returned.are_listed:
            key: Any = key_of_listed(returned.kind, rows)
            return select(self.json.whole(row), key).select_from(rows).where(is_among(key, KEYS))
        keys = [column == bindparam(key, type_=column.type, required=True) for key, column in _keys(rows)]
        return select(self.json.whole(row)).select_from(rows).where(*keys)

    def _root(self, root: GraphQLObjectType, key: str, details: Details) -> SQL:
        if details[0].node.name.value == TYPENAME:
            return self.json.plain(text(root.name))
        chosen = self._chosen(root, key, details, ())
        declared = chosen.owned.rules.declaration
        if not isinstance(declared, Connected | Lookup | Named):
            raise NotPlanned(chosen.owned.path, IS_RESOLVED)
        withheld = self._withheld(chosen)
        if withheld is not None:
            return withheld
        self._note(chosen, "connection" if isinstance(declared, Connected) else "lookup")
        if isinstance(declared, Connected):
            return connection(self, declared, chosen, None)
        return named(self, declared, chosen) if isinstance(declared, Named) else looked_up(self, declared, chosen)

    def subfields(self, kind: GraphQLObjectType, details: Details) -> Mapping[str, list[FieldDetails]]:
        """Return what is selected inside a field, for objects of one type."""
        return self._executor.collect_subfields(kind, details).grouped_field_set

    def row(self, kind: GraphQLObjectType, details: Details, source: FromClause, place: Place) -> SQL:
        """Return the JSON of a row of ``source`` that is shown as ``kind``."""
        members: list[tuple[str, SQL]] = []
        for key, inner in self.subfields(kind, details).items():
            if inner[0].node.name.value == TYPENAME:
                members.append((key, self.json.plain(text(kind.name))))
            else:
                members.append((key, self._field(self._chosen(kind, key, inner, place), source)))
        return self.json.object(members)

    def rules(self, target: type[Any]) -> TypeRules:
        """Return the rules of a type that stands for rows."""
        return self.schema.filters.composition.rules_of_class(target)

    def visible(self, rules: TypeRules, source: FromClause, where: ColumnElement[bool] | None) -> list[SQL]:
        """Return what must hold for rows of ``source`` besides what the client asks for."""
        conditions: list[SQL] = [self._policy.condition(rules, source)]
        if where is not None:
            conditions.append(adapted(where, source))
        return conditions

    def may(self, permission: str | None) -> bool:
        """Tell whether whoever asks has a permission."""
        return permission is None or permission == PUBLIC or permission in self._permissions

    def _chosen(self, kind: GraphQLObjectType, key: str, details: Details, place: Place) -> Chosen:
        name = details[0].node.name.value
        if name.startswith("__"):
            raise NotPlanned(name, "reads the schema")
        return Chosen(kind, self.schema.fields[f"{kind.name}.{name}"], key, details, place)

    def _note(self, chosen: Chosen, kind: str) -> None:
        self.draft.notes.append(Note(chosen.place, chosen.key, chosen.owned.path, chosen.owned.owner, kind))

    def _withheld(self, chosen: Chosen) -> SQL | None:
        """Return null where the actor, or a plugin that rests or failed, has nothing to show."""
        error: Forbidden | PluginFieldFailed | None = None
        owned = chosen.owned
        permission = self.schema.permissions[owned.path]
        if permission is not None and not self.may(permission):
            error = Forbidden(permission)
        elif owned.path in self._left_out:
            error = PluginFieldFailed(owned.owner, owned.path, RESTING)
        elif _may_fail(owned):
            self.draft.suspects[owned.path] = owned
        if error is None:
            return None
        if chosen.is_non_null:
            raise NotPlanned(owned.path, "is refused and may not be null")
        nodes = [each.node for each in chosen.details]
        self.draft.refused.append(Refused(chosen.place, chosen.key, owned.path, error, nodes))
        return null()

    def _field(self, chosen: Chosen, source: FromClause) -> SQL:
        withheld = self._withheld(chosen)
        if withheld is not None:
            return withheld
        declared = chosen.owned.rules.declaration
        if isinstance(declared, Column):
            self._note(chosen, "column")
            return column(self, declared, chosen, source)
        if isinstance(declared, Related):
            self._note(chosen, "relation")
            return related(self, declared, chosen, source)
        if isinstance(declared, Connected):
            self._note(chosen, "connection")
            return connection(self, declared, chosen, source)
        if isinstance(declared, Batch):
            self._note(chosen, "batch")
            return self._batch(declared, chosen, source)
        raise NotPlanned(chosen.owned.path, IS_RESOLVED)

    def _batch(self, declared: Batch, chosen: Chosen, source: FromClause) -> SQL:
        """Return a slot that holds what the field requires."""
        required: list[tuple[str, str]] = []
        held: list[tuple[str, SQL]] = []
        for needed in declared.requires:
            sort, name = kind_of(needed.type), needed.key
            if sort is None or name is None:
                raise NotPlanned(chosen.owned.path, f"requires {needed}, whose values SQL cannot write")
            held.append((name, self.json.hidden(adapted(needed, source), sort)))
            required.append((name, sort))
        slot = self.json.slot(len(self.draft.batches), self.json.object(held))
        self.draft.batches.append(
            BatchPlace(chosen.place, chosen.key, chosen.owned, declared, chosen.kind, chosen.details, tuple(required))
        )
        return slot


def key_values(schema: BuiltSchema, returned: ReturnedRows) -> Mapping[str, Any]:
    """Return the values by which the statement of returned rows finds them."""
    source = schema.tables[returned.kind.name].source
    if returned.are_listed:
        attribute = attribute_of(key_of_listed(returned.kind, source))
        return {KEYS: [getattr(row, attribute) for row in returned.rows]}
    return {key: getattr(returned.rows[0], attribute_of(column)) for key, column in _keys(source)}


def key_of_listed(kind: GraphQLObjectType, source: FromClause) -> ColumnElement[Any]:
    """Return the column that tells rows in a list apart; raises ``NotPlanned`` where that takes several."""
    keys = _keys(source)
    if len(keys) > 1:
        raise NotPlanned(kind.name, "stands in a list, and has a key of several columns")
    return keys[0][1]


def _keys(source: FromClause) -> list[tuple[str, ColumnElement[Any]]]:
    return [(f"regulars_key_{number}", column) for number, column in enumerate(source.primary_key)]


def _may_fail(owned: OwnedField) -> bool:
    """Tell whether a field brings a plugin's own SQL with it, other than reading what lies in the row."""
    declared = owned.rules.declaration
    if owned.owner == CORE_OWNER or isinstance(declared, Batch):
        return False
    if not isinstance(declared, Column):
        return True
    return any(
        getattr(each, "table", None) is None for each in (declared.expression, declared.currency) if each is not None
    )
