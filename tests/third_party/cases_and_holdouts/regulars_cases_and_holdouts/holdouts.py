"""The rule about experiments: whoever is held out is not contacted for them."""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, false
from sqlmodel import col

from regulars import ContactRule, Customer, Deny, Needs, RuleRequest, need_rows
from regulars_cases_and_holdouts.models import Holdout

__all__ = ["HOLDOUT_RULE"]

HELD_OUT = need_rows(
    {"experiment": Holdout.experiment},
    where=col(Holdout.customer_id) == Customer.id,
    read=lambda rows: frozenset(row["experiment"] for row in rows),
)


def _holdout(needs: Needs, request: RuleRequest, _at: datetime) -> Deny | None:
    if request.experiment is None or request.experiment not in needs["held_out"]:
        return None
    return Deny(f"The experiment {request.experiment} holds the customer out.")


def _may_be_held_out(request: RuleRequest) -> ColumnElement[bool]:
    if request.experiment is None:
        return false()
    is_held_out = col(Holdout.experiment) == request.experiment
    return exists().where(col(Holdout.customer_id) == Customer.id, is_held_out).correlate(Customer)


HOLDOUT_RULE = ContactRule(
    "holdout", _holdout, {"held_out": HELD_OUT}, ("marketing", "research"), 24, prefilter=_may_be_held_out
)
