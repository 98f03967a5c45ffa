import socket
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

import pytest
from tests.core.testing.seals import READ, SealCard, Seals, seals

from regulars import EventEnvelope, Grants, Job, JobRun, PluginContext, hookimpl
from regulars.errors import UnknownValue
from regulars.plugins.states import PluginState
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp
from regulars.testing.network import NetworkForbidden, network_closed
from regulars.testing.shop import Happening
from regulars.testing.snapshots import UPDATE, assert_schema_snapshot

CARDS = "{ customers(orderBy: [{field: DISPLAY_NAME}]) { nodes { displayName sealCards { seals } } } }"


@pytest.fixture
def plugins() -> Any:
    return [seals()]


async def test_the_app_has_the_plugins_of_the_fixture_enabled(app: App) -> None:
    assert app.server.host.statuses["seal"].state is PluginState.ENABLED


async def test_handlers_hear_of_events_when_they_are_told_to(app: App) -> None:
    ada = await app.add_customer("Ada", email="ada@example.com")
    await app.add_touchpoint(ada, amount="12.50")
    before = await app.gql(CARDS)

    await app.deliver_events()

    assert before["customers"]["nodes"] == [{"displayName": "Ada", "sealCards": []}]
    assert (await app.gql(CARDS))["customers"]["nodes"] == [{"displayName": "Ada", "sealCards": [{"seals": 1}]}]


async def test_histories_are_there_as_if_they_had_been_recorded(app: App) -> None:
    at = app.clock.now() - timedelta(days=3)

    ids = await app.ingest({"Ada": [Happening(at, "10.00"), Happening(at, "-2.50", "refund")], "Bo": []})

    found = await app.gql(
        '{ ada: customer(externalRef: {source: "shop", id: "Ada"}) { databaseId touchpoints { nodes { type amount '
        '{ amount } } } } bo: customer(externalRef: {source: "shop", id: "Bo"}) { touchpoints { totalCount } } }'
    )
    assert found["ada"]["databaseId"] == str(ids["Ada"])
    assert sorted(
        (each["type"], Decimal(each["amount"]["amount"])) for each in found["ada"]["touchpoints"]["nodes"]
    ) == [
        ("order", Decimal("10.00")),
        ("refund", Decimal("-2.50")),
    ]
    assert found["bo"]["touchpoints"]["totalCount"] == 0
    assert len(await app.events("touchpoint.recorded")) == 2


async def test_the_web_application_answers_whoever_has_a_key(app: App) -> None:
    answer = await app.client.post(
        "/graphql", json={"query": "{ viewer { kind } customers { totalCount } }"}, headers=await app.key("analyst")
    )

    assert answer.json()["data"] == {"viewer": {"kind": "service"}, "customers": {"totalCount": 0}}


async def test_personal_data_are_exported_and_erased(app: App) -> None:
    ada = await app.add_customer("Ada")
    await app.add_touchpoint(ada)
    await app.deliver_events()

    exported = await app.export_personal_data(ada)

    assert exported == {"seal": {"cards": [{"seals": 1}]}}
    assert await app.erase_personal_data(ada) == {"seal": {"seal_card": 1}}


async def test_customers_are_merged_and_parted(app: App) -> None:
    ada, bo = await app.add_customer("Ada"), await app.add_customer("Bo")

    merge_id = await app.merge(survivor=ada, merged=bo)
    merged = await app.gql("{ customers { nodes { displayName } } }")
    await app.unmerge(merge_id)

    assert merged["customers"]["nodes"] == [{"displayName": "Ada"}]
    assert (await app.gql("{ customers { totalCount } }"))["customers"]["totalCount"] == 2


class Working(Seals):
    @hookimpl
    def jobs(self) -> Sequence[Job]:
        return [
            Job("seal.count", run=self._count, title="Count", permission=READ),
            Job("seal.fail", run=self._fail, title="Fail", permission=READ),
        ]

    async def _count(self, run: JobRun) -> Mapping[str, Any]:
        async with run.writing() as session:
            session.add(SealCard(customer_id=UUID(run.input["customer"]), seals=3))
        return {"counted": 1}

    async def _fail(self, run: JobRun) -> NoReturn:
        raise ValueError("sour")


async def test_a_job_runs_to_its_end(make_app: MakeApp) -> None:
    app = await make_app(seals(Working()))
    ada = await app.add_customer("Ada")

    job = await app.run_job("seal.count", input={"customer": str(ada)})

    assert (job.status, job.result) == ("SUCCEEDED", {"counted": 1})
    assert await app.export_personal_data(ada) == {"seal": {"cards": [{"seals": 3}]}}


async def test_a_job_that_fails_says_why_and_waits(make_app: MakeApp) -> None:
    app = await make_app(seals(Working()))

    job = await app.run_job("seal.fail")

    assert (job.status, job.attempts) == ("QUEUED", 1)
    assert "sour" in (job.problem or "")


async def test_a_job_that_nobody_offers_is_named(app: App) -> None:
    with pytest.raises(UnknownValue, match=r"seal\.cuont"):
        await app.run_job("seal.cuont")


class Deaf(Seals):
    @hookimpl
    def events(self) -> Any:
        async def fail(ctx: PluginContext, events: Sequence[EventEnvelope]) -> NoReturn:
            raise ValueError("sour")

        return {"customer.created": fail}


async def test_a_handler_that_fails_is_asked_again_when_its_time_has_come(make_app: MakeApp) -> None:
    app = await make_app(seals(Deaf(), grants=Grants(events=("customer.created",))))
    await app.add_customer("Ada")

    await app.deliver_events()
    first = app.problems("seal")[0].count
    app.clock.advance(timedelta(minutes=1))
    await app.deliver_events()

    assert (first, app.problems("seal")[0].count) == (1, 2)


async def test_a_plugin_that_reaches_for_the_network_is_refused(app: App) -> None:
    with pytest.raises(NetworkForbidden, match=r"example\.com"):
        socket.create_connection(("example.com", 443))
    with pytest.raises(NetworkForbidden, match=r"192\.0\.2\.1"), socket.socket() as opened:
        opened.connect(("192.0.2.1", 443))


def test_the_network_is_open_again_afterwards() -> None:
    before = socket.getaddrinfo, socket.socket.connect

    with network_closed():
        pass

    assert (socket.getaddrinfo, socket.socket.connect) == before


async def test_a_snapshot_tells_what_a_plugin_adds(app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "schema.txt"
    with pytest.raises(AssertionError, match=r"\+Customer.sealCards: \[SealCard!\]  # seal:read"):
        await assert_schema_snapshot(app, kept)

    monkeypatch.setenv(UPDATE, "1")
    await assert_schema_snapshot(app, kept)
    monkeypatch.delenv(UPDATE)
    await assert_schema_snapshot(app, kept)

    assert kept.read_text(encoding="utf-8").splitlines() == [
        "Customer.sealCards: [SealCard!]  # seal:read",
        "Customer.sealColour: String  # seal:read",
        "Customer.sealWish: String  # seal:read",
        "SealCard.seals: Int!  # seal:read",
    ]
