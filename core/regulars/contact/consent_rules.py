"""The core's rules about consent: the ledger's own answer, one rule for each thing that can stand against it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from regulars.consents.lattice import ConsentAnswer, ConsentPolicy, Question, consent_answer
from regulars.consents.ledger import LedgerEntry, Merge, MergeHistory
from regulars.consents.models import ConsentEvent
from regulars.consents.scopes import Scope
from regulars.contact.ledger_reading import is_denied_by, is_unclear
from regulars.contact.needs import CHANNEL, PURPOSE, TOPIC, need_rows
from regulars.contact.requests import CONSENTED, RuleRequest
from regulars.contact.rules import CORE, ContactRule, Deny, Needs, Verdict
from regulars.customers.models import Customer, CustomerMerge
from regulars.tables import NOW

__all__ = ["CONSENT_RULES", "LEDGER", "MERGES", "KnownLedger", "stands_by_itself"]

NUMBERS = {
    "global_opt_out": 11,
    "partner_not_opted_in": 13,
    "withdrawn": 14,
    "consent_unproven": 15,
    "consent_unconfirmed": 16,
    "consent_expired": 17,
    "reconsent_required": 18,
    "no_consent": 19,
}


@dataclass
class KnownLedger:
    """The entries of one customer's ledger that bear on a question; an answer is worked out once."""

    entries: Sequence[LedgerEntry]
    _answers: dict[tuple[Question, ConsentPolicy], ConsentAnswer] = field(default_factory=dict)

    def answer(self, question: Question, policy: ConsentPolicy, merges: MergeHistory) -> ConsentAnswer:
        """Return what the ledger says, with every rule that stands against it."""
        key = (question, policy)
        if key not in self._answers:
            self._answers[key] = consent_answer(self.entries, question, policy=policy, merges=merges)
        return self._answers[key]


def _ledger(rows: Sequence[Mapping[str, Any]]) -> KnownLedger:
    return KnownLedger(
        [
            LedgerEntry(
                scope=Scope(row["purpose"], row["channel"], row["topic"]),
                is_up_session=row["session"] == "up",
                **{name: row[name] for name in _SAME_NAMES},
            )
            for row in rows
        ]
    )


def _merges(rows: Sequence[Mapping[str, Any]]) -> MergeHistory:
    return MergeHistory(tuple(Merge(row["survivor_id"], row["merged_id"], row["at"]) for row in rows))


_SAME_NAMES = (
    "id",
    "profile_id",
    "action",
    "at",
    "recorded_at",
    "expires_at",
    "origin",
    "basis",
    "recipient",
    "needs_confirmation",
    "confirmed_at",
    "is_proven",
    "notice_version",
)


def _may_cover(wide: Any, narrow: ColumnElement[str]) -> ColumnElement[bool]:
    # An underscore in a name is a wildcard here, so this may let too much through; the ledger's rules look again.
    return or_(wide == "*", wide == narrow, narrow.like(wide + ".%"))


def _bears() -> ColumnElement[bool]:
    return and_(
        col(ConsentEvent.customer_id) == Customer.id,
        _may_cover(col(ConsentEvent.purpose), PURPOSE),
        _may_cover(col(ConsentEvent.channel), CHANNEL),
        _may_cover(col(ConsentEvent.topic), TOPIC),
        col(ConsentEvent.recorded_at) <= NOW,
    )


LEDGER = need_rows(
    {
        **{name: getattr(ConsentEvent, name) for name in _SAME_NAMES},
        "purpose": ConsentEvent.purpose,
        "channel": ConsentEvent.channel,
        "topic": ConsentEvent.topic,
        "session": ConsentEvent.session,
    },
    where=_bears(),
    read=_ledger,
)

_part = aliased(Customer)

MERGES = need_rows(
    {"survivor_id": CustomerMerge.survivor_id, "merged_id": CustomerMerge.merged_id, "at": CustomerMerge.merged_at},
    # Every profile that is part of this customer today became so by the merge that names it as the merged one.
    where=and_(
        col(CustomerMerge.merged_id).in_(select(col(_part.id)).where(col(_part.merged_into_id) == Customer.id)),
        col(CustomerMerge.undone_at).is_(None),
    ),
    read=_merges,
)

NEEDED = {"ledger": LEDGER, "merges": MERGES}


def stands_by_itself(
    needs: Needs, request: RuleRequest, at: datetime, *, counts: Callable[[LedgerEntry], bool]
) -> bool:
    """Tell whether the customer would consent if, of all grants, only those that ``counts`` names were there."""
    ledger: KnownLedger = needs["ledger"]
    entries = [entry for entry in ledger.entries if entry.action == "withdraw" or counts(entry)]
    answer = consent_answer(entries, request.question(at), policy=request.policy.consents, merges=needs["merges"])
    return answer.status == "granted"


def _decided_by(rule: str) -> Callable[[Needs, RuleRequest, datetime], Verdict]:
    def decide(needs: Needs, request: RuleRequest, at: datetime) -> Verdict:
        ledger: KnownLedger = needs["ledger"]
        answer = ledger.answer(request.question(at), request.policy.consents, needs["merges"])
        block = next((block for block in answer.blocks if block.rule == rule), None)
        return None if block is None else Deny(block.reason, tuple(str(entry.id) for entry in block.entries))

    return decide


CONSENT_RULES = tuple(
    ContactRule(
        rule,
        _decided_by(rule),
        NEEDED,
        CONSENTED,
        number,
        prefilter=is_unclear,
        denies=partial(is_denied_by, rule),
        owner=CORE,
    )
    for rule, number in NUMBERS.items()
)
