"""What a mutation returns is shown by one more statement, in the transaction that wrote it."""

from dataclasses import replace
from typing import Any

import pytest

from regulars.testing.app import App
from regulars.testing.promises.fields import counted_statements
from regulars.testing.shop import Happening

NARROW = "customer { id }"
WIDE = """customer {
  __typename id version createdAt
  identities { id kind value }
  touchpoints(first: 3) { totalCount pageInfo { hasNextPage } nodes {
    type amount { amount currency } customer { id }
  } }
  consents { status event { reason } }
  consentEvents(last: 2) { edges { cursor node { action } } }
}"""

pytestmark = pytest.mark.row(10)


@pytest.fixture
async def customer(core: App) -> str:
    """Give the id of a customer with three orders."""
    day = core.clock.now()
    return str((await core.ingest({"Ada": [Happening(day, "9.50")] * 3}))["Ada"])


def change(selected: str) -> str:
    return f"""mutation ($id: ID!, $language: String!) {{
      customerUpdate(input: {{id: $id, language: $language}}) {{ errors {{ code path }} {selected} }}
    }}"""


async def statements_for(core: App, customer: str, language: str, selected: str) -> int:
    with counted_statements(core) as statements:
        await core.gql(change(selected), {"id": customer, "language": language})
    return len(statements)


BULK = """mutation ($rows: [CustomerUpdateInput!]!) {
  customerBulkUpdate(input: {rows: $rows, errorPolicy: REJECT_FAILED_ROWS}) { errors { code } results { index %s } }
}"""


@pytest.fixture
async def customers(core: App) -> list[str]:
    """Give the ids of five customers, each with an order."""
    day = core.clock.now()
    known = await core.ingest({name: [Happening(day, "9.50")] for name in ("Ada", "Bo", "Cy", "Di", "Ed")})
    return [str(known[name]) for name in ("Ada", "Bo", "Cy", "Di", "Ed")]


async def bulk_statements_for(core: App, customers: list[str], name: str, selected: str) -> int:
    rows = [{"id": id, "displayName": f"{name} {place}"} for place, id in enumerate(customers)]
    with counted_statements(core) as statements:
        await core.gql(BULK % selected, {"rows": rows})
    return len(statements)


@pytest.mark.parametrize("selected", [NARROW, WIDE], ids=["narrow", "wide"])
@pytest.mark.parametrize("many", [1, 5])
async def test_rows_in_a_list_take_one_more_statement_however_many_they_are(
    core: App, customers: list[str], many: int, selected: str
) -> None:
    await bulk_statements_for(core, customers[:many], "First", selected)
    without = await bulk_statements_for(core, customers[:many], "Second", "")

    with_rows = await bulk_statements_for(core, customers[:many], "Third", selected)

    assert with_rows - without == 1


async def test_rows_in_a_list_stand_in_its_order_even_when_one_comes_twice_or_is_refused(
    core: App, customers: list[str]
) -> None:
    unknown = "Customer_" + "0" * 32
    ids = [customers[2], unknown, customers[0], customers[2]]

    answer = await core.gql(
        BULK % "customer { displayName touchpoints { totalCount } }",
        {"rows": [{"id": id, "displayName": f"Number {place}"} for place, id in enumerate(ids)]},
    )

    last, first = [{"displayName": f"Number {place}", "touchpoints": {"totalCount": 1}} for place in (3, 2)]
    assert answer["customerBulkUpdate"]["results"] == [
        {"index": 0, "customer": last},
        {"index": 1, "customer": None},
        {"index": 2, "customer": first},
        {"index": 3, "customer": last},
    ]


async def test_what_may_not_be_seen_of_rows_in_a_list_is_told_at_each_of_them(core: App, customers: list[str]) -> None:
    admin = core.actor("admin")
    blind = replace(admin, permissions=admin.permissions - {"touchpoints:read"})
    rows = [{"id": id, "displayName": "Somebody"} for id in customers[:2]]

    answer = await core.ask(BULK % "customer { displayName touchpoints { totalCount } }", {"rows": rows}, as_=blind)

    shown = [each["customer"] for each in answer["data"]["customerBulkUpdate"]["results"]]
    assert shown == [{"displayName": "Somebody", "touchpoints": None}] * 2
    assert sorted(error["path"] for error in answer["errors"]) == [
        ["customerBulkUpdate", "results", place, "customer", "touchpoints"] for place in (0, 1)
    ]


@pytest.mark.parametrize("selected", [NARROW, WIDE], ids=["narrow", "wide"])
async def test_a_payload_takes_one_more_statement_however_much_is_selected(
    core: App, customer: str, selected: str
) -> None:
    # The first change also writes the words to search by, and a new plan stands behind a savepoint.
    await statements_for(core, customer, "en", selected)
    without = await statements_for(core, customer, "de", "")

    with_row = await statements_for(core, customer, "fr", selected)

    assert with_row - without == 1


async def test_a_payload_shows_what_was_written_and_what_hangs_on_it(core: App, customer: str) -> None:
    answer = await core.gql(change(WIDE), {"id": customer, "language": "de"})

    shown: Any = answer["customerUpdate"]["customer"]
    assert shown["version"] == 2
    assert shown["touchpoints"]["totalCount"] == 3
    assert answer["customerUpdate"]["errors"] == []


async def test_a_payload_of_what_was_refused_is_null(core: App) -> None:
    unknown = "Customer_" + "0" * 32

    answer = await core.gql(change(WIDE), {"id": unknown, "language": "de"})

    assert answer["customerUpdate"]["customer"] is None
    assert [error["code"] for error in answer["customerUpdate"]["errors"]] == ["NOT_FOUND"]
