"""Make a decision again from what was kept of it, under the policy of that time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.contact.memory import tzdata_version
from regulars.contact.models import ContactDecision
from regulars.contact.policies import policy_named, policy_of
from regulars.contact.questioning import patient_rules
from regulars.contact.requests import ContactPolicy, RuleRequest
from regulars.contact.rule_set import ContactRules
from regulars.contact.verdicts import Decision, decide
from regulars.errors import NotFound

__all__ = ["Replay", "replay_decision"]


@dataclass(frozen=True)
class Replay:
    """A decision as it was kept, and as the same rules make it from the same knowledge now.

    ``decision`` is None where the slot decided and no rule, ``missing_rules`` are rules that are there no more, and
    ``is_same_tzdata`` tells whether this server reads the time zones of that time.
    """

    kept: ContactDecision
    decision: Decision | None
    missing_rules: tuple[str, ...]
    is_same_tzdata: bool

    @property
    def is_same(self) -> bool:
        """Tell whether outcome, rule and end came out as they were kept."""
        if self.decision is None:
            return True
        kept = (self.kept.outcome, self.kept.rule, self.kept.until)
        return kept == (self.decision.outcome, self.decision.rule, self.decision.until)


async def replay_decision(session: AsyncSession, *, decision_id: UUID, rules: ContactRules) -> Replay:
    """Return the decision as it was kept, and made again from the needs that were kept with it.

    Nothing is read of the customer as they are today. Raises ``NotFound`` for no such decision.
    """
    row = await session.get(ContactDecision, decision_id)
    if row is None:
        raise NotFound("decision on a contact", decision_id, path=("decisionId",))
    policy = policy_of(await policy_named(session, version=row.policy_version))
    applicable = rules.of_class(row.contact_class)
    then, told = set(row.needs["rules"]), row.needs["told"]
    asked = [rule for rule in applicable.rules if rule.id in then]
    missing = tuple(sorted(then - {rule.id for rule in asked}))
    is_same_tzdata = row.tzdata_version == tzdata_version()
    if row.needs.get("by_slot"):
        return Replay(row, None, missing, is_same_tzdata)
    known = {
        need: need.value_of(told.get(name))
        for need, name in applicable.reader.names.items()
        if name in told or row.customer_id is None
    }
    request = _request_of(row, policy)
    with patient_rules(asked, watchdog=rules.watchdog, count=1) as patient:
        decision = decide(patient, known, request, unavailable=row.needs["missing"], failed=lambda _failure: None)
    return Replay(row, decision, missing, is_same_tzdata)


def _request_of(row: ContactDecision, policy: ContactPolicy) -> RuleRequest:
    kept: dict[str, Any] = {**row.request}
    expires_at = kept.pop("expires_at")
    return RuleRequest(
        **kept,
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        now=row.decided_at,
        policy=policy,
    )
