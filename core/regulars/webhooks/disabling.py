"""Disable a webhook, with the reason where operators see it."""

from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import SYSTEM
from regulars.audit.service import record_audit
from regulars.events.service import record_event
from regulars.webhooks.models import DEAD, WAITING, Webhook, WebhookDelivery

__all__ = ["disable_webhook", "give_up_waiting"]

log = structlog.get_logger(__name__)


async def disable_webhook(session: AsyncSession, webhook_id: UUID, *, reason: str, now: datetime) -> str | None:
    """Send the webhook nothing more, and give up what waits; return the reason, or None when it was disabled before.

    The reason stands in ``disabledReason``, and an event ``webhook.disabled`` tells whoever follows events.
    """
    disabled = await session.scalar(
        update(Webhook)
        .where(col(Webhook.id) == webhook_id, col(Webhook.disabled_at).is_(None))
        .values(disabled_at=now, disabled_reason=reason, version=col(Webhook.version) + 1, updated_at=now)
        .returning(col(Webhook.id))
    )
    if disabled is None:
        return None
    await give_up_waiting(session, webhook_id, reason=reason, now=now)
    await record_audit(
        session, actor=SYSTEM.label, action="webhook.disable", subject=f"webhook:{webhook_id}", why=reason, now=now
    )
    await record_event(
        session,
        type="webhook.disabled",
        subject=f"webhook:{webhook_id}",
        actor=SYSTEM.label,
        data={"id": str(webhook_id), "reason": reason},
        now=now,
    )
    return reason


async def give_up_waiting(session: AsyncSession, webhook_id: UUID, *, reason: str, now: datetime) -> None:
    """Make dead letters of what waits for the webhook; it can be replayed."""
    await session.execute(
        update(WebhookDelivery)
        .where(col(WebhookDelivery.webhook_id) == webhook_id, col(WebhookDelivery.status) == WAITING)
        .values(status=DEAD, next_at=None, ended_at=now, problem=f"The webhook was disabled. {reason}")
        .execution_options(synchronize_session=False)
    )
