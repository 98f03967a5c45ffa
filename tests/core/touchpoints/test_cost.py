"""What recording one touchpoint costs, in statements: row 10 of the test plan."""

from typing import Any
from uuid import UUID

import pytest

from regulars.testing.app import App
from regulars.testing.promises.fields import counted_statements

RECORD = """mutation ($input: TouchpointRecordInput!) {
  touchpointRecord(input: $input) { touchpoint { id channel } errors { code } }
}"""
RECORD_TWO = """mutation ($first: TouchpointRecordInput!, $second: TouchpointRecordInput!) {
  first: touchpointRecord(input: $first) { errors { code } }
  second: touchpointRecord(input: $second) { errors { code } }
}"""
COUNT = "{ touchpoints { totalCount } }"

pytestmark = pytest.mark.row(10)


def visit(customer: UUID, **more: Any) -> dict[str, Any]:
    usual = {"customerId": str(customer), "type": "visit", "channel": "web", "occurredAt": "2026-01-01T10:00:00Z"}
    return usual | more


async def test_a_touchpoint_takes_its_lock_its_row_its_notes_and_its_answer(app: App) -> None:
    customer = await app.add_customer()
    await app.gql(RECORD, {"input": visit(customer)})  # a new plan stands behind a savepoint

    with counted_statements(app) as statements:
        await app.gql(RECORD, {"input": visit(customer)})

    # PostgreSQL writes the event and the entry in the audit log by one statement.
    assert len(statements) == {"postgresql": 4, "sqlite": 5}[app.database.dialect], statements
    assert [each for each in statements if "SAVEPOINT" in each] == []


async def test_a_refused_touchpoint_leaves_nothing(app: App) -> None:
    customer = await app.add_customer()
    await app.gql(RECORD, {"input": visit(customer, externalId="v-1")})
    before = len(await app.events())

    answer = await app.gql(RECORD, {"input": visit(customer, externalId="v-1", channel="app")})

    assert [error["code"] for error in answer["touchpointRecord"]["errors"]] == ["CONFLICT"]
    assert len(await app.events()) == before


async def test_of_two_touchpoints_the_refused_one_alone_is_taken_back(app: App) -> None:
    customer, unknown = await app.add_customer(), UUID(int=1)
    before = len(await app.events())

    answer = await app.gql(RECORD_TWO, {"first": visit(customer), "second": visit(unknown)})

    assert [error["code"] for error in answer["second"]["errors"]] == ["NOT_FOUND"]
    assert [event.type for event in (await app.events())[before:]] == ["touchpoint.recorded"]
    assert await app.gql(COUNT) == {"touchpoints": {"totalCount": 1}}
