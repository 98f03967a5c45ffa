"""Take in privacy requests, and restrict whose data may only be kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.access.actors import Actor
from regulars.checks import check_moment, check_text
from regulars.customers.finding import customer_to_restore
from regulars.customers.models import Customer
from regulars.errors import ForbiddenTransition, UnknownValue
from regulars.events.service import record_event
from regulars.jobs.models import Job
from regulars.jobs.service import enqueue_job
from regulars.privacy.deadlines import one_month_after
from regulars.privacy.models import PrivacyRequest

__all__ = ["KINDS", "PORTABILITY", "PRIVACY_JOB", "KnownRequest", "create_privacy_request", "job_of", "requests_of"]

PRIVACY_JOB = "core.privacy"
PORTABILITY = "portability"
KINDS = ("erasure", "export", PORTABILITY, "restriction", "restriction_lift")
LONGEST_REASON = 1000


@dataclass(frozen=True)
class KnownRequest:
    """What a person asked of their own data, and how far it is; ``archive`` is the name of the file, once there is one.

    ``is_incomplete`` tells that a part is missing, which is tried again.
    """

    id: UUID
    kind: str
    status: str
    received_at: datetime
    due_at: datetime
    completed_at: datetime | None
    archive: str | None
    is_incomplete: bool

    @classmethod
    def of(cls, row: PrivacyRequest) -> "KnownRequest":
        """Return what a row says."""
        return cls(
            row.id,
            row.kind,
            row.status,
            row.received_at,
            row.due_at,
            row.completed_at,
            row.archive,
            row.problem is not None,
        )


async def create_privacy_request(
    session: AsyncSession,
    *,
    kind: str,
    customer_id: UUID,
    reason: str,
    received_at: datetime | None = None,
    actor: Actor,
    now: datetime,
) -> PrivacyRequest:
    """Return the new request; a restriction and its lifting are done at once, the others by a job that starts now.

    ``received_at`` is when the person asked, from which the month runs. Raises ``UnknownValue`` for another kind,
    ``NotFound`` for no such customer, and ``ForbiddenTransition`` where their status does not allow it.
    """
    if kind not in KINDS:
        raise UnknownValue("kind of privacy request", kind, KINDS, path=("kind",))
    received = now if received_at is None else check_moment(received_at, path=("receivedAt",), now=now)
    why = check_text(reason, path=("reason",), longest=LONGEST_REASON)
    customer = await customer_to_restore(session, customer_id=customer_id)
    request = PrivacyRequest(
        kind=kind,
        customer_id=customer.id,
        reason=why,
        actor=actor.label,
        received_at=received,
        due_at=one_month_after(received),
        created_at=now,
    )
    session.add(request)
    await session.flush()
    await _tell(session, "privacy.requested", request, actor, now)
    if kind in ("export", PORTABILITY, "erasure"):
        _require_not_erased(customer)
        await enqueue_job(session, kind=PRIVACY_JOB, key=str(request.id), actor=actor.label, now=now)
        return request
    _set_restriction(customer, is_wanted=kind == "restriction", now=now)
    request.status, request.completed_at = "done", now
    request.certificate = {"kind": kind, "customer": str(customer.id), "status": customer.status}
    await _tell(session, "privacy.done", request, actor, now)
    return request


async def requests_of(session: AsyncSession, *, customer_id: UUID) -> Sequence[KnownRequest]:
    """Return what this customer asked of their own data, the newest first."""
    theirs = select(PrivacyRequest).where(col(PrivacyRequest.customer_id) == customer_id)
    rows = await session.scalars(theirs.order_by(col(PrivacyRequest.created_at).desc(), col(PrivacyRequest.id).desc()))
    return [KnownRequest.of(row) for row in rows]


async def job_of(session: AsyncSession, request: PrivacyRequest) -> UUID:
    """Return the id of the job that was queued for a request."""
    query = select(col(Job.id)).where(col(Job.kind) == PRIVACY_JOB, col(Job.key) == str(request.id))
    return (await session.scalars(query)).one()


def _set_restriction(customer: Customer, *, is_wanted: bool, now: datetime) -> None:
    before, after = ("active", "restricted") if is_wanted else ("restricted", "active")
    if customer.status != before:
        raise ForbiddenTransition(
            f"Customer {customer.id} is {customer.status}, not {before}, so they cannot become {after}."
        )
    customer.status, customer.updated_at = after, now
    customer.version += 1


def _require_not_erased(customer: Customer) -> None:
    if customer.status == "erased":
        raise ForbiddenTransition(f"Customer {customer.id} was erased already; nothing is left.")


async def _tell(session: AsyncSession, type: str, request: PrivacyRequest, actor: Actor, now: datetime) -> None:
    data = {"requestId": str(request.id), "kind": request.kind}
    subject = f"customer:{request.customer_id}"
    await record_event(session, type=type, subject=subject, actor=actor.label, data=data, now=now)
