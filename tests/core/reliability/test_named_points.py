"""Row 3 of the test plan: a process is killed at every named point, and another one finishes what it began."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from subprocess import PIPE, Popen

import pytest
from sqlalchemy import func, select, text
from sqlmodel import col
from tests.core.reliability.lives import Life

from regulars.audit.heads import Heads
from regulars.audit.models import AuditEntry
from regulars.audit.verification import verify_ledger
from regulars.clock import SystemClock
from regulars.crash_points import CrashPoint
from regulars.customers.models import Customer
from regulars.database import Database, open_engine
from regulars.events.models import Event
from regulars.idempotency.models import KeptAnswer
from regulars.jobs.models import Job
from regulars.revisions import CORE, state_of
from regulars.settings import Settings
from regulars.webhooks.models import Webhook, WebhookSecret

pytestmark = pytest.mark.row(3)

RESULTS = Path(__file__).parents[3] / ".work" / "test-plan"
ELSEWHERE = ("migration.", "message.")
POINTS = [point for point in CrashPoint if not point.startswith(ELSEWHERE)]
PATIENCE_S = 800


@pytest.fixture(scope="session")
def forker() -> Iterator["Popen[str]"]:
    """Give a process that has loaded everything, and forks others quickly."""
    script = Path(__file__).with_name("lives.py")
    with Popen([sys.executable, str(script)], stdin=PIPE, stdout=PIPE, text=True) as process:
        yield process


def begin(forker: "Popen[str]", life: Life) -> int:
    assert forker.stdin is not None
    assert forker.stdout is not None
    forker.stdin.write(json.dumps(asdict(life)) + "\n")
    forker.stdin.flush()
    return int(forker.stdout.readline())


async def end_of(pid: int) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"the process {pid} does not end")


async def kill_everywhere(forker: "Popen[str]", database: Database, life: Life, *, passings: int) -> list[str]:
    """Let one process after another work, each killed at another point, then one that is not; return the kills."""
    async with database.writing() as session:
        await session.execute(text("CREATE TABLE effect (job TEXT NOT NULL)"))
        now = SystemClock().now()
        webhook = Webhook(url="https://crm.example/", event_types=["customer.created"], created_at=now, updated_at=now)
        session.add(webhook)
        await session.flush()
        session.add(WebhookSecret(webhook_id=webhook.id, created_at=now))
    for passing in range(1, passings + 1):
        for point in POINTS:
            await end_of(begin(forker, replace(life, point=point, passing=passing)))
    await end_of(begin(forker, life))
    killed = (Path(life.folder) / "killed").read_text().split()
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"row3-{database.dialect}-{passings}.json").write_text(json.dumps({"killed": killed}, indent=2))
    return killed


async def check(database: Database, folder: Path, things: int) -> None:
    """Check that each thing was done once, that all was told, and that the chain holds."""
    names = sorted(f"thing {thing}" for thing in range(things))
    async with database.reading() as session:
        assert sorted(map(str, await session.scalars(select(col(Customer.display_name))))) == names
        assert sorted(await session.scalars(select(col(KeptAnswer.key)))) == names
        answers = dict((await session.execute(select(col(KeptAnswer.key), col(KeptAnswer.answer)))).all())
        created = set(await session.scalars(select(col(Event.id)).where(col(Event.type) == "customer.created")))
        audited = select(func.count()).select_from(AuditEntry).where(col(AuditEntry.action) == "customer.created")
        assert await session.scalar(audited) == len(created) == things
        effects = list(await session.scalars(text("SELECT job FROM effect")))
        jobs = (await session.execute(select(col(Job.id), col(Job.status)))).all()
    assert sorted(effects) == sorted(id.hex for id, _ in jobs)
    assert [status for _, status in jobs] == ["SUCCEEDED"] * things
    assert {f"thing {thing}": answer_of(folder, thing) for thing in range(things)} == answers
    assert told(folder) >= {str(id) for id in created}
    assert set((folder / "received").read_text().split()) == {str(id) for id in created}
    verdict = await verify_ledger(database, Heads(folder / "heads"), now=SystemClock().now())
    assert verdict.is_whole, verdict
    assert verdict.unsealed == 0


def answer_of(folder: Path, thing: int) -> str:
    return (folder / f"answer-{thing}").read_text()


def told(folder: Path) -> set[str]:
    return set((folder / "told").read_text().split())


@pytest.fixture
def sqlite_only(database: Database) -> Database:
    """Give the database of the smaller run; the full one takes both kinds."""
    if database.dialect != "sqlite":
        pytest.skip("the full figures have it")
    return database


@pytest.mark.timeout(300)
async def test_a_process_that_is_killed_at_any_named_point_breaks_nothing(
    forker: "Popen[str]", sqlite_only: Database, database_url: str, tmp_path: Path
) -> None:
    life = Life("live", database_url, str(tmp_path), things=26)

    killed = await kill_everywhere(forker, sqlite_only, life, passings=2)

    assert set(killed) == set(POINTS)
    assert len(killed) == 2 * len(POINTS)
    await check(sqlite_only, tmp_path, things=26)


@pytest.mark.full
@pytest.mark.timeout(1800)
async def test_processes_killed_at_every_named_point_many_times_break_nothing(
    forker: "Popen[str]", database: Database, database_url: str, tmp_path: Path
) -> None:
    life = Life("live", database_url, str(tmp_path), things=100)

    killed = await kill_everywhere(forker, database, life, passings=8)

    assert set(killed) == set(POINTS)
    await check(database, tmp_path, things=100)


@pytest.mark.parametrize("passing", [1, 2, 3])
async def test_a_migration_that_is_killed_midway_is_done_whole_the_next_time(
    forker: "Popen[str]", empty_database_url: str, tmp_path: Path, passing: int
) -> None:
    life = Life("migrate", empty_database_url, str(tmp_path), things=0)
    database = Database(open_engine(Settings(database_url=empty_database_url)))

    await end_of(begin(forker, replace(life, point=CrashPoint.MIGRATION_REVISION, passing=passing)))
    midway = await state_of(database.engine, CORE)
    await end_of(begin(forker, life))

    assert midway.current is None
    assert (tmp_path / "killed").read_text().split() == ["migration.revision"]
    assert (await state_of(database.engine, CORE)).is_newest
    await database.close()


@pytest.mark.timeout(120)
async def test_two_processes_racing_for_the_same_keys_have_one_effect_each(
    forker: "Popen[str]", database: Database, database_url: str, tmp_path: Path
) -> None:
    raced = await race(forker, database, database_url, tmp_path, things=50, distance_s=0.05)

    assert raced == all_once(50)


@pytest.mark.full
@pytest.mark.timeout(900)
async def test_two_processes_racing_for_two_thousand_keys_have_one_effect_each(
    forker: "Popen[str]", database: Database, database_url: str, tmp_path: Path
) -> None:
    raced = await race(forker, database, database_url, tmp_path, things=2_000, distance_s=0.03)

    assert raced == all_once(2_000)


@dataclass(frozen=True)
class Raced:
    """What two processes that sent the same keys were answered, and what came of it."""

    answers: list[int]
    different_answers: list[int]
    effects: list[str]


def all_once(things: int) -> Raced:
    """Return a race in which both were answered the same for each key, and each key had one effect."""
    return Raced([2] * things, [1] * things, sorted(f"thing {thing}" for thing in range(things)))


async def race(
    forker: "Popen[str]", database: Database, url: str, folder: Path, *, things: int, distance_s: float
) -> Raced:
    """Row 7 (c): both processes send each key at the same moment."""
    life = Life("race", url, str(folder), things, begin_at=time.time() + 0.5, distance_s=distance_s)
    racers = [begin(forker, life) for _ in range(2)]
    for racer in racers:
        await end_of(racer)

    answers = [[path.read_bytes() for path in answers_of(folder, thing)] for thing in range(things)]
    async with database.reading() as session:
        names = list(await session.scalars(select(col(Customer.display_name))))
    return Raced([len(given) for given in answers], [len(set(given)) for given in answers], sorted(map(str, names)))


def answers_of(folder: Path, thing: int) -> list[Path]:
    return sorted(folder.glob(f"answer-{thing}-*"))
