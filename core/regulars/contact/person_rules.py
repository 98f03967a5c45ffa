"""The core's rules about the person: who is unknown, erased, dead or restricted, and who is a minor."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlmodel import col

from regulars.contact.needs import need_value
from regulars.contact.requests import CONSENTED, RuleRequest
from regulars.contact.rules import CORE, ContactRule, Deny, Needs, Verdict
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


def _is_of_status(status: str) -> Any:
    return lambda _request: col(Customer.status) == status


def _may_be_minor(request: RuleRequest) -> ColumnElement[bool]:
    age = col(Customer.age)
    return age != "adult" if request.policy.child_directed else or_(age == "minor", age.not_in(("adult", "unknown")))


PERSON_RULES = (
    ContactRule(
        "unknown_customer",
        _unknown,
        {"status": STATUS, "deleted_at": DELETED_AT},
        number=1,
        prefilter=lambda _request: col(Customer.deleted_at).is_not(None),
        owner=CORE,
    ),
    ContactRule("erased", _erased, {"status": STATUS}, number=2, prefilter=_is_of_status("erased"), owner=CORE),
    ContactRule(
        "deceased",
        _deceased,
        {"status": STATUS},
        NOT_LEGAL,
        3,
        prefilter=_is_of_status("deceased"),
        owner=CORE,
    ),
    ContactRule(
        "restricted",
        _restricted,
        {"status": STATUS},
        FROM_SERVICE_ON,
        4,
        prefilter=_is_of_status("restricted"),
        owner=CORE,
    ),
    ContactRule(
        "minor",
        _minor,
        {"age": AGE, "guardian": GUARDIAN},
        CONSENTED,
        10,
        prefilter=_may_be_minor,
        owner=CORE,
    ),
)
