"""Look at what waits and what was given up: jobs, events, deliveries, seals."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.audit.models import UnsealedRow
from regulars.checkup.findings import Finding
from regulars.events.models import Event, EventDelivery
from regulars.jobs.models import Job
from regulars.webhooks.models import DEAD, Webhook, WebhookDelivery

__all__ = ["event_findings", "job_findings", "seal_findings", "webhook_findings"]

PATIENCE = timedelta(minutes=5)
RECENTLY = timedelta(days=1)
START_A_WORKER = "Start a server with REGULARS_WORKER=1, or `regulars worker`, and read its log."


async def job_findings(session: AsyncSession, *, now: datetime) -> Sequence[Finding]:
    """Return whether jobs are taken up, and which failed since yesterday."""
    findings = []
    due = select(func.min(col(Job.run_after))).where(col(Job.status) == "QUEUED", col(Job.run_after) <= now)
    oldest = await session.scalar(due)
    if oldest is not None and now - oldest > PATIENCE:
        message = f"A job has been due for {_words(now - oldest)}, and nobody takes it up."
        findings.append(Finding("jobs", "problem", message, START_A_WORKER))
    failed = await session.execute(
        select(col(Job.kind), func.count())
        .where(col(Job.status) == "FAILED", col(Job.ended_at) > now - RECENTLY)
        .group_by(col(Job.kind))
        .order_by(col(Job.kind))
    )
    kinds = [f"{kind} ({number})" for kind, number in failed]
    if kinds:
        step = 'Read why over GraphQL: jobs(where: {status: {eq: "FAILED"}}) { nodes { id kind problem } }; then mend'
        message = f"Failed for good in the last day: {', '.join(kinds)}."
        findings.append(Finding("jobs", "warning", message, f"{step} the cause and call jobRepeat."))
    return findings or [Finding("jobs", "well", "None is late, and none has failed in the last day.")]


async def event_findings(session: AsyncSession, *, now: datetime) -> Sequence[Finding]:
    """Return how far the outbox lags behind, and which events were given up."""
    findings = []
    waiting = select(col(Event.recorded_at)).where(col(Event.dispatched_at).is_(None))
    oldest = await session.scalar(waiting.order_by(col(Event.id)).limit(1))
    if oldest is not None and now - oldest > PATIENCE:
        message = f"The oldest event has waited for {_words(now - oldest)} to be told."
        findings.append(Finding("events", "problem", message, START_A_WORKER))
    given_up = await session.execute(
        select(col(EventDelivery.handler), func.count())
        .where(col(EventDelivery.next_at).is_(None))
        .group_by(col(EventDelivery.handler))
        .order_by(col(EventDelivery.handler))
    )
    handlers = [f"{handler} ({number})" for handler, number in given_up]
    if handlers:
        message = f"Events were given up after 75 hours of attempts: {', '.join(handlers)}."
        step = "Read `regulars plugin doctor`, mend the plugin, then run `regulars plugin tell-again ID`."
        findings.append(Finding("dead letters", "warning", message, step))
    return findings or [Finding("events", "well", "None waits for long, and none was given up.")]


async def webhook_findings(session: AsyncSession, *, now: datetime) -> Sequence[Finding]:
    """Return which webhooks fail or are disabled, and how many deliveries were given up."""
    findings = []
    for webhook in await session.scalars(select(Webhook).order_by(col(Webhook.created_at))):
        if webhook.disabled_at is not None:
            message = f"The webhook {webhook.id} is disabled: {webhook.disabled_reason or 'somebody disabled it'}."
            step = "Mend its receiver and enable it again, or delete it."
            findings.append(Finding("webhooks", "warning", message, step))
        elif webhook.failing_since is not None and now - webhook.failing_since > PATIENCE:
            message = f"The webhook {webhook.id} has failed for {_words(now - webhook.failing_since)}."
            step = "Ask who runs its receiver; what waits is sent for 75 hours."
            findings.append(Finding("webhooks", "warning", message, step))
    dead = select(func.count()).select_from(WebhookDelivery).where(col(WebhookDelivery.status) == DEAD)
    number = await session.scalar(dead) or 0
    if number:
        message = f"{number} deliveries to webhooks were given up."
        step = "Once the receiver works again, have them replayed over GraphQL."
        findings.append(Finding("dead letters", "warning", message, step))
    return findings or [Finding("webhooks", "well", "None fails, and no delivery was given up.")]


async def seal_findings(session: AsyncSession, *, now: datetime) -> Sequence[Finding]:
    """Return how long the oldest entry of the audit log and the ledger has waited for its seal."""
    oldest = await session.scalar(select(col(UnsealedRow.row_id)).order_by(col(UnsealedRow.position)).limit(1))
    if oldest is None:
        return [Finding("seals", "well", "Every entry of the audit log and the ledger is sealed.")]
    age = now - _made_at(oldest)
    number = await session.scalar(select(func.count()).select_from(UnsealedRow)) or 0
    if age <= PATIENCE:
        return [Finding("seals", "well", f"{number} entries wait for their seal, as they do for a moment.")]
    message = f"{number} entries are not sealed, the oldest for {_words(age)}: changes to them would go unnoticed."
    return [Finding("seals", "problem", message, START_A_WORKER)]


def _made_at(id: UUID) -> datetime:
    """Return the time that an id holds. Source: RFC 9562, UUID version 7."""
    return datetime.fromtimestamp((id.int >> 80) / 1000, UTC)


def _words(age: timedelta) -> str:
    hours, minutes = divmod(int(age.total_seconds()) // 60, 60)
    return f"{hours} hours" if hours else f"{minutes} minutes"
