"""Row 12 of the test plan: what is personal to one customer reaches neither another customer nor a log."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
import pytest
from graphql import GraphQLObjectType, GraphQLSchema

from regulars.access.actors import SYSTEM
from regulars.access.owners import ForCustomer
from regulars.access.server_secret import ensure_server_secret
from regulars.access.service import create_key
from regulars.testing.app import App
from regulars.testing.promises.documents import field_text, type_places

pytestmark = pytest.mark.row(12)

CANARIES = {
    "name": "Canarina Quillfeather",
    "email": "canarina@quillfeather.example",
    "phone": "+436601234567",
    "external": "CANARY-EXTERNAL-77",
    "order": "CANARY-ORDER-78",
    "product": "canary yellow lamp",
    "reason": "She sang it from the canary cage",
    "trait": "canary perch",
}

CREATE = """mutation ($name: String!, $email: String!, $phone: String!, $external: String!) {
  customerCreate(input: {displayName: $name, identities: [
    {kind: "email", value: $email}, {kind: "phone", value: $phone},
    {kind: "external", value: $external, source: "crm"}
  ]}) { customer { databaseId } errors { message } }
}"""
FILL = """mutation ($id: ID!, $order: String!, $product: String!, $reason: String!, $trait: String!) {
  touchpointRecord(input: {
    customerId: $id, type: "order", source: "shop", externalId: $order, occurredAt: "2026-03-01T09:00:00Z"
    amount: "10.00", currency: "EUR"
    payload: {lines: [{product: $product, category: "lamps", quantity: "1", amount: "10.00"}]}
  }) { errors { message } }
  consentGrant(input: {
    customerId: $id, purpose: "marketing.own", channel: "email", reason: $reason, noticeVersion: "1", language: "en"
  }) { errors { message } }
  traitDefine(input: {key: "perch", title: "Perch", type: "text", provenance: "declared"}) { errors { message } }
  traitSet(input: {customerId: $id, traits: [{key: "perch", provenance: "declared", text: $trait}]}) {
    errors { message }
  }
}"""
PROBES = (
    'query($email: String!) { customer(identity: {kind: "email", value: $email}) { displayName } }',
    'query($external: String!) { customersByRef(refs: [{source: "crm", id: $external}]) { displayName } }',
    "query($id: ID!) { customer(id: $id) { displayName identities { nodes { value } } } }",
    "query($id: ID!) { node(id: $id) { ... on Customer { displayName } } }",
    "query($name: String!) { customers(search: $name) { totalCount nodes { displayName } } }",
    "query($name: String!) { customers(where: {displayName: {eq: $name}}) { totalCount nodes { id } } }",
    "query($order: String!) { touchpoints(where: {externalId: {eq: $order}}) { totalCount nodes { payload } } }",
    'mutation($email: String!) { customerUpsert(input: {identities: [{kind: "email", value: $email}]}) {'
    " customer { displayName } errors { message } } }",
)
"""What somebody asks who guesses at another: by address, by number, by id, by name."""

BROKEN = (
    "query Broken($name: String!) { customers(where: {displayName: $name}) { totalCount } }",
    "query Broken($email: Int!) { customers(first: $email) { totalCount } }",
    "mutation Broken($id: ID!, $trait: String!) {"
    ' traitSet(input: {customerId: $id, traits: [{key: "perch", provenance: "observed", number: $trait}]})'
    " { errors { message } } }",
    'mutation Broken($email: String!) { customerCreate(input: {identities: [{kind: "phone", value: $email}]})'
    " { errors { message } } }",
    "mutation Broken($external: String!) { customerCreate(input: {identities: ["
    '{kind: "external", value: $external, source: "crm"}]}) { errors { message } } }',
)
"""What staff ask and is refused, with personal values in the question."""


@pytest.fixture
async def canary(app: App) -> str:
    """Give the id of a customer in whose every row a canary sits."""
    made = await post(app, CREATE, CANARIES, await app.key("admin"))
    id = str(made["data"]["customerCreate"]["customer"]["databaseId"])
    filled = await post(app, FILL, {**CANARIES, "id": id}, await app.key("admin"))
    assert [payload["errors"] for payload in filled["data"].values()] == [[]] * 4
    return id


@pytest.fixture
async def stranger(app: App) -> Mapping[str, str]:
    """Give the headers with which another customer comes."""
    customer_id = await app.add_customer("Stranger", email="stranger@example.com")
    async with app.database.writing() as session:
        issued = await create_key(
            session,
            name="stranger",
            owner=ForCustomer(UUID(str(customer_id))),
            permissions=app.server.permissions,
            secret=await ensure_server_secret(session, configured=""),
            actor=SYSTEM,
            now=app.clock.now(),
        )
    return {"authorization": f"Bearer {issued.text}"}


async def post(app: App, query: str, variables: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
    used = {name: value for name, value in variables.items() if f"${name}:" in query}
    answer = await app.client.post("/graphql", json={"query": query, "variables": used}, headers=headers)
    return answer.json()


def documents(schema: GraphQLSchema) -> Iterator[str]:
    """Yield documents that together ask for every field that can be reached without naming a row."""
    for type_name, place in type_places(schema, first=20).items():
        kind = schema.type_map[type_name]
        assert isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items():
            yield place.document(field_text(name, field, first=20))


def canaries_in(told: object) -> set[str]:
    text = orjson.dumps(told).decode()
    return {name for name, canary in CANARIES.items() if canary in text}


async def test_no_answer_to_another_customer_holds_a_canary(app: App, canary: str, stranger: Mapping[str, str]) -> None:
    schema = (await app.server.executor()).schema.graphql

    found = {document: canaries_in(await post(app, document, {}, stranger)) for document in documents(schema)}

    assert len(found) > 100
    assert {document: names for document, names in found.items() if names} == {}
    assert canaries_in(await post(app, "{ customers { nodes { displayName } } }", {}, await app.key("admin")))


async def test_whoever_guesses_at_a_customer_learns_nothing(app: App, canary: str, stranger: Mapping[str, str]) -> None:
    answers = {probe: await post(app, probe, {**CANARIES, "id": canary}, stranger) for probe in PROBES}

    guessed = {probe: {name for name in CANARIES if f"${name}:" in probe} for probe in PROBES}
    assert {probe for probe, answer in answers.items() if canaries_in(answer) - guessed[probe]} == set()
    assert [probe for probe, answer in answers.items() if canary in str(answer.get("data"))] == []


async def test_no_log_holds_a_canary(
    log_lines: Sequence[dict[str, Any]], app: App, canary: str, stranger: Mapping[str, str]
) -> None:
    admin = await app.key("admin")

    for document in (*PROBES, *BROKEN):
        await post(app, document, {**CANARIES, "id": canary}, admin)
        await post(app, document, {**CANARIES, "id": canary}, stranger)

    requests = [line for line in log_lines if line["event"] == "request"]
    assert len(requests) >= 2 * len(PROBES) + 2 * len(BROKEN)
    assert canaries_in(list(log_lines)) == set()
    assert {"service", "customer"} <= {line["actor"].partition(":")[0] for line in requests}
