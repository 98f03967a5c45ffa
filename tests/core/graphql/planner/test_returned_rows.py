"""What a mutation returns is shown by one more statement, in the transaction that wrote it."""

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
