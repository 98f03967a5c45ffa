"""Send events again, or for a test: what a webhook did not take, or all of a period."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.checks import check_zoned
from regulars.errors import ForbiddenTransition, NotFound, OutOfRange
from regulars.events.models import Event
from regulars.events.service import record_event
from regulars.events.wanted import TEST_EVENT
from regulars.fields.ids import global_id
from regulars.webhooks.models import DEAD, WAITING, Webhook, WebhookDelivery
from regulars.webhooks.queue import queue_deliveries
from regulars.webhooks.service import read_webhook

__all__ = ["replay_events", "retry_delivery", "send_test_event"]

BATCH = 5_000


async def send_test_event(session: AsyncSession, *, webhook_id: UUID, actor: str, now: datetime) -> WebhookDelivery:
    """Return the delivery of a new event ``webhook.test``, which goes to this webhook alone; it is sent in a moment.

    Raises ``NotFound``, or ``ForbiddenTransition`` when the webhook is disabled.
    """
    await read_webhook(session, webhook_id, is_needed_enabled=True)
    event = await record_event(
        session,
        type=TEST_EVENT,
        subject=f"webhook:{webhook_id}",
        actor=actor,
        data={"id": str(webhook_id)},
        now=now,
    )
    await session.flush()
    delivery = WebhookDelivery(
        webhook_id=webhook_id, event_id=event.id, event_type=TEST_EVENT, created_at=now, next_at=now
    )
    session.add(delivery)
    return delivery


async def retry_delivery(session: AsyncSession, *, delivery_id: UUID, now: datetime) -> WebhookDelivery:
    """Return the delivery, which is tried again now and as often as a new one.

    Raises ``NotFound``, or ``ForbiddenTransition`` when the event was taken or the webhook is disabled.
    """
    delivery = await session.get(WebhookDelivery, delivery_id)
    if delivery is None:
        raise NotFound("delivery", global_id("WebhookDelivery", delivery_id), path=("id",))
    await read_webhook(session, delivery.webhook_id, is_needed_enabled=True)
    if delivery.status not in (WAITING, DEAD):
        raise ForbiddenTransition(
            "The receiver has taken this event. To send it again, replay the time in which it happened.", path=("id",)
        )
    delivery.status = WAITING
    delivery.attempts_before = delivery.attempts
    delivery.next_at = now
    delivery.ended_at = None
    return delivery


async def replay_events(
    session: AsyncSession,
    *,
    webhook_id: UUID,
    since: datetime,
    until: datetime,
    only_dead: bool,
    now: datetime,
) -> tuple[Webhook, int]:
    """Return the webhook, and how many of its deliveries wait again.

    Of the events from ``since`` until before ``until`` it gets those that it wants today, under the ids that they had;
    with ``only_dead`` only those that were given up. Raises ``NotFound``, ``ForbiddenTransition`` when it is disabled,
    and ``OutOfRange`` for a period that is none.
    """
    since, until = check_zoned(since, path=("since",)), check_zoned(until, path=("until",))
    if until <= since:
        raise OutOfRange("until does not lie after since.", path=("until",))
    webhook = await read_webhook(session, webhook_id, is_needed_enabled=True)
    in_period = select(col(Event.id)).where(col(Event.recorded_at) >= since, col(Event.recorded_at) < until)
    again = (
        update(WebhookDelivery)
        .where(
            col(WebhookDelivery.webhook_id) == webhook_id,
            col(WebhookDelivery.status) == DEAD if only_dead else col(WebhookDelivery.status) != WAITING,
            col(WebhookDelivery.event_id).in_(in_period),
        )
        .values(
            status=WAITING,
            attempts_before=col(WebhookDelivery.attempts),
            next_at=now,
            ended_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    queued = (await (await session.connection()).execute(again)).rowcount
    if not only_dead:
        queued += await _queue_missing(session, webhook, since=since, until=until, now=now)
    return webhook, queued


async def _queue_missing(
    session: AsyncSession, webhook: Webhook, *, since: datetime, until: datetime, now: datetime
) -> int:
    queued, last = 0, UUID(int=0)
    has_it = exists().where(
        col(WebhookDelivery.webhook_id) == webhook.id, col(WebhookDelivery.event_id) == col(Event.id)
    )
    while True:
        missing = (
            select(col(Event.id), col(Event.type))
            .where(
                col(Event.recorded_at) >= since,
                col(Event.recorded_at) < until,
                col(Event.id) > last,
                col(Event.dispatched_at).is_not(None),
                ~has_it,
            )
            .order_by(col(Event.id))
            .limit(BATCH)
        )
        found = [(row.id, row.type) for row in await session.execute(missing)]
        if not found:
            return queued
        queued += await queue_deliveries(session, {webhook.id: frozenset(webhook.event_types)}, found, now=now)
        last = found[-1][0]
