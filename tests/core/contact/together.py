"""Ask about many customers at once, as the job does, and read what was kept."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from regulars.contact.audiences import Audience
from regulars.contact.models import ContactVerdict
from regulars.contact.rule_set import ContactRules


async def kept_of(
    session: AsyncSession, audience: Audience, rules: ContactRules
) -> dict[UUID, tuple[str, str, datetime | None]]:
    """Return what is kept of an audience of one stretch after it was decided; its counts are right."""
    settled = await audience.settle(session, rules)
    asked = await audience.keep(session, await audience.ask_about(session, rules, settled.left))
    found = await session.scalars(select(ContactVerdict).where(col(ContactVerdict.audience_id) == audience.id))
    kept = {row.customer_id: (row.outcome, row.rule, row.until) for row in found}
    assert (settled.counts + asked).total() == len(kept)
    return kept
