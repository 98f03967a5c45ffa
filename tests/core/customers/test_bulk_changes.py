"""Change all customers for whom a filter holds, and nobody else."""

from typing import Any

import pytest

from regulars.testing.app import App
from regulars.testing.background import run_enqueued_job

UPDATE = """mutation ($where: CustomerWhere!, $count: Int!) {
  customerBulkUpdateWhere(input: {where: $where, expectedCount: $count, changes: {language: "de"}}) {
    changed job { id } errors { code message } } }"""
DELETE = """mutation ($where: CustomerWhere!, $count: Int!) {
  customerBulkDeleteWhere(input: {where: $where, expectedCount: $count}) { changed errors { code } } }"""
ADAS = {"displayName": {"startsWith": "Ada"}}


async def languages(app: App) -> dict[str, str | None]:
    found = (await app.gql("{ customers(first: 100) { nodes { displayName language } } }"))["customers"]["nodes"]
    return {customer["displayName"]: customer["language"] for customer in found}


async def update(app: App, count: int) -> dict[str, Any]:
    payload: dict[str, Any] = (await app.gql(UPDATE, {"where": ADAS, "count": count}))["customerBulkUpdateWhere"]
    return payload


async def test_all_for_whom_the_filter_holds_are_changed(app: App) -> None:
    await app.ingest({"Ada One": [], "Ada Two": [], "Bob": []})

    payload = await update(app, 2)

    assert (payload["changed"], payload["errors"]) == (2, [])
    assert await languages(app) == {"Ada One": "de", "Ada Two": "de", "Bob": None}


async def test_nobody_is_changed_when_they_are_more_or_fewer_than_expected(app: App) -> None:
    await app.ingest({"Ada One": [], "Ada Two": [], "Bob": []})

    payload = await update(app, 3)

    assert (payload["changed"], [error["code"] for error in payload["errors"]]) == (None, ["COUNT_DIFFERS"])
    assert set((await languages(app)).values()) == {None}


async def test_all_for_whom_the_filter_holds_are_hidden(app: App) -> None:
    await app.ingest({"Ada One": [], "Bob": []})

    payload = (await app.gql(DELETE, {"where": ADAS, "count": 1}))["customerBulkDeleteWhere"]

    assert payload == {"changed": 1, "errors": []}
    assert list(await languages(app)) == ["Bob"]


@pytest.mark.full
async def test_more_than_500_are_changed_by_a_job(app: App) -> None:
    await app.ingest({f"Ada {number}": [] for number in range(501)})

    payload = await update(app, 501)
    job = await run_enqueued_job(app.server, "core.bulk_change")

    assert (payload["changed"], payload["job"] is not None) == (None, True)
    assert (job.status, job.result) == ("SUCCEEDED", {"changed": 501})
    german = 'query { customers(where: {language: {eq: "de"}}) { totalCount } }'
    assert (await app.gql(german))["customers"]["totalCount"] == 501
