"""Row 11 of the test plan: every field asks for the permission that was reviewed, and whoever lacks it is denied."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, get_named_type

from regulars.access.permissions import CORE_PERMISSIONS, CUSTOMER_PERMISSIONS, ROLES
from regulars.customers.models import MergeSuggestion
from regulars.graphql.schema.building import PUBLIC, BuiltSchema
from regulars.jobs.service import enqueue_job
from regulars.testing.app import App
from regulars.testing.promises.documents import field_text, type_places
from regulars.testing.promises.preparation import fill_shop

pytestmark = pytest.mark.row(11)

REVIEWED: dict[str, Any] = tomllib.loads((Path(__file__).parent / "authz.toml").read_text(encoding="utf-8"))
HOLDERS: Mapping[str, set[str]] = {name: set(roles.split()) for name, roles in REVIEWED["roles"].items()}
NEEDED: Mapping[str, str] = {
    f"{type_name}.{field}": permission
    for type_name, fields in REVIEWED["fields"].items()
    for field, permission in fields.items()
}
NOT_OF_FIELDS = ("events:read", "metrics:read", "plans:read", "schema:read")
READING = sorted(name for name in HOLDERS if name.endswith(":read") and name not in NOT_OF_FIELDS)

ORACLES = {
    "consents:read": '{ customers(where: {consentEvents: {some: {action: {eq: "grant"}}}}) { totalCount } }',
    "customers:read": '{ touchpoints(where: {customer: {displayName: {startsWith: "C"}}}) { totalCount } }',
    "segments:read": "{ customers(where: {segments: {noneOf: []}}) { totalCount } }",
    "touchpoints:read": '{ customers(where: {touchpoints: {some: {type: {eq: "order"}}}}) { totalCount } }',
    "traits:read": '{ customers(where: {companyTraits: [{key: "shoe_size", number: {gt: "1"}}]}) { totalCount } }',
}


@pytest.fixture
async def schema(app: App) -> BuiltSchema:
    return (await app.server.executor()).schema


async def test_every_field_asks_for_the_permission_that_was_reviewed(schema: BuiltSchema) -> None:
    found = {path: permission for path, permission in schema.permissions.items() if permission is not None}
    open_types = {path.partition(".")[0] for path, permission in schema.permissions.items() if permission is None}

    assert found == NEEDED
    assert open_types == set(REVIEWED["open"]["types"])


def test_every_permission_is_held_by_the_roles_that_were_reviewed() -> None:
    found = {permission.name: set(permission.default_roles) for permission in CORE_PERMISSIONS}
    for_customers = {name: found[name] | {"customer"} for name in CUSTOMER_PERMISSIONS}

    assert {**found, **for_customers} == HOLDERS


@pytest.mark.parametrize("role", [*ROLES, "customer", "anonymous"])
async def test_each_role_is_answered_at_the_roots_as_was_reviewed(app: App, schema: BuiltSchema, role: str) -> None:
    customer, *_ = await fill_shop(app, 2)
    who = f"customer:{customer}" if role == "customer" else role

    denied = {
        path: bool(denied_paths(await app.ask(document, as_=who)) & {(path.partition(".")[2],)})
        for path, document in root_documents(schema.graphql)
    }

    assert denied == {
        path: NEEDED[path] != PUBLIC and role not in HOLDERS[NEEDED[path]]
        for path in NEEDED
        if path.startswith(("Query.", "Mutation."))
    }


@pytest.mark.parametrize("permission", READING)
async def test_whoever_lacks_one_permission_is_denied_what_it_opens(
    app: App, schema: BuiltSchema, permission: str
) -> None:
    await fill_everything(app)
    admin = app.actor("admin")
    lacking = replace(admin, permissions=admin.permissions - {permission})

    denied = {
        path: bool(paths & prefixes(names))
        for document, fields in field_documents(schema.graphql)
        for paths in [denied_paths(await app.ask(document, as_=lacking))]
        for path, names in fields.items()
    }

    assert denied == {
        path: permission in needed_along(schema.graphql, names)
        for _, fields in field_documents(schema.graphql)
        for path, names in fields.items()
    }
    assert True in denied.values()


@pytest.mark.parametrize("permission", ORACLES)
async def test_a_filter_on_what_is_denied_tells_nothing(app: App, permission: str) -> None:
    await fill_everything(app)
    admin = app.actor("admin")
    lacking = replace(admin, permissions=admin.permissions - {permission})

    told, refused = await app.ask(ORACLES[permission]), await app.ask(ORACLES[permission], as_=lacking)

    assert "errors" not in told
    assert denied_paths(refused)
    assert list(refused["data"].values()) == [None]


def root_documents(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Yield each field of the roots with a document that asks for it."""
    for kind in (schema.query_type, schema.mutation_type):
        assert kind is not None
        for name, field in kind.fields.items():
            yield f"{kind.name}.{name}", f"{kind.name.lower()} {{ {field_text(name, field)} }}"


def field_documents(schema: GraphQLSchema) -> Iterator[tuple[str, dict[str, tuple[str, ...]]]]:
    """Yield documents that together ask for every field that can be reached, each with the ways to its fields."""
    places = type_places(schema, first=2)
    for type_name, reviewed in REVIEWED["fields"].items():
        kind = schema.type_map[type_name]
        if type_name in places and isinstance(kind, GraphQLObjectType):
            place = places[type_name]
            texts = {name: field_text(name, kind.fields[name]) for name in reviewed}
            for together in [[name] for name in texts] if type_name == "Query" else [list(texts)]:
                document = place.document(" ".join(texts[name] for name in together))
                yield document, {f"{type_name}.{name}": (*place.names, name) for name in together}


def needed_along(schema: GraphQLSchema, names: tuple[str, ...]) -> set[str]:
    """Return the permissions of every field on the way, the last one included."""
    kind, needed = schema.query_type, set()
    for name in names:
        assert isinstance(kind, GraphQLObjectType)
        needed.add(NEEDED.get(f"{kind.name}.{name}", PUBLIC))
        target = get_named_type(kind.fields[name].type)
        kind = target if isinstance(target, GraphQLObjectType) else kind
    return needed


def denied_paths(answer: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """Return where an answer was denied, without the places in lists."""
    return {
        tuple(step for step in error.get("path", ()) if isinstance(step, str))
        for error in answer.get("errors", ())
        if error["extensions"]["code"] == "FORBIDDEN"
    }


def prefixes(names: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {names[:length] for length in range(1, len(names) + 1)}


FILL = """mutation ($id: ID!) {
  consentGrant(input: {
    customerId: $id, purpose: "marketing.own", channel: "email", reason: "They asked."
    noticeVersion: "1", language: "en"
  }) { errors { message } }
  traitDefine(input: {key: "shoe_size", title: "Shoe size", type: "number", provenance: "declared"}) {
    errors { message }
  }
  traitSet(input: {customerId: $id, traits: [{key: "shoe_size", provenance: "declared", number: "42"}]}) {
    errors { message }
  }
  segmentCreate(input: {name: "All", where: {status: {eq: "active"}}}) { errors { message } }
}"""


async def fill_everything(app: App) -> None:
    """Put a row wherever a field can only be denied beside one."""
    first, newest = await fill_shop(app, 2)
    written = await app.gql(FILL, {"id": str(newest)})
    async with app.database.writing() as session:
        await enqueue_job(session, kind="core.forget", actor="system", now=app.clock.now())
        session.add(
            MergeSuggestion(
                first_id=min(first, newest),
                second_id=max(first, newest),
                reason="The same visitor.",
                suggested_by="system",
                created_at=app.clock.now(),
            )
        )
    app.server.host.problems.report("gone", "state", "It is gone.", True)
    assert [payload["errors"] for payload in written.values()] == [[]] * 4
