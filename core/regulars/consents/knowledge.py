"""Audit one contact after the fact: was it right by what was known then, and by what is known now?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.consents.lattice import DEFAULT_POLICY, SELF, ConsentAnswer, ConsentPolicy
from regulars.consents.registry import ConsentRegistry
from regulars.consents.service import consent_at

__all__ = ["ContactAudit", "audit_contact"]

Verdict = Literal["right", "no_consent_known", "late_withdrawal", "no_consent"]


@dataclass(frozen=True)
class ContactAudit:
    """What the ledger said about a contact: as it was known then, and as it is known now.

    ``verdict`` is ``right``; ``no_consent_known`` when nothing allowed it by what was known then; ``late_withdrawal``
    when a withdrawal held already and was recorded after, by ``lag``; ``no_consent`` when it was allowed then and is
    not any more for another reason, such as a merge.
    """

    verdict: Verdict
    known_then: ConsentAnswer
    known_now: ConsentAnswer
    lag: timedelta | None


async def audit_contact(
    session: AsyncSession,
    *,
    customer_id: UUID,
    purpose: str,
    channel: str,
    topic: str = "*",
    at: datetime,
    known_at: datetime,
    sender: str = SELF,
    registry: ConsentRegistry,
    policy: ConsentPolicy = DEFAULT_POLICY,
) -> ContactAudit:
    """Return whether a contact that was made at ``at`` was right; ``known_at`` is from when we look back.

    Raises what ``consent_at`` raises.
    """
    then, now = [
        await consent_at(
            session,
            customer_id=customer_id,
            purpose=purpose,
            channel=channel,
            topic=topic,
            valid_at=at,
            known_at=moment,
            sender=sender,
            registry=registry,
            policy=policy,
        )
        for moment in (at, known_at)
    ]
    return ContactAudit(_verdict(then, now), then, now, _lag(then, now))


def _verdict(then: ConsentAnswer, now: ConsentAnswer) -> Verdict:
    if then.status != "granted":
        return "no_consent_known"
    if now.status == "granted":
        return "right"
    return "late_withdrawal" if now.status == "withdrawn" else "no_consent"


def _lag(then: ConsentAnswer, now: ConsentAnswer) -> timedelta | None:
    if _verdict(then, now) != "late_withdrawal" or now.entry is None:
        return None
    return now.entry.recorded_at - now.entry.at
