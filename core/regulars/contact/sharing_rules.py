"""The core's rule about Global Privacy Control: a browser that asks for no sharing stops every partner."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, false
from sqlmodel import col

from regulars.consents.ledger import LedgerEntry
from regulars.consents.models import GpcSignal
from regulars.contact.consent_rules import LEDGER, MERGES, stands_by_itself
from regulars.contact.needs import need_rows
from regulars.contact.requests import CONSENTED, RuleRequest
from regulars.contact.rules import CORE, ContactRule, Deny, Needs, Verdict
from regulars.customers.models import Customer
from regulars.tables import NOW

__all__ = ["SHARING_RULES"]

_mine = (col(GpcSignal.customer_id) == Customer.id) & (col(GpcSignal.recorded_at) <= NOW)


def _first(rows: Sequence[Mapping[str, Any]]) -> tuple[datetime, str] | None:
    return min(((row["at"], str(row["id"])) for row in rows), default=None)


SIGNAL = need_rows({"at": GpcSignal.at, "id": GpcSignal.id}, where=_mine, read=_first)


def _stopped(needs: Needs, request: RuleRequest, at: datetime) -> Verdict:
    """Later signals are only kept, so what lifts it is a grant in an up session after the first one."""
    if request.question(at).recipient is None or needs["signal"] is None:
        return None
    seen_at, signal_id = needs["signal"]

    def is_lifting(grant: LedgerEntry) -> bool:
        return grant.is_up_session and grant.origin == "customer" and grant.time_by(at) > seen_at

    if seen_at > at or stands_by_itself(needs, request, at, counts=is_lifting):
        return None
    return Deny("The customer's browser asked for no sharing (Global Privacy Control).", (signal_id,))


def _has_signal(request: RuleRequest) -> ColumnElement[bool]:
    if request.question(request.now).recipient is None:
        return false()
    return exists().where(_mine).correlate(Customer)


SHARING_RULES = (
    ContactRule(
        "gpc_sharing_opt_out",
        _stopped,
        {"signal": SIGNAL, "ledger": LEDGER, "merges": MERGES},
        CONSENTED,
        12,
        prefilter=_has_signal,
        owner=CORE,
    ),
)
