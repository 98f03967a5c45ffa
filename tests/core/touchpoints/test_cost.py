"""What recording one touchpoint costs, in statements: row 10 of the test plan."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from regulars.audit.models import AuditEntry
from regulars.testing.app import App
from regulars.testing.promises.fields import counted_statements

RECORD = """mutation ($input: TouchpointRecordInput!) {
  touchpointRecord(input: $input) { touchpoint { id channel } errors { code } }
}"""
RECORD_TWO = """mutation ($first: TouchpointRecordInput!, $second: TouchpointRecordInput!) {
  first: touchpointRecord(input: $first) { errors { code } }
  second: touchpointRecord(input: $second) { errors { code } }
}"""
MERGE = "mutation ($input: CustomerMergeInput!) { customerMerge(input: $input) { errors { code } } }"
COUNT = "{ touchpoints { totalCount } }"

pytestmark = pytest.mark.row(10)


def visit(customer: UUID, **more: Any) -> dict[str, Any]:
    usual = {"customerId": str(customer), "type": "visit", "channel": "web", "occurredAt": "2026-01-01T10:00:00Z"}
    return usual | more


async def audited(app: App) -> list[str]:
    async with app.database.reading() as session:
        return list(await session.scalars(select(col(AuditEntry.action)).order_by(col(AuditEntry.id))))


async def test_a_touchpoint_is_written_with_all_that_tells_of_it_and_its_answer_needs_no_reading(app: App) -> None:
    customer = await app.add_customer()

    with counted_statements(app) as statements:
        await app.gql(RECORD, {"input": visit(customer)})

    # PostgreSQL writes the touchpoint, the event and the entry in the audit log by one statement.
    assert len(statements) == {"postgresql": 1, "sqlite": 3}[app.database.dialect], statements


async def test_what_a_touchpoint_does_not_carry_is_read_once_it_is_written(app: App) -> None:
    customer = await app.add_customer()
    asked = RECORD.replace("channel", "channel customer { databaseId }")
    await app.gql(asked, {"input": visit(customer)})  # a new plan stands behind a savepoint

    with counted_statements(app) as statements:
        answer = await app.gql(asked, {"input": visit(customer)})

    assert len(statements) == {"postgresql": 2, "sqlite": 4}[app.database.dialect], statements
    assert answer["touchpointRecord"]["touchpoint"]["customer"] == {"databaseId": str(customer)}


async def test_a_touchpoint_that_needs_a_second_look_is_told_of_once(app: App) -> None:
    customer, other = await app.add_customer(), await app.add_customer()
    await app.gql(MERGE, {"input": {"survivorId": str(customer), "mergedId": str(other), "reason": "the same person"}})
    events, entries = len(await app.events()), len(await audited(app))

    answer = await app.gql(RECORD, {"input": visit(other)})

    assert answer["touchpointRecord"]["errors"] == []
    assert [event.type for event in (await app.events())[events:]] == ["touchpoint.recorded"]
    assert (await audited(app))[entries:] == ["touchpoint.recorded"]


async def test_a_touchpoint_that_stands_already_is_no_event_but_a_mutation_all_the_same(app: App) -> None:
    customer = await app.add_customer()
    await app.gql(RECORD, {"input": visit(customer, externalId="v-1")})
    events, entries = len(await app.events()), len(await audited(app))

    await app.gql(RECORD, {"input": visit(customer, externalId="v-1")})

    assert len(await app.events()) == events
    assert (await audited(app))[entries:] == ["touchpointRecord"]


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
