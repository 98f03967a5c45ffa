"""Tell a customer's choices as they were made: what they saw, what they chose, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.audit.models import LedgerWords
from regulars.consents.models import ConsentEvent
from regulars.notices.models import Notice

__all__ = ["ConsentChoice", "consent_choices"]


@dataclass(frozen=True)
class ConsentChoice:
    """An entry of the ledger. ``at`` is when it holds from; ``text`` what was shown, None where nobody kept it.

    ``confirms_id`` is the entry that this one confirms. ``needs_confirmation`` with ``confirmed_at`` of None still
    waits. ``origin`` is whose act it was: customer, staff or import. ``language`` is that of the text.
    """

    id: UUID
    action: str
    purpose: str
    channel: str
    topic: str
    at: datetime
    recorded_at: datetime
    needs_confirmation: bool
    confirmed_at: datetime | None
    confirms_id: UUID | None
    recipient: str | None
    origin: str
    reason: str | None
    text: str | None
    language: str | None


async def consent_choices(session: AsyncSession, *, customer_id: UUID, first: int = 100) -> Sequence[ConsentChoice]:
    """Return the newest choices of a customer, at most ``first``, the newest first, in one statement."""
    told = and_(
        col(Notice.version) == col(ConsentEvent.notice_version), col(Notice.language) == col(ConsentEvent.language)
    )
    query = (
        select(ConsentEvent, col(LedgerWords.reason), col(Notice.text))
        .outerjoin(LedgerWords, col(LedgerWords.entry_id) == col(ConsentEvent.id))
        .outerjoin(Notice, told)
        .where(col(ConsentEvent.customer_id) == customer_id)
        .order_by(col(ConsentEvent.at).desc(), col(ConsentEvent.recorded_at).desc(), col(ConsentEvent.id).desc())
        .limit(first)
    )
    return [
        ConsentChoice(
            id=row.id,
            action=row.action,
            purpose=row.purpose,
            channel=row.channel,
            topic=row.topic,
            at=row.at,
            recorded_at=row.recorded_at,
            needs_confirmation=row.needs_confirmation,
            confirmed_at=row.confirmed_at,
            confirms_id=row.confirms_id,
            recipient=row.recipient,
            origin=row.origin,
            reason=reason,
            text=text,
            language=row.language,
        )
        for row, reason, text in await session.execute(query)
    ]
