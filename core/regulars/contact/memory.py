"""Turn a decision into the row that keeps it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any
from uuid import UUID

from regulars.access.actors import Actor
from regulars.contact.models import ContactDecision
from regulars.contact.requests import RuleRequest
from regulars.contact.verdicts import Blocker, Decision, Known

__all__ = ["DRY_RUN", "Decided", "decision_row", "kept_request", "tzdata_version"]


DRY_RUN = "dry_run"


@dataclass(frozen=True)
class Decided:
    """A decision about one customer, with what it rests on.

    ``asked_id`` is the id that was asked about, ``customer_id`` as whom they count today; None for an unknown id.
    ``rules`` are the ids of those that were asked, ``named_needs`` what they were told, and ``missing`` the plugins
    whose rules could not be asked.
    """

    asked_id: UUID
    customer_id: UUID | None
    request: RuleRequest
    decision: Decision
    evidence: tuple[str, ...]
    is_zone_assumed: bool
    known: Known
    rules: tuple[str, ...]
    named_needs: Mapping[str, Any]
    missing: tuple[str, ...]


def decision_row(decided: Decided, *, step: str, actor: Actor, now: datetime) -> ContactDecision:
    """Return the row that keeps a decision, unsaved."""
    request, decision = decided.request, decided.decision
    return ContactDecision(
        customer_id=decided.customer_id,
        profile_id=None if decided.customer_id is None else decided.asked_id,
        step=step,
        decided_at=now,
        channel=request.channel,
        contact_class=request.contact_class,
        purpose=request.purpose,
        topic=request.topic,
        campaign=request.campaign,
        request=kept_request(request),
        outcome=decision.outcome,
        rule=decision.rule,
        until=decision.until,
        wake_on=decision.wake_on,
        blockers=[_kept_blocker(blocker) for blocker in decision.blockers],
        evidence=list(decided.evidence),
        policy_version=request.policy.version,
        tzdata_version=tzdata_version(),
        is_zone_assumed=decided.is_zone_assumed,
        needs={"rules": list(decided.rules), "told": dict(decided.named_needs), "missing": list(decided.missing)},
        actor=actor.label,
    )


def kept_request(request: RuleRequest) -> dict[str, Any]:
    """Return what was asked, as JSON, without what stands in the row beside it."""
    asked = asdict(request)
    for name in ("policy", "now"):
        del asked[name]
    asked["expires_at"] = None if request.expires_at is None else request.expires_at.isoformat()
    return asked


def tzdata_version() -> str:
    """Return which edition of the time zone database this server reads."""
    return version("tzdata")


def _kept_blocker(blocker: Blocker) -> dict[str, Any]:
    until = None if blocker.until is None else blocker.until.isoformat()
    return {**asdict(blocker), "until": until, "evidence": list(blocker.evidence)}
