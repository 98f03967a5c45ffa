"""Decide from the ledger alone whether a customer consents, and say why; pure, so that a decision can be replayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from regulars.consents.ledger import LedgerEntry, MergeHistory
from regulars.consents.reasons import reason_of
from regulars.consents.scopes import Scope

__all__ = [
    "DEFAULT_POLICY",
    "DIRECT_BASES",
    "NO_MERGES",
    "SELF",
    "ConsentAnswer",
    "ConsentBlock",
    "ConsentPolicy",
    "ConsentStatus",
    "Question",
    "consent_answer",
]

SELF = "self"
RULES = (
    "global_opt_out",
    "partner_not_opted_in",
    "withdrawn",
    "consent_unproven",
    "consent_unconfirmed",
    "consent_expired",
    "reconsent_required",
    "no_consent",
)

WITHDRAWN_RULES = ("global_opt_out", "withdrawn")
DIRECT_BASES = ("express", "express_written")

ConsentStatus = Literal["granted", "withdrawn", "none"]


@dataclass(frozen=True)
class ConsentPolicy:
    """What the company has decided: on which legal bases a grant counts, and which notices are retired."""

    allowed_bases: frozenset[str] = frozenset({"express", "express_written"})
    retired_notices: frozenset[str] = frozenset()


DEFAULT_POLICY = ConsentPolicy()
NO_MERGES = MergeHistory()


@dataclass(frozen=True)
class Question:
    """Does the customer consent to ``scope`` at ``valid_at``, as far as was known at ``known_at``?

    ``sender`` is ``self``, or the partner who would send or receive.
    """

    scope: Scope
    valid_at: datetime
    known_at: datetime
    sender: str = SELF

    @property
    def recipient(self) -> str | None:
        """Return whom a grant must name to count; None where it must name nobody."""
        is_sharing = Scope("sharing", "*").covers(self.scope)
        return self.sender if self.sender != SELF or is_sharing else None


@dataclass(frozen=True)
class ConsentBlock:
    """One rule that stands against it, with the entries that it rests on, the newest last."""

    rule: str
    entries: tuple[LedgerEntry, ...]
    reason: str


@dataclass(frozen=True)
class ConsentAnswer:
    """The answer with its grounds.

    ``rule`` is ``allowed``, or the one of ``blocks`` that ``status`` and ``reason`` tell of; ``entry`` is the one that
    decided. ``grants`` are the valid grants that cover the question, whether or not a withdrawal stands against them.
    """

    status: ConsentStatus
    rule: str
    entry: LedgerEntry | None
    reason: str
    blocks: tuple[ConsentBlock, ...]
    grants: tuple[LedgerEntry, ...]


def consent_answer(
    entries: Sequence[LedgerEntry],
    question: Question,
    *,
    policy: ConsentPolicy = DEFAULT_POLICY,
    merges: MergeHistory = NO_MERGES,
) -> ConsentAnswer:
    """Return whether the customer whose ledger this is consents, with every rule that stands against it.

    A grant counts when it covers the question, was made and known by then, rests on an allowed basis and names the
    right recipient; it is valid unless it is unproven, unconfirmed, expired or of a retired notice. Each covering
    withdrawal must be defeated by a valid grant that is strictly later, lies inside the withdrawal's scope and is a
    direct act of the customer; a global one only by a confirmed act. The order of ``entries`` does not matter.
    """
    known = sorted(
        (entry for entry in entries if _bears_on(entry, question)),
        key=lambda entry: (entry.time_by(question.valid_at), entry.recorded_at, entry.id),
    )
    counted = [entry for entry in known if _counts(entry, question, policy)]
    valid = [grant for grant in counted if not _faults(grant, question, policy)]
    standing = [entry for entry in known if _stands(entry, valid, question, merges)]
    found = [("global_opt_out" if _is_global(entry) else "withdrawn", entry) for entry in standing]
    if not valid:
        found += [(fault, grant) for grant in counted for fault in _faults(grant, question, policy)]
    rules = {rule for rule, _ in found}
    if not counted:
        rules.add("no_consent" if question.recipient is None else "partner_not_opted_in")
    blocks = tuple(_block(rule, found, question) for rule in RULES if rule in rules)
    if not blocks:
        reason = reason_of("allowed", question.scope, valid[-1], question.sender)
        return ConsentAnswer("granted", "allowed", valid[-1], reason, (), tuple(valid))
    deciding = next((block for block in blocks if block.rule in WITHDRAWN_RULES), blocks[0])
    return ConsentAnswer(
        status="withdrawn" if standing else "none",
        rule=deciding.rule,
        entry=deciding.entries[-1] if deciding.entries else None,
        reason=deciding.reason,
        blocks=blocks,
        grants=tuple(valid),
    )


def _bears_on(entry: LedgerEntry, question: Question) -> bool:
    return (
        entry.at <= question.valid_at and entry.recorded_at <= question.known_at and entry.scope.covers(question.scope)
    )


def _counts(entry: LedgerEntry, question: Question, policy: ConsentPolicy) -> bool:
    return entry.action == "grant" and entry.basis in policy.allowed_bases and entry.recipient == question.recipient


def _faults(grant: LedgerEntry, question: Question, policy: ConsentPolicy) -> tuple[str, ...]:
    faults = {
        "consent_unproven": not grant.is_proven,
        "consent_unconfirmed": grant.needs_confirmation and not grant.is_confirmed_by(question.valid_at),
        "consent_expired": grant.expires_at is not None and grant.expires_at <= question.valid_at,
        "reconsent_required": grant.notice_version in policy.retired_notices,
    }
    return tuple(rule for rule, is_found in faults.items() if is_found)


def _stands(entry: LedgerEntry, valid: Sequence[LedgerEntry], question: Question, merges: MergeHistory) -> bool:
    return (
        entry.action == "withdraw"
        and entry.recipient in (None, question.recipient)
        and not any(_defeats(grant, entry, question, merges) for grant in valid)
    )


def _defeats(grant: LedgerEntry, withdrawal: LedgerEntry, question: Question, merges: MergeHistory) -> bool:
    is_direct_act = grant.origin == "customer" and grant.basis in DIRECT_BASES
    is_confirmed_act = grant.is_confirmed_by(question.valid_at) or grant.is_up_session
    withdrawn_at = _withdrawn_at(withdrawal, grant, merges)
    return (
        is_direct_act
        and (is_confirmed_act or not _is_global(withdrawal))
        and withdrawal.scope.covers(grant.scope)
        and withdrawn_at is not None
        and grant.time_by(question.valid_at) > withdrawn_at
    )


def _withdrawn_at(withdrawal: LedgerEntry, grant: LedgerEntry, merges: MergeHistory) -> datetime | None:
    """Return when the withdrawal was made, as far as this grant goes; None where nothing says they are one customer.

    What was given for one profile was not given in the knowledge of what was withdrawn for the other, so across
    profiles a withdrawal counts as made at the merge, if that is later.
    """
    if grant.profile_id == withdrawal.profile_id:
        return withdrawal.at
    joined_at = merges.joined_at(grant.profile_id, withdrawal.profile_id)
    return None if joined_at is None else max(withdrawal.at, joined_at)


def _is_global(withdrawal: LedgerEntry) -> bool:
    scope = withdrawal.scope
    return scope.channel == scope.topic == "*" and scope.purpose in ("*", "marketing") and withdrawal.recipient is None


def _block(rule: str, found: Sequence[tuple[str, LedgerEntry]], question: Question) -> ConsentBlock:
    entries = tuple(entry for found_rule, entry in found if found_rule == rule)
    newest = entries[-1] if entries else None
    return ConsentBlock(rule, entries, reason_of(rule, question.scope, newest, question.sender))
