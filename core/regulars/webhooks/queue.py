"""Queue events for the webhooks that want them, claim what is due, and write down how each attempt went."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.events.deliveries import TellFurther
from regulars.events.envelope import EventEnvelope
from regulars.events.models import Event
from regulars.events.service import envelope_of
from regulars.events.wanted import is_wanted
from regulars.tables import new_id
from regulars.webhooks.disabling import disable_webhook
from regulars.webhooks.models import DEAD, SUCCEEDED, WAITING, Webhook, WebhookAttempt, WebhookDelivery, WebhookSecret
from regulars.webhooks.schedule import DISABLED_AFTER, pause_after

__all__ = [
    "ClaimedDelivery",
    "Claims",
    "Outcome",
    "claim_deliveries",
    "queue_deliveries",
    "record_outcomes",
    "webhooks_following",
    "webhooks_with_work",
]

GONE = 410
HEALTHY_BATCH = 20
FAILING_BATCH = 5
"""How many deliveries a webhook gets at once; a failing one must not take the connections of the others."""


@dataclass(frozen=True)
class ClaimedDelivery:
    """An event to send now, and the attempt under which its outcome is written down."""

    id: UUID
    attempt_id: UUID
    number: int
    event: EventEnvelope


@dataclass(frozen=True)
class Claims:
    """What one webhook is to be sent now; ``secret_ids`` are those that are live, the newest first."""

    webhook_id: UUID
    url: str
    secret_ids: Sequence[UUID]
    deliveries: Sequence[ClaimedDelivery]


@dataclass(frozen=True)
class Outcome:
    """How an attempt went; without a ``problem`` the receiver took the event."""

    status_code: int | None
    problem: str | None = None


async def _wishes(session: AsyncSession) -> dict[UUID, Collection[str]]:
    rows = await session.execute(
        select(col(Webhook.id), col(Webhook.event_types)).where(col(Webhook.disabled_at).is_(None))
    )
    return {id: frozenset(event_types) for id, event_types in rows}


async def webhooks_following(session: AsyncSession, now: datetime) -> TellFurther | None:
    """Return what queues events for the enabled webhooks, in this session, or None when there are none."""
    wishes = await _wishes(session)
    if not wishes:
        return None

    async def queue(events: Sequence[tuple[UUID, str]]) -> None:
        await queue_deliveries(session, wishes, events, now=now)

    return queue


async def queue_deliveries(
    session: AsyncSession,
    wishes: Mapping[UUID, Collection[str]],
    events: Sequence[tuple[UUID, str]],
    *,
    now: datetime,
) -> int:
    """Queue these events, each an id and a type, for the webhooks that want them; return how many deliveries that is.

    What is queued already stays as it is.
    """
    wanting: dict[str, list[UUID]] = {}
    rows = []
    for event_id, type in events:
        if type not in wanting:
            wanting[type] = [webhook_id for webhook_id, wanted in wishes.items() if is_wanted(type, wanted)]
        rows += [_row(webhook_id, event_id, type, now) for webhook_id in wanting[type]]
    if rows:
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        added = dialect.insert(WebhookDelivery).on_conflict_do_nothing(index_elements=["event_id", "webhook_id"])
        await session.execute(added, rows)
    return len(rows)


def _row(webhook_id: UUID, event_id: UUID, event_type: str, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "webhook_id": webhook_id,
        "event_id": event_id,
        "event_type": event_type,
        "status": WAITING,
        "attempts": 0,
        "attempts_before": 0,
        "created_at": now,
        "next_at": now,
    }


async def webhooks_with_work(session: AsyncSession, *, now: datetime) -> list[UUID]:
    """Return the enabled webhooks that have a delivery to make now."""
    is_due = exists().where(col(WebhookDelivery.webhook_id) == col(Webhook.id), col(WebhookDelivery.next_at) <= now)
    return list(await session.scalars(select(col(Webhook.id)).where(col(Webhook.disabled_at).is_(None), is_due)))


async def claim_deliveries(
    session: AsyncSession, webhook_id: UUID, *, lease: timedelta, now: datetime
) -> Claims | None:
    """Return the deliveries that have waited longest, now ours for as long as the lease, or None.

    A lease that ends without an outcome, for a process that was killed, lets the next one send the same event again.
    """
    webhook = (
        await session.execute(
            select(col(Webhook.url), col(Webhook.failing_since)).where(
                col(Webhook.id) == webhook_id, col(Webhook.disabled_at).is_(None)
            )
        )
    ).one_or_none()
    if webhook is None:
        return None
    batch = (
        select(col(WebhookDelivery.id))
        .where(col(WebhookDelivery.webhook_id) == webhook_id, col(WebhookDelivery.next_at) <= now)
        .order_by(col(WebhookDelivery.next_at), col(WebhookDelivery.id))
        .limit(HEALTHY_BATCH if webhook.failing_since is None else FAILING_BATCH)
        .with_for_update(skip_locked=True)
        .cte("batch")
    )
    claimed = (
        await session.execute(
            update(WebhookDelivery)
            .where(col(WebhookDelivery.id).in_(select(batch.c.id)))
            .values(attempts=col(WebhookDelivery.attempts) + 1, next_at=now + lease)
            .returning(col(WebhookDelivery.id), col(WebhookDelivery.event_id), col(WebhookDelivery.attempts))
            .execution_options(synchronize_session=False)
        )
    ).all()
    if not claimed:
        return None
    found = await session.scalars(select(Event).where(col(Event.id).in_([row.event_id for row in claimed])))
    events = {event.id: envelope_of(event) for event in found}
    deliveries = [ClaimedDelivery(row.id, new_id(), row.attempts, events[row.event_id]) for row in claimed]
    await session.execute(
        insert(WebhookAttempt),
        [
            {"id": each.attempt_id, "delivery_id": each.id, "number": each.number, "started_at": now}
            for each in deliveries
        ],
    )
    return Claims(webhook_id, webhook.url, await _live_secrets(session, webhook_id, now), deliveries)


async def record_outcomes(
    session: AsyncSession, claims: Claims, outcomes: Sequence[Outcome], *, chance: Random, now: datetime
) -> str | None:
    """Write down how each claimed delivery went, and when it is tried again; return why the webhook was disabled now.

    An attempt whose delivery was claimed again in the meantime is written down, and decides nothing.
    """
    pairs = list(zip(claims.deliveries, outcomes, strict=True))
    has_given_up = False
    for outcome in set(outcomes):
        alike = [delivery for delivery, its in pairs if its == outcome]
        await _record_attempts(session, alike, outcome, now)
        if outcome.problem is None:
            await _record_taken(session, alike, outcome, now)
    for delivery, outcome in pairs:
        if outcome.problem is not None:
            has_given_up |= await _record_failed(session, delivery, outcome, chance=chance, now=now)
    if any(outcome.status_code == GONE for outcome in outcomes):
        return await disable_webhook(
            session, claims.webhook_id, reason="The receiver answered 410: it is gone for good.", now=now
        )
    failing_since = await _note_health(session, claims.webhook_id, outcomes, now)
    if has_given_up and failing_since is not None and failing_since <= now - DISABLED_AFTER:
        days = (now - failing_since).total_seconds() / 86_400
        return await disable_webhook(
            session, claims.webhook_id, reason=f"Nothing has got through for {days:.1f} days.", now=now
        )
    return None


async def _record_attempts(
    session: AsyncSession, deliveries: Sequence[ClaimedDelivery], outcome: Outcome, now: datetime
) -> None:
    await session.execute(
        update(WebhookAttempt)
        .where(col(WebhookAttempt.id).in_([each.attempt_id for each in deliveries]))
        .values(ended_at=now, status_code=outcome.status_code, problem=outcome.problem)
        .execution_options(synchronize_session=False)
    )


async def _record_taken(
    session: AsyncSession, deliveries: Sequence[ClaimedDelivery], outcome: Outcome, now: datetime
) -> None:
    ours = tuple_(col(WebhookDelivery.id), col(WebhookDelivery.attempts))
    await session.execute(
        update(WebhookDelivery)
        .where(ours.in_([(each.id, each.number) for each in deliveries]))
        .values(status=SUCCEEDED, next_at=None, ended_at=now, status_code=outcome.status_code, problem=None)
        .execution_options(synchronize_session=False)
    )


async def _record_failed(
    session: AsyncSession, delivery: ClaimedDelivery, outcome: Outcome, *, chance: Random, now: datetime
) -> bool:
    ours = (
        col(WebhookDelivery.id) == delivery.id,
        col(WebhookDelivery.attempts) == delivery.number,
        col(WebhookDelivery.status) == WAITING,
    )
    before = await session.scalar(select(col(WebhookDelivery.attempts_before)).where(*ours))
    if before is None:
        return False
    pause = pause_after(delivery.number - before, chance=chance)
    ending = {"next_at": now + pause} if pause is not None else {"status": DEAD, "next_at": None, "ended_at": now}
    await session.execute(
        update(WebhookDelivery)
        .where(*ours)
        .values(status_code=outcome.status_code, problem=outcome.problem, **ending)
        .execution_options(synchronize_session=False)
    )
    return pause is None


async def _note_health(
    session: AsyncSession, webhook_id: UUID, outcomes: Sequence[Outcome], now: datetime
) -> datetime | None:
    has_success = any(outcome.problem is None for outcome in outcomes)
    since = None if has_success else func.coalesce(col(Webhook.failing_since), now)
    changed = update(Webhook).where(col(Webhook.id) == webhook_id).values(failing_since=since)
    if has_success:
        changed = changed.where(col(Webhook.failing_since).is_not(None))
    return await session.scalar(changed.returning(col(Webhook.failing_since)))


async def _live_secrets(session: AsyncSession, webhook_id: UUID, now: datetime) -> Sequence[UUID]:
    return (
        await session.scalars(
            select(col(WebhookSecret.id))
            .where(
                col(WebhookSecret.webhook_id) == webhook_id,
                col(WebhookSecret.expires_at).is_(None) | (col(WebhookSecret.expires_at) > now),
            )
            .order_by(col(WebhookSecret.created_at).desc(), col(WebhookSecret.id).desc())
        )
    ).all()
