"""Export through the API and fetch the file, as somebody with a key does."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from regulars.jobs.models import Job
from regulars.testing.app import App
from regulars.testing.background import run_enqueued_job

CUSTOMERS = """mutation ($input: CustomerExportInput!) { customerExport(input: $input) {
  job { id } downloadUrl errors { code message } } }"""
TOUCHPOINTS = """mutation ($input: TouchpointExportInput!) { touchpointExport(input: $input) {
  job { id } downloadUrl errors { code } } }"""


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    return {"exports": str(tmp_path / "exports")}


class Clerk:
    """Somebody with a key of a role."""

    def __init__(self, app: App, headers: dict[str, str]) -> None:
        self.app, self.headers = app, headers

    async def ask(self, query: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """Return the payload of the one mutation."""
        body = {"query": query, "variables": {"input": wanted}}
        answer = (await self.app.client.post("/graphql", json=body, headers=self.headers)).json()
        assert "errors" not in answer, answer
        payload: dict[str, Any] = next(iter(answer["data"].values()))
        return payload

    async def export(self, query: str, **wanted: Any) -> tuple[Job, str]:
        """Return the job after it ended, and the address of its file."""
        payload = await self.ask(query, wanted)
        assert payload["errors"] == []
        return await run_enqueued_job(self.app.server, "core.export"), payload["downloadUrl"]

    async def fetch(self, address: str) -> httpx.Response:
        """Return the answer to a download."""
        return await self.app.client.get(address, headers=self.headers)


@pytest.fixture
async def analyst(app: App) -> Clerk:
    return Clerk(app, await app.key("analyst"))


async def test_customers_are_exported_to_a_file_that_only_who_asked_may_fetch(app: App, analyst: Clerk) -> None:
    await app.add_customer("=cmd|' /C calc'!A0", email="ada@example.org")
    other = Clerk(app, await app.key("analyst"))

    job, address = await analyst.export(CUSTOMERS, columns=["displayName", "identities.value"])

    mine, theirs, nobodys = [
        await analyst.fetch(address),
        await other.fetch(address),
        await app.client.get(address),
    ]
    assert (job.status, job.result and job.result["rows"]) == ("SUCCEEDED", 1)
    assert list(csv.reader(io.StringIO(mine.text))) == [
        ["displayName", "identities.value"],
        ["'=cmd|' /C calc'!A0", "ada@example.org"],
    ]
    assert [mine.status_code, theirs.status_code, nobodys.status_code] == [200, 404, 403]


async def test_an_export_has_all_rows_however_many_pages_they_fill(app: App, analyst: Clerk) -> None:
    await app.ingest({f"C{number:03}": [] for number in range(230)})

    _, address = await analyst.export(CUSTOMERS, columns=["displayName"], format="jsonl")

    lines = (await analyst.fetch(address)).content.splitlines()
    assert sorted(orjson.loads(line)["displayName"] for line in lines) == [f"C{number:03}" for number in range(230)]


async def test_only_customers_for_whom_the_filter_holds_are_exported(app: App, analyst: Clerk) -> None:
    await app.add_customer("Ada")
    await app.add_customer("Bob")

    _, address = await analyst.export(
        CUSTOMERS, columns=["displayName"], where={"displayName": {"startsWith": "A"}}, format="jsonl"
    )

    assert (await analyst.fetch(address)).content == b'{"displayName":"Ada"}\n'


async def test_touchpoints_are_exported_with_their_amounts(app: App, analyst: Clerk) -> None:
    await app.add_touchpoint(await app.add_customer("Ada"), "refund", amount="-3.50")

    _, address = await analyst.export(TOUCHPOINTS, columns=["type", "amount.amount"])

    assert (await analyst.fetch(address)).text == "type,amount.amount\r\nrefund,-3.50\r\n"


async def test_whoever_may_not_be_contacted_is_left_out_and_counted(app: App, analyst: Clerk) -> None:
    await app.add_customer("Ada", email="ada@example.org")

    job, address = await analyst.export(
        CUSTOMERS,
        columns=["displayName"],
        format="jsonl",
        contact={"channel": "email", "class": "marketing"},
    )

    assert job.result is not None
    assert (job.result["rows"], sum(job.result["leftOut"].values())) == (0, 1)
    assert (await analyst.fetch(address)).content == b""


async def test_a_column_that_somebody_may_not_see_is_refused_at_once(app: App) -> None:
    body = {"query": CUSTOMERS, "variables": {"input": {"columns": ["traits.key"]}}}
    actor = app.actor("analyst")
    poorer = type(actor)(actor.kind, actor.id, actor.name, actor.permissions - {"traits:read"})

    answer = await app.ask(body["query"], body["variables"], as_=poorer)  # type: ignore[arg-type]

    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]
    assert (await app.gql('{ jobs(where: {kind: {eq: "core.export"}}) { nodes { id } } }'))["jobs"]["nodes"] == []


@pytest.mark.parametrize("column", ["shoes", "touchpoints.nodes.type", "identities", "displayName.x"])
async def test_a_column_that_cannot_be_exported_is_refused_at_once(analyst: Clerk, column: str) -> None:
    payload = await analyst.ask(CUSTOMERS, {"columns": [column]})

    assert (payload["job"], payload["errors"][0]["code"]) == (None, "INVALID")


async def test_a_file_cannot_be_fetched_after_a_week(app: App, analyst: Clerk) -> None:
    _, address = await analyst.export(CUSTOMERS, columns=["displayName"])
    app.clock.advance(timedelta(days=7, seconds=1))

    assert (await analyst.fetch(address)).status_code == 404


async def test_nothing_of_customers_who_may_not_be_seen_gets_out(app: App) -> None:
    ada = await app.add_customer("Canary of Ada", email="canary@example.org")
    await app.add_touchpoint(ada, "order", amount="5.00")
    customer = Clerk(app, await app.key("frontline"))

    answers = [
        await app.client.post("/graphql", json={"query": query, "variables": {"input": {}}}, headers=customer.headers)
        for query in (CUSTOMERS, TOUCHPOINTS)
    ]

    assert [one.json()["errors"][0]["extensions"]["code"] for one in answers] == ["FORBIDDEN"] * 2
    assert "anary" not in "".join(one.text for one in answers)


async def test_a_file_is_deleted_once_nobody_may_fetch_it(app: App, analyst: Clerk, tmp_path: Path) -> None:
    await analyst.export(CUSTOMERS, columns=["displayName"])
    folder = tmp_path / "exports"
    (folder / "of somebody else.csv").touch()
    before = sorted(path.suffix for path in folder.iterdir())
    app.clock.advance(datetime.now(UTC) + timedelta(days=8) - app.clock.now())

    await app.run_job("core.export_cleanup")

    assert before == [".csv", ".csv", ".csv"]
    assert [path.name for path in folder.iterdir()] == ["of somebody else.csv"]
