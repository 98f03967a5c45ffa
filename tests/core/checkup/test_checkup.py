import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from regulars.audit.service import record_audit
from regulars.checkup.backlog import event_findings, job_findings, seal_findings, webhook_findings
from regulars.checkup.findings import Finding, exit_code
from regulars.checkup.guards import guard_findings
from regulars.checkup.service import check_up
from regulars.checkup.surroundings import (
    clock_findings,
    database_findings,
    disk_findings,
    settings_findings,
    unknown_findings,
)
from regulars.database import Database, open_engine
from regulars.events.models import Event, EventDelivery
from regulars.events.service import record_event
from regulars.jobs.models import Job
from regulars.settings import Settings
from regulars.testing.databases import PostgresDatabases
from regulars.webhooks.models import DEAD, Webhook, WebhookDelivery

NOW = datetime.now(UTC)
MIB = 1024 * 1024


def told(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(finding.subject, finding.level) for finding in findings]


async def test_a_sound_installation_has_nothing_to_do(database: Database, database_url: str, tmp_path: Path) -> None:
    settings = Settings.model_validate({"database_url": database_url, "secret": "s" * 40, "uploads": str(tmp_path)})

    findings = await check_up(database, settings, now=datetime.now(UTC))

    doubtful = [finding for finding in findings if finding.level != "well"]
    assert [finding.subject for finding in doubtful if finding.subject != "database settings"] == []
    assert {"secret", "database", "triggers", "seals", "jobs", "events"} <= {finding.subject for finding in findings}


def test_a_misspelt_setting_is_named_with_the_one_that_was_meant() -> None:
    (finding,) = unknown_findings(["HOME", "REGULARS_PLANER", "REGULARS_PORT", "REGULARS_TEST_SEED"])

    assert (finding.subject, finding.level) == ("settings", "warning")
    assert finding.message == "REGULARS_PLANER is set, and there is no such setting."
    assert finding.next_step == "Did you mean REGULARS_PLANNER?"


async def test_a_database_without_tables_ends_the_look_with_what_to_run(empty_database_url: str) -> None:
    settings = Settings(database_url=empty_database_url)
    database = Database(open_engine(settings))

    findings = await check_up(database, settings, now=NOW)

    await database.close()
    assert (findings[-1].subject, findings[-1].level) == ("database", "problem")
    assert "regulars db upgrade" in findings[-1].message


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        ({}, ("secret", "warning")),
        ({"secret": "s" * 40, "mode": "development", "host": "0.0.0.0"}, ("settings", "warning")),
        ({"secret": "s" * 40, "safe_mode": True}, ("settings", "warning")),
        ({"secret": "s" * 40, "worker": False}, ("settings", "well")),
    ],
    ids=["no-secret", "open-development", "safe-mode", "no-worker"],
)
def test_doubtful_settings_are_told(given: dict[str, Any], finding: tuple[str, str]) -> None:
    assert finding in told(list(settings_findings(Settings.model_validate(given))))


@pytest.mark.parametrize(("free", "level"), [(2_000 * MIB, "well"), (500 * MIB, "warning"), (50 * MIB, "problem")])
def test_a_disk_that_fills_up_is_told_before_it_is_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, level: str
) -> None:
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10_000 * MIB, 10_000 * MIB - free, free))

    findings = list(disk_findings(Settings(uploads=str(tmp_path / "not made yet"))))

    assert told(findings) == [("disk of uploads", level), ("disk of database", level)]


async def test_sqlite_without_its_log_is_told() -> None:
    settings = Settings(database_url="sqlite:///:memory:")
    database = Database(open_engine(settings))

    async with database.reading() as session:
        findings = await database_findings(session, settings)

    await database.close()
    assert told(findings) == [("database settings", "problem")]
    assert "journal_mode is memory" in findings[0].message


async def test_a_log_that_only_grows_is_told(tmp_path: Path) -> None:
    with (tmp_path / "shop.db-wal").open("wb") as log:
        log.truncate(65 * MIB)
    database = Database(open_engine(Settings(database_url=f"sqlite:///{tmp_path}/another.db")))

    async with database.reading() as session:
        findings = await database_findings(session, Settings(database_url=f"sqlite:///{tmp_path}/shop.db"))

    await database.close()
    assert told(findings) == [("database settings", "warning")]


async def test_a_postgresql_that_may_forget_is_told(postgresql: Database) -> None:
    async with postgresql.reading() as session:
        await session.execute(text("SET synchronous_commit = off"))

        findings = await database_findings(session, Settings(database_url="postgresql://somewhere/shop"))

    assert ("database settings", "warning") in told(findings)
    assert "synchronous_commit" in findings[0].message


async def test_more_connections_than_postgresql_allows_are_told(postgresql: Database) -> None:
    settings = Settings(database_url="postgresql://somewhere/shop", pool_size=500)

    async with postgresql.reading() as session:
        findings = await database_findings(session, settings)

    assert ("connections", "warning") in told(findings)


@pytest.mark.parametrize(("seconds", "level"), [(0, "well"), (10, "warning"), (-60, "problem")])
async def test_clocks_that_are_apart_are_told(postgresql: Database, seconds: int, level: str) -> None:
    async with postgresql.reading() as session:
        findings = await clock_findings(session, now=datetime.now(UTC) + timedelta(seconds=seconds))

    assert told(findings) == [("clock", level)]


@pytest.fixture
def postgresql_url(postgres_databases: PostgresDatabases) -> Any:
    with postgres_databases.fresh() as url:
        yield url


@pytest.fixture
async def postgresql(postgresql_url: str) -> Any:
    opened = Database(open_engine(Settings(database_url=postgresql_url)))
    yield opened
    await opened.close()


async def test_a_trigger_that_somebody_took_away_is_told_by_name(database: Database) -> None:
    name = {"sqlite": "core_audit_is_not_updated", "postgresql": "core_audit_stays"}[database.dialect]
    on = {"sqlite": "", "postgresql": " ON core_audit"}[database.dialect]
    async with database.writing() as session:
        await session.execute(text(f"DROP TRIGGER {name}{on}"))

        findings = await guard_findings(session)

    assert told(findings) == [("triggers", "problem")]
    assert name in findings[0].message


@pytest.mark.parametrize(("age", "level"), [(timedelta(0), "well"), (timedelta(hours=2), "problem")])
async def test_entries_that_stay_unsealed_are_told(database: Database, age: timedelta, level: str) -> None:
    async with database.writing() as session:
        await record_audit(session, actor="system", action="test", subject="test:1", now=NOW)
        await session.flush()

        findings = await seal_findings(session, now=datetime.now(UTC) + age)

    assert told(findings) == [("seals", level)]


async def test_a_job_that_nobody_takes_up_is_told(database: Database) -> None:
    async with database.writing() as session:
        late = NOW - timedelta(minutes=20)
        session.add(Job(kind="core.import", key="1", input={}, run_after=late, created_by="system", created_at=late))
        await session.flush()

        findings = await job_findings(session, now=NOW)

    assert told(findings) == [("jobs", "problem")]
    assert "20 minutes" in findings[0].message


async def test_a_job_that_failed_since_yesterday_is_told_by_kind(database: Database) -> None:
    async with database.writing() as session:
        for key, ended in (("1", NOW - timedelta(hours=1)), ("2", NOW - timedelta(days=2))):
            session.add(
                Job(
                    kind="core.import",
                    key=key,
                    status="FAILED",
                    input={},
                    run_after=ended,
                    created_by="system",
                    created_at=ended,
                    ended_at=ended,
                )
            )
        await session.flush()

        findings = await job_findings(session, now=NOW)

    assert told(findings) == [("jobs", "warning")]
    assert "core.import (1)" in findings[0].message


async def test_an_outbox_that_lags_behind_is_told(database: Database) -> None:
    async with database.writing() as session:
        hours_ago = NOW - timedelta(hours=3)
        await record_event(session, type="x.happened", subject="x:1", actor="system", data={}, now=hours_ago)
        await session.flush()

        findings = await event_findings(session, now=NOW)

    assert told(findings) == [("events", "problem")]
    assert "3 hours" in findings[0].message


async def test_events_that_were_given_up_are_told_by_handler(database: Database) -> None:
    async with database.writing() as session:
        event = await record_event(session, type="x.happened", subject="x:1", actor="system", data={}, now=NOW)
        await session.execute(update(Event).values(dispatched_at=NOW))
        session.add(EventDelivery(event_id=event.id, handler="gold", attempts=10, next_at=None, failed_at=NOW))
        await session.flush()

        findings = await event_findings(session, now=NOW)

    assert told(findings) == [("dead letters", "warning")]
    assert "gold (1)" in findings[0].message


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"disabled_at": NOW, "disabled_reason": "It answered 410"}, "It answered 410"),
        ({"failing_since": NOW - timedelta(hours=4)}, "4 hours"),
    ],
    ids=["disabled", "failing"],
)
async def test_a_webhook_that_fails_or_is_disabled_is_told(database: Database, state: Any, words: str) -> None:
    async with database.writing() as session:
        session.add(Webhook(url="https://example.com/", event_types=["*"], created_at=NOW, updated_at=NOW, **state))
        await session.flush()

        findings = await webhook_findings(session, now=NOW)

    assert told(findings) == [("webhooks", "warning")]
    assert words in findings[0].message


async def test_deliveries_to_webhooks_that_were_given_up_are_counted(database: Database) -> None:
    async with database.writing() as session:
        webhook = Webhook(url="https://example.com/", event_types=["*"], created_at=NOW, updated_at=NOW)
        event = await record_event(session, type="x.happened", subject="x:1", actor="system", data={}, now=NOW)
        session.add(webhook)
        await session.flush()
        session.add(
            WebhookDelivery(
                webhook_id=webhook.id, event_id=event.id, event_type="x.happened", status=DEAD, created_at=NOW
            )
        )
        await session.flush()

        findings = await webhook_findings(session, now=NOW)

    assert told(findings) == [("dead letters", "warning")]
    assert findings[0].message.startswith("1 deliveries")


@pytest.mark.parametrize(
    ("levels", "code"), [([], 0), (["well"], 0), (["well", "warning"], 3), (["warning", "problem", "well"], 1)]
)
def test_the_exit_code_tells_the_worst(levels: list[Any], code: int) -> None:
    assert exit_code([Finding("x", level, "x") for level in levels]) == code
