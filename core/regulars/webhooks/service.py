"""Create, change and delete webhooks, replace their secrets, and send again what they did not take."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.checks import check_text
from regulars.errors import Conflict, ForbiddenTransition, InvalidInput, NotFound, OutOfRange
from regulars.events.service import record_event
from regulars.events.wanted import check_event_types
from regulars.fields.ids import global_id
from regulars.outgoing.client import Outgoing
from regulars.outgoing.refusals import TargetRefused
from regulars.outgoing.targets import parse_target
from regulars.unset import UNSET, Unset
from regulars.webhooks.disabling import give_up_waiting
from regulars.webhooks.models import Webhook, WebhookSecret
from regulars.webhooks.sending import WEBHOOK_LIMITS

__all__ = ["WebhookChanges", "create_webhook", "delete_webhook", "read_webhook", "rotate_secret", "update_webhook"]

Value = TypeVar("Value")

LONGEST_OVERLAP_HOURS = 168
BY_HAND = "Somebody disabled it."


@dataclass(frozen=True)
class WebhookChanges:
    """What is to change; what is ``UNSET`` stays. Only a description can be None."""

    url: str | Unset | None = UNSET
    event_types: Sequence[str] | Unset | None = UNSET
    description: str | Unset | None = UNSET
    is_enabled: bool | Unset | None = UNSET


async def create_webhook(
    session: AsyncSession,
    *,
    url: str,
    event_types: Sequence[str],
    description: str | None,
    outgoing: Outgoing,
    actor: str,
    now: datetime,
) -> tuple[Webhook, WebhookSecret]:
    """Return a new webhook with its first secret.

    Raises ``TargetRefused`` for an address that is never reached, ``InvalidInput`` for event types of a wrong form.
    """
    webhook = Webhook(
        url=_checked_url(url, outgoing),
        description=_checked_description(description),
        event_types=check_event_types(event_types, path="eventTypes"),
        created_at=now,
        updated_at=now,
    )
    secret = WebhookSecret(webhook_id=webhook.id, created_at=now)
    session.add(webhook)
    await session.flush()
    session.add(secret)
    await _tell(session, "webhook.created", webhook.id, actor, now)
    return webhook, secret


async def update_webhook(
    session: AsyncSession,
    *,
    webhook_id: UUID,
    changes: WebhookChanges,
    expected_version: int | None,
    outgoing: Outgoing,
    actor: str,
    now: datetime,
) -> Webhook:
    """Change a webhook; what was disabled begins anew when it is enabled.

    Raises ``NotFound``, ``Conflict``, and what ``create_webhook`` raises.
    """
    webhook = await read_webhook(session, webhook_id)
    if expected_version is not None and expected_version != webhook.version:
        raise Conflict("webhook", global_id("Webhook", webhook_id), expected=expected_version, actual=webhook.version)
    if not isinstance(changes.url, Unset):
        webhook.url = _checked_url(_present(changes.url, "url"), outgoing)
    if not isinstance(changes.event_types, Unset):
        webhook.event_types = check_event_types(_present(changes.event_types, "eventTypes"), path="eventTypes")
    if not isinstance(changes.description, Unset):
        webhook.description = _checked_description(changes.description)
    if not isinstance(changes.is_enabled, Unset):
        await _enable_or_disable(session, webhook, _present(changes.is_enabled, "isEnabled"), now)
    webhook.version += 1
    webhook.updated_at = now
    await _tell(session, "webhook.updated", webhook_id, actor, now)
    return webhook


async def delete_webhook(session: AsyncSession, *, webhook_id: UUID, actor: str, now: datetime) -> None:
    """Delete a webhook with its secrets, deliveries and attempts; raises ``NotFound``."""
    await read_webhook(session, webhook_id)
    await session.execute(delete(Webhook).where(col(Webhook.id) == webhook_id))
    await _tell(session, "webhook.deleted", webhook_id, actor, now)


async def rotate_secret(
    session: AsyncSession, *, webhook_id: UUID, overlap_hours: int, actor: str, now: datetime
) -> tuple[Webhook, WebhookSecret]:
    """Return the webhook and its new secret; the one before also signs for ``overlap_hours``, and no other.

    Raises ``NotFound``, or ``OutOfRange`` for more than a week.
    """
    if not 0 <= overlap_hours <= LONGEST_OVERLAP_HOURS:
        raise OutOfRange(f"Both secrets sign for 0 to {LONGEST_OVERLAP_HOURS} hours.", path=("overlapHours",))
    webhook = await read_webhook(session, webhook_id)
    of_webhook = col(WebhookSecret.webhook_id) == webhook_id
    await session.execute(delete(WebhookSecret).where(of_webhook, col(WebhookSecret.expires_at).is_not(None)))
    await session.execute(
        update(WebhookSecret).where(of_webhook).values(expires_at=now + timedelta(hours=overlap_hours))
    )
    secret = WebhookSecret(webhook_id=webhook_id, created_at=now)
    session.add(secret)
    await _tell(session, "webhook.secret_rotated", webhook_id, actor, now)
    return webhook, secret


async def read_webhook(session: AsyncSession, webhook_id: UUID, *, is_needed_enabled: bool = False) -> Webhook:
    """Return the webhook; raises ``NotFound``, or ``ForbiddenTransition`` when it must be enabled and is not."""
    webhook = (await session.scalars(select(Webhook).where(col(Webhook.id) == webhook_id))).one_or_none()
    if webhook is None:
        raise NotFound("webhook", global_id("Webhook", webhook_id), path=("id",))
    if is_needed_enabled and webhook.disabled_at is not None:
        raise ForbiddenTransition(
            f"The webhook {global_id('Webhook', webhook_id)} is disabled. Enable it with webhookUpdate first.",
            path=("id",),
        )
    return webhook


async def _enable_or_disable(session: AsyncSession, webhook: Webhook, is_enabled: bool, now: datetime) -> None:
    if is_enabled == (webhook.disabled_at is None):
        return
    webhook.disabled_at = None if is_enabled else now
    webhook.disabled_reason = None if is_enabled else BY_HAND
    webhook.failing_since = None
    if not is_enabled:
        await give_up_waiting(session, webhook.id, reason=BY_HAND, now=now)


def _present(value: Value | None, name: str) -> Value:
    if value is None:
        raise InvalidInput(f"{name} cannot be taken away. Leave it out to keep it as it is.", path=(name,))
    return value


def _checked_url(url: str, outgoing: Outgoing) -> str:
    check_text(url, path=("url",), longest=2048)
    try:
        return str(parse_target(url, limits=WEBHOOK_LIMITS, opened=outgoing.opened))
    except TargetRefused as error:
        error.path = ("url",)
        raise


def _checked_description(description: str | None) -> str | None:
    return None if description is None else check_text(description, path=("description",))


async def _tell(session: AsyncSession, type: str, webhook_id: UUID, actor: str, now: datetime) -> None:
    await record_event(
        session, type=type, subject=f"webhook:{webhook_id}", actor=actor, data={"id": str(webhook_id)}, now=now
    )
