"""The core's rules about addresses: what bounced, was handed on or complained, and what nobody has verified."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, exists, false, func, join, or_, select, true, union_all
from sqlmodel import col

from regulars.contact.consent_rules import LEDGER, MERGES, stands_by_itself
from regulars.contact.needs import ADDRESS, ADDRESS_DIGEST, CHANNEL, need_rows, need_value
from regulars.contact.requests import CLASSES, CONSENTED, RuleRequest
from regulars.contact.rules import CORE, ContactRule, Deny, Needs, Prefilter, Verdict
from regulars.customers.models import Customer, CustomerIdentity
from regulars.suppressions.kinds import NO_SCORING
from regulars.suppressions.models import SuppressedIdentity, Suppression
from regulars.tables import NOW

__all__ = ["ADDRESS_RULES"]

BLOCKING = ("hard_bounce", "reassigned", "complaint", "dnc_registry")
CALLED = ("voice", "sms")


def _of_person() -> Any:
    return select(col(Suppression.id)).where(col(Suppression.customer_id) == Customer.id).correlate(Customer)


def _of_own_addresses() -> Any:
    return (
        select(col(SuppressedIdentity.suppression_id))
        .join(CustomerIdentity, col(CustomerIdentity.id) == SuppressedIdentity.identity_id)
        .where(col(CustomerIdentity.customer_id) == Customer.id, col(CustomerIdentity.retired_at).is_(None))
        .correlate(Customer)
    )


def _stands() -> ColumnElement[bool]:
    return and_(col(Suppression.lifted_at).is_(None), col(Suppression.created_at) <= NOW)


def _suppressed() -> ColumnElement[bool]:
    """Entries about the person, about the address that is named, and about all their addresses where none is named."""
    named = select(col(Suppression.id)).where(col(Suppression.address_hash) == ADDRESS_DIGEST)
    applying = union_all(_of_person(), named, _of_own_addresses().where(ADDRESS_DIGEST.is_(None)))
    return and_(
        col(Suppression.id).in_(applying),
        col(Suppression.kind).in_(BLOCKING),
        col(Suppression.channel).in_((CHANNEL, "*")),
        _stands(),
    )


def _by_kind(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, tuple[str, ...]]:
    return {kind: tuple(str(row["id"]) for row in rows if row["kind"] == kind) for kind in BLOCKING}


SUPPRESSED = need_rows({"kind": Suppression.kind, "id": Suppression.id}, where=_suppressed(), read=_by_kind)

_mine = and_(
    col(CustomerIdentity.customer_id) == Customer.id,
    col(CustomerIdentity.normalised) == ADDRESS,
    col(CustomerIdentity.retired_at).is_(None),
)
UNVERIFIED = need_value(
    and_(
        exists().where(_mine, col(CustomerIdentity.verified_at).is_(None)).correlate(Customer),
        ~exists().where(_mine, col(CustomerIdentity.verified_at).is_not(None)).correlate(Customer),
    )
)

SCORING = need_rows(
    {"id": Suppression.id},
    where=and_(
        col(Suppression.id).in_(union_all(_of_person(), _of_own_addresses())),
        col(Suppression.kind) == NO_SCORING,
        _stands(),
    ),
    read=lambda rows: tuple(str(row["id"]) for row in rows),
)


def _denied_by(kind: str, reason: str) -> Callable[[Needs, RuleRequest, datetime], Verdict]:
    def decide(needs: Needs, _request: RuleRequest, _at: datetime) -> Verdict:
        entries = needs["suppressed"][kind]
        return Deny(reason, entries) if entries else None

    return decide


def _unverified(needs: Needs, _request: RuleRequest, _at: datetime) -> Verdict:
    return Deny("The customer has not proved that this address is theirs.") if needs["unverified"] else None


def _registered(needs: Needs, request: RuleRequest, at: datetime) -> Verdict:
    entries = needs["suppressed"]["dnc_registry"]
    if not entries or request.channel not in CALLED:
        return None
    if stands_by_itself(needs, request, at, counts=lambda grant: grant.basis == "express_written"):
        return None
    return Deny("The number is in a do-not-call registry, and no written consent stands.", entries)


def _not_to_be_scored(needs: Needs, request: RuleRequest, _at: datetime) -> Verdict:
    entries = needs["scoring"]
    if not entries or not request.profiling:
        return None
    return Deny("The customer wants no scores, and a score chose them.", entries)


def _listed(customer_id: Any, of: Any, *conditions: ColumnElement[bool]) -> Subquery:
    """Return, for each customer whom entries are about, whether any is of a kind that blocks, by channel, or scores."""
    return (
        select(customer_id, *(_any_of(kind, col(Suppression.channel).in_((CHANNEL, "*"))) for kind in BLOCKING))
        .add_columns(_any_of(NO_SCORING, true()))
        .select_from(of)
        .where(customer_id.is_not(None), _stands(), *conditions)
        .group_by(customer_id)
        .subquery()
    )


def _any_of(kind: str, applies: ColumnElement[bool]) -> ColumnElement[bool]:
    return (func.count().filter(and_(col(Suppression.kind) == kind, applies)) > 0).label(kind)


_people = _listed(col(Suppression.customer_id), Suppression)
_owners = _listed(
    col(CustomerIdentity.customer_id),
    join(
        join(CustomerIdentity, SuppressedIdentity, col(SuppressedIdentity.identity_id) == CustomerIdentity.id),
        Suppression,
        col(Suppression.id) == SuppressedIdentity.suppression_id,
    ),
    col(CustomerIdentity.retired_at).is_(None),
)


def _is_listed_as(kind: str) -> ColumnElement[bool]:
    return or_(_people.c[kind], _owners.c[kind])


def _names_an_address(_request: RuleRequest) -> ColumnElement[bool]:
    """Tell that the entries about one address count, and not those about all that a customer has."""
    return ADDRESS_DIGEST.is_not(None)


def _denied_for_sure_by(kind: str) -> Prefilter:
    return lambda _request: and_(ADDRESS_DIGEST.is_(None), _is_listed_as(kind))


def _may_be_registered(request: RuleRequest) -> ColumnElement[bool]:
    is_called = request.channel in CALLED
    return or_(ADDRESS_DIGEST.is_not(None), _is_listed_as("dnc_registry")) if is_called else false()


def _is_not_to_be_scored(request: RuleRequest) -> ColumnElement[bool]:
    return _is_listed_as(NO_SCORING) if request.profiling else false()


def _may_be_unverified(_request: RuleRequest) -> ColumnElement[bool]:
    return and_(ADDRESS.is_not(None), UNVERIFIED.columns["value"])


LISTED = {"suppressed": SUPPRESSED}

ADDRESS_RULES = (
    ContactRule(
        "address_suppressed",
        _denied_by("hard_bounce", "Mail to this address comes back for good."),
        LISTED,
        CLASSES,
        5,
        prefilter=_names_an_address,
        denies=_denied_for_sure_by("hard_bounce"),
        owner=CORE,
    ),
    ContactRule(
        "number_reassigned",
        _denied_by("reassigned", "The number belongs to somebody else by now."),
        LISTED,
        CLASSES,
        6,
        prefilter=_names_an_address,
        denies=_denied_for_sure_by("reassigned"),
        owner=CORE,
    ),
    ContactRule(
        "address_unverified",
        _unverified,
        {"unverified": UNVERIFIED},
        CONSENTED,
        7,
        prefilter=_may_be_unverified,
        owner=CORE,
    ),
    ContactRule(
        "complaint",
        _denied_by("complaint", "Somebody at this address complained about what we sent."),
        LISTED,
        CONSENTED,
        8,
        prefilter=_names_an_address,
        denies=_denied_for_sure_by("complaint"),
        owner=CORE,
    ),
    ContactRule(
        "dnc_registry",
        _registered,
        {**LISTED, "ledger": LEDGER, "merges": MERGES},
        CONSENTED,
        9,
        prefilter=_may_be_registered,
        owner=CORE,
    ),
    ContactRule(
        "profiling_opt_out",
        _not_to_be_scored,
        {"scoring": SCORING},
        CONSENTED,
        20,
        prefilter=_is_not_to_be_scored,
        denies=_is_not_to_be_scored,
        owner=CORE,
    ),
)
