"""Row 10 of the test plan: what a page costs does not grow with its size, and no more comes than was priced."""

from typing import Any

import pytest
from graphql import GraphQLObjectType

from regulars.testing.app import App
from regulars.testing.promises.documents import field_text, type_places
from regulars.testing.promises.fields import counted_statements
from regulars.testing.promises.preparation import CUSTOMERS, fill_shop

pytestmark = pytest.mark.row(10)

WHOLE_LEDGER = "LedgerVerification"
"""Reads the chain from its beginning, whatever is asked of it."""

WRAPPING = {"nodes", "edges", "node", "pageInfo", "hasNextPage", "totalCount", "currency"}
FILL = """mutation ($id: ID!) {
  consentGrant(input: {
    customerId: $id, purpose: "marketing.own", channel: "email", reason: "They asked."
    noticeVersion: "1", language: "en"
  }) { errors { message } }
  traitSet(input: {customerId: $id, traits: [{key: "shoe_size", provenance: "declared", number: "42"}]}) {
    errors { message }
  }
}"""
DEFINE = """mutation {
  traitDefine(input: {key: "shoe_size", title: "Shoe size", type: "number", provenance: "declared"}) {
    errors { message }
  }
}"""


@pytest.fixture
async def full(core: App) -> App:
    """Give a shop with fifty customers, each with all that can be asked of one."""
    await core.gql(DEFINE)
    for customer in await fill_shop(core):
        await core.gql(FILL, {"id": str(customer)})
    return core


async def test_no_field_takes_more_statements_for_fifty_rows_than_for_one(full: App) -> None:
    pages = [documents(await schema_of(full), first=first) for first in (1, CUSTOMERS)]

    one, many = [{path: await statements_for(full, text) for path, text in page.items()} for page in pages]

    assert many == one
    assert max(many.values()) <= 7


async def test_no_more_comes_than_was_priced(full: App) -> None:
    page = documents(await schema_of(full), first=CUSTOMERS)

    dearer = {
        path: (rows_in(answer["data"]) - 1, answer["extensions"]["cost"]["requested"])
        for path, text in page.items()
        for answer in [await full.ask(text)]
        if rows_in(answer["data"]) - 1 > answer["extensions"]["cost"]["requested"]
    }

    assert dearer == {}


async def schema_of(app: App) -> Any:
    return (await app.server.executor()).schema.graphql


def documents(schema: Any, *, first: int) -> dict[str, str]:
    """Return a document for each field of each type that stands in a list."""
    places = type_places(schema, first=first)
    return {
        f"{type_name}.{name}": place.document(field_text(name, field, first=first if type_name == "Query" else 2))
        for type_name, place in places.items()
        for kind in [schema.type_map[type_name]]
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if type_name not in ("Money", WHOLE_LEDGER) and not (type_name == "Query" and "first" not in field.args)
    }


async def statements_for(app: App, document: str) -> int:
    with counted_statements(app) as statements:
        answer = await app.ask(document)
    assert "errors" not in answer, (document, answer["errors"])
    return len(statements)


def rows_in(data: Any) -> int:
    """Return how many things an answer holds, without what only wraps them, and without money."""
    if isinstance(data, list):
        return sum(rows_in(item) for item in data)
    if isinstance(data, dict):
        is_wrapping = not WRAPPING.isdisjoint(data)
        return (not is_wrapping) + sum(rows_in(value) for value in data.values())
    return 0
