"""A plugin promises fields that have a price and a permission, and that cost as much for fifty customers as for one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from graphql import GraphQLField, GraphQLList, GraphQLObjectType, get_named_type, get_nullable_type, is_leaf_type
from sqlalchemy import event

from regulars.access.actors import Actor
from regulars.fields.prices import FieldPrice
from regulars.graphql.schema.building import PUBLIC, BuiltSchema
from regulars.testing.app import App
from regulars.testing.promises.documents import Place, field_text, filter_probes, order_names, type_places
from regulars.testing.promises.preparation import CUSTOMERS, Candidate, enabled_in

__all__ = [
    "AddedField",
    "added_fields",
    "built",
    "check_costs",
    "check_permissions",
    "check_statements",
    "counted_statements",
]

ROOTS = ("Query", "Mutation", "Subscription")
USER_ERROR = "UserError"
COUNTED: ContextVar[list[str] | None] = ContextVar("counted", default=None)


@dataclass(frozen=True)
class AddedField:
    """A field that the plugin brings: to a type of the core, or as part of a type of its own."""

    type_name: str
    name: str
    field: GraphQLField
    permission: str | None

    @property
    def path(self) -> str:
        """Return the field as documentation writes it."""
        return f"{self.type_name}.{self.name}"


async def built(app: App) -> BuiltSchema:
    """Return the schema that the server has today."""
    return (await app.server.executor()).schema


async def added_fields(app: App, candidate: Candidate) -> list[AddedField]:
    """Return the fields that the plugin brings."""
    schema = await built(app)
    found = []
    for path, owner in schema.owners.items():
        type_name, _, name = path.partition(".")
        kind = schema.graphql.type_map[type_name]
        if owner == candidate.plugin.id and isinstance(kind, GraphQLObjectType):
            found.append(AddedField(type_name, name, kind.fields[name], schema.permissions[path]))
    return found


async def check_costs(candidate: Candidate) -> None:
    """Check that every field says what it costs, and every list of objects how many it is counted as."""
    app = await candidate.app()
    faults = [
        f"{added.path} {fault}"
        for added in await added_fields(app, candidate)
        if (fault := _cost_fault(candidate, added))
    ]
    assert not faults, "; ".join(faults)


def _cost_fault(candidate: Candidate, added: AddedField) -> str | None:
    price: FieldPrice | None = added.field.extensions.get("regulars")
    if get_named_type(added.field.type).name == USER_ERROR:
        return None  # every payload has them from the core
    is_part_of_value = added.type_name in candidate.manifest.graphql_types
    if price is None:
        if is_part_of_value and is_leaf_type(get_named_type(added.field.type)):
            return None
        return "has no price. Make it with regulars.column, relation, batch or resolver."
    is_list = isinstance(get_nullable_type(added.field.type), GraphQLList)
    is_sized = price.sized or price.assumed_size is not None or price.counted_argument is not None
    if is_list and not is_sized and not is_leaf_type(get_named_type(added.field.type)):
        return "is a list and does not say how many items it is counted as. Give it assumed_size."
    return None


async def check_permissions(candidate: Candidate) -> None:
    """Check that each field, filter and order is denied to whoever may do all but what it needs."""
    app = await candidate.prepared_app()
    schema = await built(app)
    faults = []
    for type_name, permission, fields in _by_permission(await added_fields(app, candidate)):
        place = Place() if type_name == "Mutation" else type_places(schema.graphql, first=5).get(type_name)
        if place is None:
            continue
        kind = "mutation" if type_name == "Mutation" else "query"
        document = f"{kind} {place.document(' '.join(_text(added) for added in fields))}"
        answer = await app.ask(document, as_=_without(app, {permission}))
        told = [added for added in fields if list(_values_at(answer.get("data"), [*place.names, added.name]))]
        open_fields = told if _is_forbidden(answer) else fields
        faults += [f"{added.path} answers without the permission {permission}." for added in open_fields]
    before = await built(await candidate.make_app(*candidate.needed()))
    own = {permission.name for permission in candidate.manifest.permissions}
    own |= {trait.permission for trait in enabled_in(app, candidate.plugin).contributions.traits}
    for what, document in _oracles(schema, before):
        answer = await app.ask(document, as_=_without(app, own))
        if own and not _is_forbidden(answer):
            faults.append(f"{what} answers without any of the permissions {', '.join(sorted(own))}.")
    assert not faults, " ".join(faults)


def _by_permission(fields: Sequence[AddedField]) -> Iterator[tuple[str, str, list[AddedField]]]:
    """Yield the fields that can be asked for together: those of one type and permission, each field of a root alone."""
    found: dict[tuple[str, str, str], list[AddedField]] = {}
    for added in fields:
        if added.permission is not None and added.permission != PUBLIC:
            alone = added.name if added.type_name in ROOTS else ""
            found.setdefault((added.type_name, added.permission, alone), []).append(added)
    for (type_name, permission, _), together in found.items():
        yield type_name, permission, together


def _text(added: AddedField) -> str:
    return field_text(added.name, added.field)


def _oracles(schema: BuiltSchema, before: BuiltSchema) -> Iterator[tuple[str, str]]:
    """Yield every filter and order that the plugin brings to lists of the core, with a document that uses it."""
    query, old = schema.graphql.query_type, before.graphql.query_type
    assert query is not None
    assert old is not None
    for name, field in query.fields.items():
        if name not in old.fields:
            continue
        for condition in filter_probes(field, old.fields[name]):
            yield f"{name}(where: {condition})", f"{{ {name}(where: {condition}) {{ nodes {{ id }} }} }}"
        for order in sorted(order_names(field) - order_names(old.fields[name])):
            sorted_by = f"orderBy: [{{field: {order}}}]"
            yield f"{name}({sorted_by})", f"{{ {name}({sorted_by}) {{ nodes {{ id }} }} }}"


def _without(app: App, permissions: set[str]) -> Actor:
    admin = app.actor("admin")
    return replace(admin, permissions=admin.permissions - permissions)


def _is_forbidden(answer: dict[str, Any]) -> bool:
    return any(error["extensions"]["code"] == "FORBIDDEN" for error in answer.get("errors", ()))


def _values_at(data: Any, names: Sequence[str]) -> Iterator[Any]:
    """Yield whatever stands in the answer under these names, one below the other, and is not null."""
    if isinstance(data, list):
        for item in data:
            yield from _values_at(item, names)
    elif data is not None and names:
        yield from _values_at(data[names[0]], names[1:])
    elif data is not None:
        yield data


async def check_statements(candidate: Candidate) -> None:
    """Check that each field takes as many SQL statements for fifty parents as for one."""
    app = await candidate.prepared_app()
    schema = (await built(app)).graphql
    pages = [type_places(schema, first=first) for first in (1, CUSTOMERS)]
    by_type: dict[str, list[AddedField]] = {}
    for added in await added_fields(app, candidate):
        if added.type_name in pages[0] and added.type_name not in ROOTS:
            by_type.setdefault(added.type_name, []).append(added)
    faults = []
    for type_name, fields in by_type.items():
        places = [page[type_name] for page in pages]
        if await _statements(app, places, fields) is not None:
            counted = [(added, await _statements(app, places, [added])) for added in fields]
            faults += [f"{added.path} takes {counts}." for added, counts in counted if counts is not None]
    assert not faults, " ".join(faults)


async def _statements(app: App, places: Sequence[Place], fields: Sequence[AddedField]) -> str | None:
    """Return how many statements the fields take for one parent and for many, unless it is the same."""
    counts = []
    for place in places:
        with counted_statements(app) as statements:
            answer = await app.ask(place.document(" ".join(_text(added) for added in fields)))
        assert "errors" not in answer, f"{fields[0].path} cannot be asked for: {answer['errors']}"
        counts.append(len(statements))
    one, many = counts
    return None if one == many else f"{one} statements for one and {many} for {CUSTOMERS}"


@contextmanager
def counted_statements(app: App) -> Iterator[list[str]]:
    """Give the SQL statements that are run for what is asked in the block."""
    statements: list[str] = []
    counting = COUNTED.set(statements)

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # What the server does besides, such as looking for changes of plugins, is not of this operation.
        if COUNTED.get() is statements:
            statements.append(statement)

    def note_direct(statement: str) -> None:
        note(None, None, statement)

    engines = [engine.sync_engine for engine in app.database.engines]
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    app.database.listeners.append(note_direct)
    try:
        yield statements
    finally:
        app.database.listeners.remove(note_direct)
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
        COUNTED.reset(counting)
