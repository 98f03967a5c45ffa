"""Mutations over many rows: what becomes of the others when some fail."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from regulars.testing.app import App

UPSERT = """mutation ($rows: [CustomerUpsertInput!]!, $policy: ErrorPolicy!) {
  customerBulkUpsert(input: {rows: $rows, errorPolicy: $policy}) {
    results { index customer { displayName language } errors { code path } }
    errors { code }
  }
}"""
UPDATE = """mutation ($rows: [CustomerUpdateInput!]!) { customerBulkUpdate(input: {rows: $rows}) {
  results { index customer { displayName } errors { code } } errors { code } } }"""
DELETE = """mutation ($rows: [CustomerRefInput!]!) { customerBulkDelete(input: {rows: $rows}) {
  results { errors { code } } errors { code } } }"""
RECORD = """mutation ($rows: [TouchpointRecordInput!]!, $policy: ErrorPolicy!) {
  touchpointBulkRecord(input: {rows: $rows, errorPolicy: $policy}) {
    results { index touchpoint { type } errors { code } } errors { code } } }"""
WITHDRAW = """mutation ($rows: [ConsentScopeInput!]!) { consentBulkWithdraw(input: {rows: $rows}) {
  results { consent { purpose } errors { code } } errors { code } } }"""
NAMES = "{ customers { nodes { displayName } } }"


def named(number: int, **facts: Any) -> dict[str, Any]:
    return {"identities": [{"kind": "external", "source": "crm", "value": f"C{number}"}], **facts}


ROWS = [named(1, displayName="Ada"), named(2, displayName="Bob", language="no language!"), named(3, displayName="Cyn")]


async def upsert(app: App, policy: str) -> tuple[dict[str, Any], list[str]]:
    """Return the payload of an upsert of three, of whom the second has a wrong language, and who is there then."""
    payload = (await app.gql(UPSERT, {"rows": ROWS, "policy": policy}))["customerBulkUpsert"]
    found = (await app.gql(NAMES))["customers"]["nodes"]
    return payload, sorted(customer["displayName"] for customer in found)


async def test_nothing_is_written_unless_every_row_can_be(app: App) -> None:
    payload, there = await upsert(app, "REJECT_EVERYTHING")

    assert there == []
    assert payload["errors"] == [{"code": "BULK_REJECTED"}]
    assert [len(result["errors"]) for result in payload["results"]] == [0, 1, 0]
    assert [result["customer"] for result in payload["results"]] == [None] * 3
    assert await app.events() == []


async def test_rows_that_fail_are_left_out_if_that_is_wanted(app: App) -> None:
    payload, there = await upsert(app, "REJECT_FAILED_ROWS")

    assert there == ["Ada", "Cyn"]
    assert payload["errors"] == []
    assert payload["results"][1] == {
        "index": 1,
        "customer": None,
        "errors": [{"code": "INVALID", "path": ["language"]}],
    }


async def test_what_fails_of_a_row_is_left_out_of_it_if_that_is_wanted(app: App) -> None:
    payload, there = await upsert(app, "IGNORE_FAILED")

    assert there == ["Ada", "Bob", "Cyn"]
    assert payload["results"][1] == {
        "index": 1,
        "customer": {"displayName": "Bob", "language": None},
        "errors": [{"code": "INVALID", "path": ["language"]}],
    }


async def test_rows_are_written_in_the_order_given(app: App) -> None:
    rows = [named(1, displayName="First"), named(1, displayName="Last")]

    await app.gql(UPSERT, {"rows": rows, "policy": "REJECT_EVERYTHING"})

    assert (await app.gql(NAMES))["customers"]["nodes"] == [{"displayName": "Last"}]


async def test_customers_are_changed_and_hidden_together(app: App) -> None:
    ids = [str(await app.add_customer(name)) for name in ("Ada", "Bob")]

    changed = (await app.gql(UPDATE, {"rows": [{"id": id, "displayName": "Cyn"} for id in ids]}))["customerBulkUpdate"]
    hidden = (await app.gql(DELETE, {"rows": [{"id": id} for id in ids]}))["customerBulkDelete"]

    assert [result["customer"]["displayName"] for result in changed["results"]] == ["Cyn", "Cyn"]
    assert (hidden["errors"], (await app.gql(NAMES))["customers"]["nodes"]) == ([], [])


async def test_one_unknown_customer_leaves_the_others_as_they_were(app: App) -> None:
    id = str(await app.add_customer("Ada"))
    rows = [{"id": id, "displayName": "Cyn"}, {"id": str(UUID(int=9)), "displayName": "Cyn"}]

    payload = (await app.gql(UPDATE, {"rows": rows}))["customerBulkUpdate"]

    assert [result["errors"] for result in payload["results"]] == [[], [{"code": "NOT_FOUND"}]]
    assert (await app.gql(NAMES))["customers"]["nodes"] == [{"displayName": "Ada"}]


@pytest.mark.parametrize(("policy", "recorded"), [("REJECT_EVERYTHING", 0), ("REJECT_FAILED_ROWS", 1)])
async def test_touchpoints_are_recorded_together(app: App, policy: str, recorded: int) -> None:
    good = {"customerId": str(await app.add_customer("Ada")), "occurredAt": "2026-03-01T00:00:00Z", "type": "visit"}

    payload = (await app.gql(RECORD, {"rows": [good, good | {"type": "dance"}], "policy": policy}))[
        "touchpointBulkRecord"
    ]

    assert [len(result["errors"]) for result in payload["results"]] == [0, 1]
    assert len(await app.events("touchpoint.recorded")) == recorded


async def test_withdrawals_are_recorded_together(app: App) -> None:
    ids = [str(await app.add_customer(name)) for name in ("Ada", "Bob")]
    rows = [{"customerId": id, "purpose": "research", "channel": "*", "reason": "They asked."} for id in ids]

    payload = (await app.gql(WITHDRAW, {"rows": rows}))["consentBulkWithdraw"]

    assert [result["consent"]["purpose"] for result in payload["results"]] == ["research", "research"]


async def test_two_requests_over_the_same_customers_wait_for_one_another_and_not_in_a_ring(app: App) -> None:
    ids = [str(await app.add_customer(f"C{number}")) for number in range(20)]
    forwards = [{"id": id, "displayName": "Forwards"} for id in ids]
    backwards = [{"id": id, "displayName": "Backwards"} for id in reversed(ids)]

    payloads = await asyncio.gather(*(app.gql(UPDATE, {"rows": rows}) for rows in (forwards, backwards) * 3))

    assert [payload["customerBulkUpdate"]["errors"] for payload in payloads] == [[]] * 6
    assert len({customer["displayName"] for customer in (await app.gql(NAMES))["customers"]["nodes"]}) == 1


async def test_more_than_500_rows_are_refused(app: App) -> None:
    payload = (await app.gql(DELETE, {"rows": [{"id": str(UUID(int=1))}] * 501}))["customerBulkDelete"]

    assert (payload["results"], payload["errors"]) == (None, [{"code": "OUT_OF_RANGE"}])
