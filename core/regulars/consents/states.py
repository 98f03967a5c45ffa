"""Work out what stands in each scope of a customer's ledger, so that reading it is one look-up."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from regulars.consents.lattice import SELF, ConsentAnswer, Question, consent_answer
from regulars.consents.ledger import LedgerEntry, MergeHistory
from regulars.consents.scopes import Scope

__all__ = ["StandingConsent", "StandingStatus", "standing_consents"]

StandingStatus = Literal["granted", "withdrawn", "pending", "expired", "none"]


@dataclass(frozen=True)
class StandingConsent:
    """What stands in one scope. A ``granted`` one is ``expired`` from ``expires_at`` on."""

    status: StandingStatus
    since: datetime
    expires_at: datetime | None
    reason: str
    event_id: UUID


def standing_consents(entries: Sequence[LedgerEntry], merges: MergeHistory) -> Mapping[Scope, StandingConsent]:
    """Return what stands in each scope that the ledger names, wider withdrawals included.

    A scope of sharing is granted when it is granted to one partner at least; the reason names the partner. Every other
    scope is about the company's own use.
    """
    return {scope: _standing(scope, entries, merges) for scope in {entry.scope for entry in entries}}


def _standing(scope: Scope, entries: Sequence[LedgerEntry], merges: MergeHistory) -> StandingConsent:
    horizon = max(_times(entries))
    question = _best_question(Question(scope, valid_at=horizon, known_at=horizon), entries, merges)
    answer = consent_answer(entries, question, merges=merges)
    entry = answer.entry or max(
        (entry for entry in entries if entry.scope == scope), key=lambda entry: (entry.recorded_at, entry.id)
    )
    return StandingConsent(
        status=_status(answer),
        since=entry.time_by(horizon),
        expires_at=_end(entries, question, merges) if answer.status == "granted" else entry.expires_at,
        reason=answer.reason,
        event_id=entry.id,
    )


def _times(entries: Iterable[LedgerEntry]) -> Iterable[datetime]:
    for entry in entries:
        yield from (entry.at, entry.recorded_at)
        if entry.confirmed_at is not None:
            yield entry.confirmed_at


def _best_question(question: Question, entries: Sequence[LedgerEntry], merges: MergeHistory) -> Question:
    """Return the question about ourselves, or about the partner who is allowed most."""
    if question.recipient is None:
        return question
    partners = sorted({entry.recipient for entry in entries if entry.recipient and entry.scope.covers(question.scope)})
    questions = [replace(question, sender=partner) for partner in partners or [SELF]]
    return min(questions, key=lambda asked: _PREFERRED.index(consent_answer(entries, asked, merges=merges).status))


_PREFERRED = ("granted", "none", "withdrawn")


def _status(answer: ConsentAnswer) -> StandingStatus:
    if answer.status == "none" and answer.rule == "consent_unconfirmed":
        return "pending"
    if answer.status == "none" and answer.rule == "consent_expired":
        return "expired"
    return answer.status


def _end(entries: Sequence[LedgerEntry], question: Question, merges: MergeHistory) -> datetime | None:
    """Return when what is granted ends by itself: a grant that expires may leave another, or may not."""
    ends = sorted({entry.expires_at for entry in entries if entry.expires_at and entry.expires_at > question.valid_at})
    for end in ends:
        later = consent_answer(entries, replace(question, valid_at=end), merges=merges)
        if later.status != "granted":
            return end
    return None
