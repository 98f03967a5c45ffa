"""Undo a withdrawal that was made by mistake: what stood until then is granted again, and nothing more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.access.actors import Actor
from regulars.consents.changes import ConsentChange
from regulars.consents.lattice import DIRECT_BASES, SELF, ConsentPolicy, Question, consent_answer
from regulars.consents.ledger import Basis, LedgerEntry, MergeHistory
from regulars.consents.models import ConsentEvent
from regulars.consents.registry import ConsentRegistry
from regulars.consents.service import ledger_of, record_consent
from regulars.customers.survivors import locked_survivors
from regulars.errors import InvalidInput, NotFound

__all__ = ["undo_withdrawal"]


async def undo_withdrawal(
    session: AsyncSession,
    *,
    event_id: UUID,
    policy: ConsentPolicy,
    registry: ConsentRegistry,
    actor: Actor,
    now: datetime,
) -> Sequence[ConsentEvent]:
    """Grant again, as the customer's own and confirmed act, what would stand had this withdrawal not been made.

    Each grant of before is made anew over the part that the withdrawal covers, under the notice that was shown then.
    What another withdrawal stands against stays shut, whether it came before or since. Whoever calls this has seen that
    the same person undoes it who withdrew. Raises ``NotFound`` for an unknown entry and ``InvalidInput`` for one that
    is no withdrawal.
    """
    withdrawal = await session.get(ConsentEvent, event_id)
    if withdrawal is None:
        raise NotFound("consent", event_id, path=("id",))
    if withdrawal.action != "withdraw":
        raise InvalidInput(f"The entry {event_id} grants something. Only a withdrawal can be undone.", path=("id",))
    await locked_survivors(session, {withdrawal.customer_id})
    entries, merges = await ledger_of(session, customer_id=withdrawal.customer_id)
    return [
        await record_consent(
            session, change=_again(withdrawal, grant, text, now), registry=registry, actor=actor, now=now
        )
        for grant, text in await _lost(session, entries, merges, event_id, policy, now)
    ]


async def _lost(
    session: AsyncSession,
    entries: Sequence[LedgerEntry],
    merges: MergeHistory,
    event_id: UUID,
    policy: ConsentPolicy,
    now: datetime,
) -> Sequence[tuple[LedgerEntry, ConsentEvent]]:
    """Return the grants that this withdrawal alone stands against, cut to what it covers, with their own rows."""
    withdrawal = next(entry for entry in entries if entry.id == event_id)
    others = [entry for entry in entries if entry.id != event_id]
    lost: dict[tuple[object, str | None], LedgerEntry] = {}
    for grant in others:
        scope = grant.scope.shared_with(withdrawal.scope)
        if grant.action != "grant" or scope is None:
            continue
        question = Question(scope, valid_at=now, known_at=now, sender=grant.recipient or SELF)
        before = consent_answer(others, question, policy=policy, merges=merges)
        today = consent_answer(entries, question, policy=policy, merges=merges)
        stood = grant.id in {one.id for one in before.grants}
        if stood and before.status == "granted" and today.status != "granted":
            lost[scope, grant.recipient] = replace(grant, scope=scope)
    return [(grant, await session.get_one(ConsentEvent, grant.id)) for grant in lost.values()]


def _again(withdrawal: ConsentEvent, grant: LedgerEntry, row: ConsentEvent, now: datetime) -> ConsentChange:
    return ConsentChange(
        customer_id=withdrawal.profile_id,
        action="grant",
        purpose=grant.scope.purpose,
        channel=grant.scope.channel,
        topic=grant.scope.topic,
        reason="Undid the withdrawal",
        expires_at=grant.expires_at,
        origin="customer",
        basis=cast("Basis", grant.basis if grant.basis in DIRECT_BASES else "express"),
        recipient=grant.recipient,
        confirmed_at=now,
        evidence={"kind": "undo", "withdrawal": str(withdrawal.id), "grant": str(grant.id)},
        notice_version=row.notice_version,
        language=row.language,
        text_sha256=row.text_sha256,
    )
