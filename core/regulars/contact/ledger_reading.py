"""Read in SQL what the ledger says of a customer where that is plain; what takes weighing is left to the rules."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select
from sqlmodel import col

from regulars.consents.models import ConsentEvent
from regulars.contact.requests import RuleRequest
from regulars.tables import NOW

__all__ = ["MIGHT_STOP", "SURE", "ledger_says"]

GRANTED = "granted"
UNCLEAR = "unclear"
FAULTY = "faulty"
GLOBAL_OPT_OUT = "global_opt_out"
WITHDRAWN = "withdrawn"
NO_CONSENT = "no_consent"
NOT_OPTED_IN = "partner_not_opted_in"

SURE = (GLOBAL_OPT_OUT, WITHDRAWN, NO_CONSENT, NOT_OPTED_IN)
"""The rules that deny a customer of whom the ledger says just that."""

_OPT_OUTS = (GLOBAL_OPT_OUT, WITHDRAWN, UNCLEAR)
_WITHOUT_A_VALID_GRANT = (*_OPT_OUTS, FAULTY)

MIGHT_STOP: Mapping[str, tuple[str, ...]] = {
    GLOBAL_OPT_OUT: (GLOBAL_OPT_OUT, UNCLEAR),
    NOT_OPTED_IN: (NOT_OPTED_IN, *_OPT_OUTS),
    WITHDRAWN: _OPT_OUTS,
    "consent_unproven": _WITHOUT_A_VALID_GRANT,
    "consent_unconfirmed": _WITHOUT_A_VALID_GRANT,
    "consent_expired": _WITHOUT_A_VALID_GRANT,
    "reconsent_required": _WITHOUT_A_VALID_GRANT,
    NO_CONSENT: (NO_CONSENT, *_OPT_OUTS),
}
"""What the ledger may say of the customers whom a rule might stop."""


def ledger_says(request: RuleRequest) -> ColumnElement[str]:
    """Return, as SQL over ``core_customer``, what their ledger says about a request at ``NOW``, in one of these words.

    ``granted``: a valid grant and no withdrawal; ``global_opt_out`` or ``withdrawn``: a withdrawal that no valid grant
    came after; ``no_consent`` or ``partner_not_opted_in``: nothing that counts; ``faulty``: only grants with a fault;
    ``unclear``: grants and withdrawals that must be weighed. It is the same object for requests that mean the same.
    """
    question = request.question(request.now)
    return _ledger_says(
        request.purpose,
        request.channel,
        request.topic,
        question.recipient,
        tuple(sorted(request.policy.allowed_bases)),
        tuple(sorted(request.policy.retired_notices)),
    )


@lru_cache(maxsize=100)
def _ledger_says(
    purpose: str,
    channel: str,
    topic: str,
    recipient: str | None,
    bases: tuple[str, ...],
    retired_notices: tuple[str, ...],
) -> ColumnElement[str]:
    at, confirmed_at = col(ConsentEvent.at), col(ConsentEvent.confirmed_at)
    names, expires_at = col(ConsentEvent.recipient), col(ConsentEvent.expires_at)
    is_withdrawal = and_(
        col(ConsentEvent.action) == "withdraw",
        names.is_(None) if recipient is None else or_(names.is_(None), names == recipient),
    )
    is_global = and_(
        col(ConsentEvent.channel) == "*",
        col(ConsentEvent.topic) == "*",
        col(ConsentEvent.purpose).in_(("*", "marketing")),
        names.is_(None),
    )
    is_counted = and_(
        col(ConsentEvent.action) == "grant",
        names.is_(None) if recipient is None else names == recipient,
        col(ConsentEvent.basis).in_(bases),
    )
    is_valid = and_(
        is_counted,
        col(ConsentEvent.is_proven),
        or_(not_(col(ConsentEvent.needs_confirmation)), confirmed_at <= NOW),
        or_(expires_at.is_(None), expires_at > NOW),
    )
    if retired_notices:
        notice = col(ConsentEvent.notice_version)
        is_valid = and_(is_valid, or_(notice.is_(None), notice.not_in(retired_notices)))
    made_at = case((confirmed_at <= NOW, confirmed_at), else_=at)
    granted_at = func.max(made_at).filter(is_valid)
    opted_out_at = func.max(at).filter(and_(is_withdrawal, is_global))
    withdrawn_at = func.max(at).filter(and_(is_withdrawal, not_(is_global)))
    nothing = NO_CONSENT if recipient is None else NOT_OPTED_IN
    says: ColumnElement[Any] = case(
        (opted_out_at.is_not(None), case((_is_not_before(opted_out_at, granted_at), GLOBAL_OPT_OUT), else_=UNCLEAR)),
        (withdrawn_at.is_not(None), _of_withdrawal(_is_not_before(withdrawn_at, granted_at), recipient)),
        (granted_at.is_not(None), GRANTED),
        (func.count().filter(is_counted) > 0, FAULTY),
        else_=nothing,
    )
    covering = [
        col(ConsentEvent.purpose).in_(_wider(purpose)),
        col(ConsentEvent.channel).in_(_wider(channel)),
        col(ConsentEvent.topic).in_(_wider(topic)),
    ]
    customer_id = col(ConsentEvent.customer_id)
    entries = select(customer_id, says.label("says")).where(*covering, col(ConsentEvent.recorded_at) <= NOW, at <= NOW)
    return func.coalesce(entries.group_by(customer_id).subquery().c.says, nothing)


def _of_withdrawal(stands: ColumnElement[bool], recipient: str | None) -> Any:
    # Of a partner, it comes first that they were never let in.
    return case((stands, WITHDRAWN), else_=UNCLEAR) if recipient is None else UNCLEAR


def _is_not_before(withdrawn_at: ColumnElement[Any], granted_at: ColumnElement[Any]) -> ColumnElement[bool]:
    return or_(granted_at.is_(None), granted_at <= withdrawn_at)


def _wider(name: str) -> list[str]:
    parts = name.split(".")
    return ["*", *(".".join(parts[: length + 1]) for length in range(len(parts)) if name != "*")]
