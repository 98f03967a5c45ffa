"""Rules about service cases: nobody is pitched to in a crisis, and each case is followed up once."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists
from sqlmodel import col

from regulars import ContactRule, Customer, Defer, Deny, Needs, RuleRequest, need_rows
from regulars_cases_and_holdouts.models import ServiceCase

__all__ = ["CASE_RULES"]

EARLIEST = timedelta(hours=12)
LATEST = timedelta(hours=24)
COOLDOWN = timedelta(hours=24)
GRACE = timedelta(hours=2)
MOST_STRETCHES = 60


@dataclass(frozen=True)
class Case:
    """A case as the rules see it."""

    case_id: str
    opened_at: datetime
    solved_at: datetime | None
    reopened_at: datetime | None
    followup_sent_at: datetime | None
    answer: str | None

    def is_open_at(self, at: datetime) -> bool:
        """Tell whether the case is open: unsolved, answered with "not solved", or opened again."""
        if at < self.opened_at:
            return False
        if self.solved_at is None or self.answer == "not_solved":
            return True
        return self.reopened_at is not None and self.solved_at < self.reopened_at <= at

    def solved_before(self, at: datetime) -> datetime | None:
        """Return when the case was solved, if it is."""
        return self.solved_at if not self.is_open_at(at) else None


CASES = need_rows(
    {
        "case_id": ServiceCase.case_id,
        "opened_at": ServiceCase.opened_at,
        "solved_at": ServiceCase.solved_at,
        "reopened_at": ServiceCase.reopened_at,
        "followup_sent_at": ServiceCase.followup_sent_at,
        "answer": ServiceCase.answer,
    },
    where=col(ServiceCase.customer_id) == Customer.id,
    read=lambda rows: tuple(Case(**row) for row in rows),
)


def _followed_up(cases: Iterable[Case], request: RuleRequest) -> Case | None:
    return next((case for case in cases if case.case_id == request.case_id), None)


def _duplicate(needs: Needs, request: RuleRequest, _at: datetime) -> Deny | None:
    case = _followed_up(needs["cases"], request)
    if case is None or case.followup_sent_at is None:
        return None
    return Deny(f"Case {case.case_id} was followed up already.")


def _window_missed(needs: Needs, request: RuleRequest, at: datetime) -> Deny | None:
    case = _followed_up(needs["cases"], request)
    solved_at = None if case is None else case.solved_before(at)
    if solved_at is None or at <= solved_at + LATEST:
        return None
    quiet_end = _end_of_quiet(needs, solved_at + EARLIEST, solved_at + LATEST)
    if quiet_end is not None and at <= quiet_end + GRACE:
        return None
    return Deny("It is too late to ask how the case went.")


def _end_of_quiet(needs: Needs, first: datetime, last: datetime) -> datetime | None:
    """Return the first instant after the quiet hours that cover all from ``first`` to ``last``, if they do."""
    moment = first
    for _ in range(MOST_STRETCHES):
        quiet = needs.ask("quiet_hours", moment)
        if not isinstance(quiet, Defer) or quiet.until is None:
            break
        moment = quiet.until
    return moment if moment > last else None


def _open_case(needs: Needs, _request: RuleRequest, at: datetime) -> Defer | None:
    standing = [case.case_id for case in needs["cases"] if case.is_open_at(at)]
    if not standing:
        return None
    return Defer(f"The service case {standing[0]} is open.", wake_on="case.solved")


def _cooldown(needs: Needs, _request: RuleRequest, at: datetime) -> Defer | None:
    ends = [
        solved_at + COOLDOWN
        for case in needs["cases"]
        if (solved_at := case.solved_before(at)) is not None and solved_at <= at < solved_at + COOLDOWN
    ]
    return Defer("A service case was solved less than a day ago.", until=max(ends)) if ends else None


def _too_early(needs: Needs, request: RuleRequest, at: datetime) -> Defer | None:
    case = _followed_up(needs["cases"], request)
    solved_at = None if case is None else case.solved_before(at)
    if solved_at is None or at >= solved_at + EARLIEST:
        return None
    return Defer("The case was solved a moment ago: ask later how it went.", until=solved_at + EARLIEST)


NEEDED = {"cases": CASES}
MARKETING = ("marketing", "research")


def _has_cases(_request: RuleRequest) -> ColumnElement[bool]:
    return exists().where(col(ServiceCase.customer_id) == Customer.id).correlate(Customer)


CASE_RULES = (
    ContactRule("followup_duplicate", _duplicate, NEEDED, ("followup",), 26),
    ContactRule("followup_window_missed", _window_missed, NEEDED, ("followup",), 27),
    ContactRule("open_case", _open_case, NEEDED, ("followup", *MARKETING), 28, prefilter=_has_cases),
    ContactRule("case_cooldown", _cooldown, NEEDED, MARKETING, 29, prefilter=_has_cases),
    ContactRule("followup_too_early", _too_early, NEEDED, ("followup",), 30),
)
