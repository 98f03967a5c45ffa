from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select

from regulars.clock import SettableClock
from regulars.contact.models import ContactAudience, ContactVerdict
from regulars.events.deliveries import fan_out
from regulars.events.models import Event, EventDelivery
from regulars.events.service import record_event
from regulars.ingest.staging import write_rows
from regulars.jobs.models import Job
from regulars.jobs.registry import JobKind
from regulars.jobs.retention import retention_job
from regulars.jobs.service import list_jobs
from regulars.tables import new_id

if TYPE_CHECKING:
    from tests.core.jobs.conftest import Yard

MONTH = timedelta(days=30)


async def run_retention(yard: "Yard") -> Job:
    yard.kinds["core.retention"] = JobKind(retention_job(keep_for=MONTH, keep_audiences_for=2 * MONTH))
    return await yard.finished(await yard.enqueue("core.retention"), "SUCCEEDED")


async def test_events_told_a_month_ago_are_forgotten_with_their_dead_letters(
    yard: "Yard", clock: SettableClock
) -> None:
    yard.clock = clock
    await record(yard, "old.told", 2_500)
    async with yard.database.writing() as session:
        await fan_out(session, {"old.told": ["clv"]}, limit=5_000, now=clock.now())
    await record(yard, "old.untold", 3)
    clock.advance(MONTH + timedelta(seconds=1))
    await record(yard, "new.untold", 4)

    ended = await run_retention(yard)

    assert ended.result is not None
    assert (ended.result["events"], ended.result["jobs"]) == (2_500, 0)
    assert await events_of(yard, "old.told") == 0
    assert await events_of(yard, "old.untold") == 3
    assert await events_of(yard, "new.untold") == 4
    assert await deliveries(yard) == 0


async def test_jobs_that_ended_a_month_ago_are_forgotten_but_for_the_newest_of_each_kind(
    yard: "Yard", clock: SettableClock
) -> None:
    yard.clock = clock
    for kind in ("test.one", "test.one", "test.two"):
        await yard.cancel(await yard.enqueue(kind))
        clock.advance(timedelta(seconds=1))
    waiting = await yard.enqueue("test.one")
    clock.advance(MONTH)

    ended = await run_retention(yard)

    assert ended.result is not None
    assert (ended.result["events"], ended.result["jobs"]) == (0, 2)
    async with yard.database.reading() as session:
        assert [job.id for job in await list_jobs(session, kind="test.one")] == [waiting.id]
        assert len(await list_jobs(session, kind="test.two")) == 1


async def test_audiences_are_forgotten_with_their_verdicts_after_their_own_time(
    yard: "Yard", clock: SettableClock
) -> None:
    yard.clock = clock
    await ask(yard, customers=2_500)
    clock.advance(timedelta(seconds=2))
    kept = await ask(yard, customers=3)
    clock.advance(2 * MONTH - timedelta(seconds=1))

    ended = await run_retention(yard)

    assert ended.result is not None
    assert ended.result["verdicts"] == 2_500
    async with yard.database.reading() as session:
        assert list(await session.scalars(select(ContactAudience.id))) == [kept]
        assert list(await session.scalars(select(ContactVerdict.audience_id))) == [kept] * 3


async def ask(yard: "Yard", *, customers: int) -> UUID:
    """Return an audience that was decided for so many customers."""
    audience = ContactAudience(asked_at=yard.clock.now(), request={}, policy_version="p1", actor="staff:1")
    verdicts = [
        {"audience_id": audience.id, "customer_id": new_id(), "outcome": "ALLOW", "rule": "allowed"}
        for _ in range(customers)
    ]
    async with yard.database.writing() as session:
        session.add(audience)
        await session.flush()
        await write_rows(session, ContactVerdict, verdicts)
    return audience.id


async def record(yard: "Yard", type: str, count: int) -> None:
    async with yard.database.writing() as session:
        for _ in range(count):
            await record_event(session, type=type, subject="customer:1", actor="system", data={}, now=yard.clock.now())


async def events_of(yard: "Yard", type: str) -> int:
    async with yard.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Event).where(col(Event.type) == type)) or 0


async def deliveries(yard: "Yard") -> int:
    async with yard.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(EventDelivery)) or 0
