"""Read in SQL what the ledger says of a customer, in one pass for the plain ones and by weighing for the others."""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select
from sqlalchemy.orm import aliased
from sqlalchemy.orm.util import AliasedClass
from sqlmodel import col

from regulars.consents.lattice import DIRECT_BASES
from regulars.consents.models import ConsentEvent
from regulars.contact.requests import RuleRequest
from regulars.tables import NOW

__all__ = ["is_denied_by", "is_unclear"]

GRANTED = "granted"
UNCLEAR = "unclear"

Entries = type[ConsentEvent] | AliasedClass[ConsentEvent]


def is_denied_by(rule: str, request: RuleRequest) -> ColumnElement[bool]:
    """Return, as SQL over ``core_customer``, whether this is the first rule by which the ledger denies at ``NOW``."""
    said = _said(request)
    return or_(said.is_(None), said == rule) if rule == _without_a_word(_recipient(request)) else said == rule


def is_unclear(request: RuleRequest) -> ColumnElement[bool]:
    """Return whether that takes more than SQL: entries of merged profiles must be weighed."""
    return _said(request) == UNCLEAR


def _recipient(request: RuleRequest) -> str | None:
    return request.question(request.now).recipient


def _without_a_word(recipient: str | None) -> str:
    return "no_consent" if recipient is None else "partner_not_opted_in"


def _said(request: RuleRequest) -> ColumnElement[str]:
    """Return the word of the ledger: ``granted``, a rule that denies, or ``unclear``; NULL where no entry bears on it.

    The object is the same for requests that mean the same.
    """
    return _ledger_says(
        request.purpose,
        request.channel,
        request.topic,
        _recipient(request),
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
    def bears(entries: Entries) -> ColumnElement[bool]:
        return and_(
            col(entries.purpose).in_(_wider(purpose)),
            col(entries.channel).in_(_wider(channel)),
            col(entries.topic).in_(_wider(topic)),
            col(entries.recorded_at) <= NOW,
            col(entries.at) <= NOW,
        )

    def is_withdrawal(entries: Entries) -> ColumnElement[bool]:
        named = col(entries.recipient)
        of_us = named.is_(None) if recipient is None else or_(named.is_(None), named == recipient)
        return and_(col(entries.action) == "withdraw", of_us)

    def is_counted(entries: Entries) -> ColumnElement[bool]:
        named = col(entries.recipient)
        to_them = named.is_(None) if recipient is None else named == recipient
        return and_(col(entries.action) == "grant", to_them, col(entries.basis).in_(bases))

    def is_valid(entries: Entries) -> ColumnElement[bool]:
        return and_(is_counted(entries), *(not_(fault) for fault in _faults(entries, retired_notices).values()))

    one, grant = aliased(ConsentEvent), aliased(ConsentEvent)
    is_defeated = exists().where(
        col(grant.customer_id) == one.customer_id,
        bears(grant),
        is_valid(grant),
        _made_at(grant) > one.at,
        col(grant.origin) == "customer",
        col(grant.basis).in_(DIRECT_BASES),
        or_(not_(_is_global(one)), col(grant.confirmed_at) <= NOW, col(grant.session) == "up"),
        *(_covers(getattr(one, part), getattr(grant, part)) for part in ("purpose", "channel", "topic")),
    )
    stands = not_(is_defeated.correlate(one))
    nothing = _without_a_word(recipient)
    of_partner = [] if recipient is None else [(not_(_any(is_counted(one))), nothing)]
    faults = [(_any(and_(is_counted(one), fault)), rule) for rule, fault in _faults(one, retired_notices).items()]
    weighed = (
        select(
            case(
                (_any(col(one.profile_id) != one.customer_id), UNCLEAR),
                (_any(and_(is_withdrawal(one), _is_global(one), stands)), "global_opt_out"),
                *of_partner,
                (_any(and_(is_withdrawal(one), stands)), "withdrawn"),
                (_any(is_valid(one)), GRANTED),
                *faults,
                else_=nothing,
            )
        )
        .where(col(one.customer_id) == ConsentEvent.customer_id, bears(one))
        .correlate(ConsentEvent)
        .scalar_subquery()
    )
    # Most are told by the newest entries of each kind, in one pass over the ledger; the others are weighed one by one.
    newest_of, at = func.max, col(ConsentEvent.at)
    granted_at = newest_of(_made_at(ConsentEvent)).filter(is_valid(ConsentEvent))
    withdrawn_at = newest_of(at).filter(is_withdrawal(ConsentEvent))
    opted_out_at = newest_of(at).filter(and_(is_withdrawal(ConsentEvent), _is_global(ConsentEvent)))
    plain: list[Any] = [
        (and_(withdrawn_at.is_(None), granted_at.is_not(None)), GRANTED),
        (_is_not_before(opted_out_at, granted_at), "global_opt_out"),
    ]
    if recipient is None:  # of a partner, it comes first that they were never let in
        plain.append((and_(opted_out_at.is_(None), _is_not_before(withdrawn_at, granted_at)), "withdrawn"))
    says: ColumnElement[Any] = case(*plain, else_=weighed)
    customer_id = col(ConsentEvent.customer_id)
    summary = select(customer_id, says.label("says")).where(bears(ConsentEvent)).group_by(customer_id).subquery()
    return summary.c.says


def _faults(entries: Entries, retired_notices: tuple[str, ...]) -> dict[str, ColumnElement[bool]]:
    """Return what can be wrong with a grant, by the rule that says so; none of it is ever NULL."""
    confirmed_at, expires_at, notice = col(entries.confirmed_at), col(entries.expires_at), col(entries.notice_version)
    unconfirmed = and_(col(entries.needs_confirmation), or_(confirmed_at.is_(None), confirmed_at > NOW))
    faults = {
        "consent_unproven": not_(col(entries.is_proven)),
        "consent_unconfirmed": unconfirmed,
        "consent_expired": and_(expires_at.is_not(None), expires_at <= NOW),
    }
    if retired_notices:
        faults["reconsent_required"] = and_(notice.is_not(None), notice.in_(retired_notices))
    return faults


def _made_at(entries: Entries) -> ColumnElement[Any]:
    confirmed_at = col(entries.confirmed_at)
    return case((confirmed_at <= NOW, confirmed_at), else_=col(entries.at))


def _is_global(entries: Entries) -> ColumnElement[bool]:
    return and_(
        col(entries.channel) == "*",
        col(entries.topic) == "*",
        col(entries.purpose).in_(("*", "marketing")),
        col(entries.recipient).is_(None),
    )


def _is_not_before(withdrawn_at: ColumnElement[Any], granted_at: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(withdrawn_at.is_not(None), or_(granted_at.is_(None), granted_at <= withdrawn_at))


def _covers(wide: Any, narrow: Any) -> ColumnElement[bool]:
    # Both cover what is asked about, so of two names one begins with the other.
    return or_(wide == "*", and_(narrow != "*", func.length(wide) <= func.length(narrow)))


def _any(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return func.count().filter(condition) > 0


def _wider(name: str) -> list[str]:
    parts = name.split(".")
    return ["*", *(".".join(parts[: length + 1]) for length in range(len(parts)) if name != "*")]
