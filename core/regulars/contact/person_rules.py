"""The core's rules about the person: who is unknown, erased, dead or restricted, and who is a minor."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, not_, or_, true
from sqlmodel import col

from regulars.contact.needs import need_value
from regulars.contact.requests import CONSENTED, RuleRequest
from regulars.contact.rules import CORE, ContactRule, Deny, Needs, Prefilter, Verdict
from regulars.customers.models import Customer

__all__ = ["PERSON_RULES"]

STATUS = need_value(Customer.status)
DELETED_AT = need_value(Customer.deleted_at)
AGE = need_value(Customer.age)
GUARDIAN = need_value(Customer.has_guardian_consent)

NOT_LEGAL = ("transactional", "service", "followup", "marketing", "research")
FROM_SERVICE_ON = ("service", "followup", "marketing", "research")


def _unknown(needs: Needs, _request: RuleRequest, _at: datetime) -> Verdict:
    if needs["status"] is None or needs["deleted_at"] is not None:
        return Deny("There is no such customer, or they were deleted.")
    return None


def _erased(needs: Needs, _request: RuleRequest, _at: datetime) -> Verdict:
    return Deny("The customer was erased.") if needs["status"] == "erased" else None


def _deceased(needs: Needs, _request: RuleRequest, _at: datetime) -> Verdict:
    return Deny("The customer has died.") if needs["status"] == "deceased" else None


def _restricted(needs: Needs, _request: RuleRequest, _at: datetime) -> Verdict:
    if needs["status"] != "restricted":
        return None
    return Deny("The customer's data may only be kept, not used (GDPR Art. 18).")


def _minor(needs: Needs, request: RuleRequest, _at: datetime) -> Verdict:
    age, agreed = needs["age"], needs["guardian"]
    if age == "minor" and not agreed:
        return Deny("The customer is a minor, and no guardian agreed.")
    if age == "minor" and request.profiling:
        return Deny("The customer is a minor, and a score chose them; no guardian can agree to that.")
    if age != "adult" and age != "minor" and request.policy.child_directed:
        return Deny("The customer's age is unknown, and this service is meant for children too.")
    return None


def _is_of_status(status: str) -> Prefilter:
    return lambda _request: col(Customer.status) == status


def _is_deleted(_request: RuleRequest) -> ColumnElement[bool]:
    return col(Customer.deleted_at).is_not(None)


IS_ERASED, IS_DECEASED, IS_RESTRICTED = _is_of_status("erased"), _is_of_status("deceased"), _is_of_status("restricted")


def _is_minor(request: RuleRequest) -> ColumnElement[bool]:
    age = col(Customer.age)
    on_their_own = true() if request.profiling else not_(col(Customer.has_guardian_consent))
    for_children = age.not_in(("adult", "minor")) if request.policy.child_directed else false()
    return or_(and_(age == "minor", on_their_own), for_children)


PERSON_RULES = (
    ContactRule(
        "unknown_customer",
        _unknown,
        {"status": STATUS, "deleted_at": DELETED_AT},
        number=1,
        prefilter=_is_deleted,
        denies=_is_deleted,
        owner=CORE,
    ),
    ContactRule("erased", _erased, {"status": STATUS}, number=2, prefilter=IS_ERASED, denies=IS_ERASED, owner=CORE),
    ContactRule(
        "deceased",
        _deceased,
        {"status": STATUS},
        NOT_LEGAL,
        3,
        prefilter=IS_DECEASED,
        denies=IS_DECEASED,
        owner=CORE,
    ),
    ContactRule(
        "restricted",
        _restricted,
        {"status": STATUS},
        FROM_SERVICE_ON,
        4,
        prefilter=IS_RESTRICTED,
        denies=IS_RESTRICTED,
        owner=CORE,
    ),
    ContactRule(
        "minor",
        _minor,
        {"age": AGE, "guardian": GUARDIAN},
        CONSENTED,
        10,
        prefilter=_is_minor,
        denies=_is_minor,
        owner=CORE,
    ),
)
