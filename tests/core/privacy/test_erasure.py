"""Row 15 of the test plan: of whoever was erased nothing is left in any place, and of the others nothing is missing."""

import csv
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.core.privacy.canaries import CREATE, Canary, found_in, make_canaries
from tests.plan import Figures

from regulars.access.actors import SYSTEM
from regulars.ingest.models import Import
from regulars.jobs.models import Job
from regulars.jobs.service import enqueue_job
from regulars.privacy.requests import PRIVACY_JOB
from regulars.testing.app import App
from regulars.touchpoints.models import Touchpoint
from regulars.tracking.models import RejectedMessage
from regulars_clv.manifest import manifest

pytestmark = pytest.mark.row(15)

ERASE = """mutation ($id: ID!) {
  customerErase(input: {id: $id, reason: "By letter."}) { privacyRequest { id status dueAt } errors { code message } }
}"""
REQUESTS = "{ privacyRequests { nodes { kind status reason problem certificate completedAt } } }"


@pytest.fixture
def plugins() -> Any:
    return [manifest]


@pytest.fixture
def server_settings(tmp_path: Path) -> dict[str, Any]:
    return {"uploads": str(tmp_path / "uploads"), "erasures": str(tmp_path / "erasures.jsonl")}


async def erase(app: App, canaries: Sequence[Canary]) -> list[dict[str, Any]]:
    for canary in canaries:
        asked = await app.gql(ERASE, {"id": str(canary.id)}, as_="privacy")
        assert asked["customerErase"]["errors"] == []
    job = await app.run_job(PRIVACY_JOB)
    assert job.status == "SUCCEEDED", job.problem
    found = await app.gql(REQUESTS, as_="privacy")
    requests: list[dict[str, Any]] = found["privacyRequests"]["nodes"]
    return requests


def late_visit(canary: Canary, now: datetime) -> Touchpoint:
    """Return what a writer leaves who had read that the customer was there before they were erased."""
    return Touchpoint(
        customer_id=canary.id, profile_id=canary.id, type="visit", occurred_at=now, received_at=now, source="late"
    )


def import_with(rejects: Path, now: datetime) -> Import:
    """Return the import of a file whose rejected rows lie in another."""
    return Import(
        kind="customers",
        file_name="customers.csv",
        fingerprint="f",
        rejects_file=str(rejects),
        rejects_size=rejects.stat().st_size,
        created_by="system",
        created_at=now,
        updated_at=now,
    )


async def leave_tracks(app: App, canary: Canary, folder: Path) -> Path:
    """Leave what points to a person where nothing refers to them: a job, a rejected message, a file."""
    rejects = folder / "customers.csv.rejected.csv"
    rejects.write_text(
        f'line,code,reason,row\n2,INVALID,bad,"{{""email"":""{canary.email}""}}"\n3,INVALID,bad,"{{}}"\n'
    )
    now = app.clock.now()
    async with app.database.writing() as session:
        session.add(import_with(rejects, now))
        session.add(
            RejectedMessage(
                source="site",
                code="INVALID",
                reason=f"{canary.email} is bad",
                masked={"traits": {"email": canary.email}},
                body={"traits": {"email": canary.email, "street": "7 Quiet Lane"}},
                received_at=now,
            )
        )
        await enqueue_job(session, kind="core.none", actor=SYSTEM.label, input={"for": canary.email}, now=now)
    return rejects


async def test_of_five_erased_among_fifty_nothing_is_left_and_the_others_are_whole(app: App, tmp_path: Path) -> None:
    canaries = await make_canaries(app, 50)
    gone, staying = canaries[:5], canaries[5:]
    before = await found_in(app.database, canaries)

    requests = await erase(app, gone)

    assert min(before.values()) > 5
    assert {request["status"] for request in requests} == {"done"}, [request["problem"] for request in requests]
    assert await found_in(app.database, gone) == dict.fromkeys(range(5), 0)
    nodes = (await app.gql("{ customers(first: 100) { nodes { status identities { kind } } } }"))["customers"]["nodes"]
    assert sorted(len(node["identities"]) for node in nodes) == [0] * 5 + [3] * 45
    assert [node["status"] for node in nodes].count("erased") == 5
    assert min((await found_in(app.database, staying)).values()) > 5


async def test_what_points_to_a_person_without_referring_to_them_is_erased_too(app: App, tmp_path: Path) -> None:
    (canary,) = await make_canaries(app, 1)
    rejects = await leave_tracks(app, canary, tmp_path)
    size = rejects.stat().st_size

    (request,) = await erase(app, [canary])

    assert request["status"] == "done", request["problem"]
    assert await found_in(app.database, [canary]) == {0: 0}
    assert canary.word not in rejects.read_text()
    assert rejects.stat().st_size == size
    assert [row[:2] for row in csv.reader(rejects.read_text().splitlines())] == [
        ["line", "code"],
        ["2", "ERASED"],
        ["3", "INVALID"],
    ]
    async with app.database.reading() as session:
        (message,) = await session.scalars(select(RejectedMessage))
    assert message.body is None
    assert request["certificate"]["fileLines"] == 1


async def test_a_name_is_erased_in_whatever_letters_it_is_written(app: App, tmp_path: Path) -> None:
    created = await app.gql(CREATE, {"input": {"displayName": "Örs Großmann", "identities": []}})
    rejects = tmp_path / "rejected.csv"
    rejects.write_text("line,row\n2,örs großmann\n3,ÖRS GROSSMANN\n4,\\u00D6rs Gro\\u00dfmann\n5,Örs Gram\n")
    now = app.clock.now()
    written = {"small": "örs großmann", "usual": "Für Örs Großmann", "capital": "ÖRS GROSSMANN"}
    async with app.database.writing() as session:
        session.add(import_with(rejects, now))
        job = await enqueue_job(session, kind="core.none", actor=SYSTEM.label, input=written, now=now)

    await app.gql(ERASE, {"id": created["customerCreate"]["customer"]["databaseId"]}, as_="privacy")
    await app.run_job(PRIVACY_JOB)

    async with app.database.reading() as session:
        told = await session.get_one(Job, job.id)
    assert told.input == {"small": "‹erased›", "usual": "Für ‹erased›", "capital": "‹erased›"}
    assert [line.rstrip() for line in rejects.read_text().splitlines()] == [
        "line,row",
        "2,ERASED,,{}",
        "3,ERASED,,{}",
        "4,ERASED,,{}",
        "5,Örs Gram",
    ]


async def test_a_merged_customers_rows_and_what_the_merge_kept_are_erased_with_them(app: App) -> None:
    first, second = await make_canaries(app, 2)
    await app.merge(survivor=first.id, merged=second.id)

    (request,) = await erase(app, [second])

    assert request["status"] == "done", request["problem"]
    assert await found_in(app.database, [first, second]) == {0: 0, 1: 0}
    assert len({request["certificate"]["customer"], *request["certificate"]["mergedIds"]}) == 2


async def test_whoever_was_erased_cannot_be_created_again(app: App) -> None:
    (canary,) = await make_canaries(app, 1)
    await erase(app, [canary])

    identities = [{"kind": "email", "value": canary.email.upper()}]
    again = await app.gql(CREATE, {"input": {"displayName": "Again", "identities": identities}})

    assert [error["message"] for error in again["customerCreate"]["errors"]] != []
    assert await found_in(app.database, [canary]) == {0: 0}


async def test_the_certificate_names_tables_and_counts_and_what_is_kept(app: App) -> None:
    (canary,) = await make_canaries(app, 1)

    (request,) = await erase(app, [canary])

    certificate = request["certificate"]
    assert request["reason"] == ""
    assert certificate["rows"]["core_customer_identity"] == 3
    assert certificate["rows"]["core_touchpoint"] == 1
    assert certificate["barredAddresses"] == 3
    assert certificate["plugins"] == {"clv": {"clv_past_score": 0, "clv_score": 0, "clv_staged_score": 0}}
    assert "core_consent_event" in certificate["kept"]
    assert certificate["open"] == []


async def test_what_is_written_while_somebody_is_erased_is_found_when_looked_at_again(app: App) -> None:
    (canary,) = await make_canaries(app, 1)
    await erase(app, [canary])
    async with app.database.writing() as session:
        session.add(late_visit(canary, app.clock.now()))
    app.clock.advance(timedelta(minutes=11))

    await app.run_job(PRIVACY_JOB)

    (request,) = (await app.gql(REQUESTS))["privacyRequests"]["nodes"]
    assert request["certificate"]["rows"]["core_touchpoint"] == 2


async def test_erasing_an_erased_customer_is_refused(app: App) -> None:
    (canary,) = await make_canaries(app, 1)
    await erase(app, [canary])

    again = await app.gql(ERASE, {"id": str(canary.id)})

    assert again["customerErase"]["errors"][0]["code"] == "FORBIDDEN_TRANSITION"


@pytest.mark.full
@pytest.mark.timeout(1800)
async def test_of_a_hundred_erased_among_a_thousand_nothing_is_left(app: App, figures: Figures) -> None:
    canaries = await make_canaries(app, 1000)
    gone = canaries[:100]

    await erase(app, gone)

    figures(people=1000, erased=100)
    assert await found_in(app.database, gone) == dict.fromkeys(range(100), 0)
    assert min((await found_in(app.database, canaries[100:])).values()) > 5
