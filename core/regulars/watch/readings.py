"""Read from the database what waits: jobs, events and deliveries."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import QueuePool
from sqlmodel import col

from regulars.database import Database
from regulars.events.models import Event, EventDelivery
from regulars.jobs.models import Job
from regulars.watch.figures import Reading
from regulars.webhooks.models import Webhook, WebhookDelivery

__all__ = ["MOST_COUNTED", "pool_readings", "read_waiting"]

MOST_COUNTED = 100_000
"""Waiting events are counted up to this number, so that a look stays cheap when many wait."""


async def read_waiting(session: AsyncSession, *, now: datetime) -> Sequence[Reading]:
    """Return what waits in the database at this moment; every process that shares it tells the same."""
    return [
        *await _jobs(session, now),
        *await _events(session, now),
        *await _deliveries(session),
        *await _webhooks(session, now),
    ]


def pool_readings(database: Database) -> Iterator[Reading]:
    """Yield how many connections of each pool of this process are in use, and how many are kept for the next."""
    for name, engine in zip(("requests", "plugins"), database.engines, strict=False):
        pool = engine.sync_engine.pool
        if isinstance(pool, QueuePool):
            help = "Connections to the database, by pool."
            kept = database.kept_for_writers if engine is database.engine else 0
            for state, number in (("lent", pool.checkedout() - kept), ("idle", pool.checkedin() + kept)):
                labels = (("pool", name), ("state", state))
                yield Reading("regulars_database_connections", help, number, labels)


async def _jobs(session: AsyncSession, now: datetime) -> list[Reading]:
    counted = await session.execute(
        select(col(Job.kind), col(Job.status), func.count()).group_by(col(Job.kind), col(Job.status))
    )
    readings = [
        Reading("regulars_jobs", "Jobs by kind and state.", number, (("kind", kind), ("state", status)))
        for kind, status, number in counted
    ]
    oldest = await session.scalar(
        select(func.min(col(Job.run_after))).where(col(Job.status) == "QUEUED", col(Job.run_after) <= now)
    )
    help = "How long the oldest job that is due has waited."
    return [*readings, Reading("regulars_oldest_due_job_seconds", help, _age(oldest, now))]


async def _events(session: AsyncSession, now: datetime) -> list[Reading]:
    untold = col(Event.dispatched_at).is_(None)
    some = select(col(Event.id)).where(untold).limit(MOST_COUNTED).subquery()
    number = await session.scalar(select(func.count()).select_from(some))
    oldest = await session.scalar(select(col(Event.recorded_at)).where(untold).order_by(col(Event.id)).limit(1))
    return [
        Reading("regulars_events_waiting", "Events that no handler was told of yet.", number or 0),
        Reading("regulars_oldest_waiting_event_seconds", "How long the oldest has waited.", _age(oldest, now)),
    ]


async def _deliveries(session: AsyncSession) -> list[Reading]:
    given_up = col(EventDelivery.next_at).is_(None)
    counted = await session.execute(
        select(col(EventDelivery.handler), given_up, func.count()).group_by(col(EventDelivery.handler), given_up)
    )
    help = "Events that handlers still have to take, or that were given up."
    return [
        Reading(
            "regulars_deliveries",
            help,
            number,
            (("handler", handler), ("state", "given_up" if is_given_up else "waiting")),
        )
        for handler, is_given_up, number in counted
    ]


async def _webhooks(session: AsyncSession, now: datetime) -> list[Reading]:
    waiting = await session.execute(
        select(col(WebhookDelivery.webhook_id), func.count())
        .where(col(WebhookDelivery.next_at).is_not(None))
        .group_by(col(WebhookDelivery.webhook_id))
    )
    help = "Deliveries that wait for an attempt."
    readings = [Reading("regulars_webhook_deliveries", help, number, (("webhook", str(id)),)) for id, number in waiting]
    known = await session.execute(
        select(col(Webhook.id), col(Webhook.failing_since), col(Webhook.disabled_at).is_not(None))
    )
    for id, failing_since, is_disabled in known:
        of = (("webhook", str(id)),)
        readings += [
            Reading("regulars_webhook_failing_seconds", "How long it has failed.", _age(failing_since, now), of),
            Reading("regulars_webhook_disabled", "Whether it is disabled.", float(is_disabled), of),
        ]
    return readings


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())
