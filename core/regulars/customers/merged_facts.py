"""Combine what is known of two customers who are one, and take one of them out again."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from regulars.customers.models import Customer

__all__ = ["FACTS", "MergeStep", "PersonFacts", "combined", "facts_of", "taken_out", "write_facts"]

STATUSES_FROM_WIDE_TO_NARROW = ("active", "restricted", "deceased")


@dataclass(frozen=True)
class PersonFacts:
    """The columns of a customer that a merge combines."""

    display_name: str | None
    language: str | None
    time_zone: str | None
    jurisdiction: str | None
    age: str
    has_guardian_consent: bool
    status: str


@dataclass(frozen=True)
class MergeStep:
    """One merge into a survivor: what was known of them before and after it, and of the one who was merged."""

    before: PersonFacts
    after: PersonFacts
    merged: PersonFacts

    def as_json(self) -> dict[str, Any]:
        """Return what the row of the merge keeps; the merged customer's own row keeps the rest."""
        return {"before": asdict(self.before), "after": asdict(self.after)}

    @classmethod
    def read(cls, kept: dict[str, Any], merged: PersonFacts) -> "MergeStep":
        """Return the step that a merge's row keeps."""
        return cls(before=PersonFacts(**kept["before"]), after=PersonFacts(**kept["after"]), merged=merged)


FACTS = tuple(field.name for field in fields(PersonFacts))


def facts_of(customer: Customer) -> PersonFacts:
    """Return what the customer's row says of them."""
    return PersonFacts(**{name: getattr(customer, name) for name in FACTS})


def write_facts(customer: Customer, facts: PersonFacts) -> None:
    """Write the facts into the customer's row."""
    for name in FACTS:
        setattr(customer, name, getattr(facts, name))


def combined(own: PersonFacts, other: PersonFacts) -> PersonFacts:
    """Return what is known of the survivor after a merge.

    Their own facts stand, the other's fill the gaps. Where it is about protection the narrower fact stands: whoever
    one of the two calls a minor is a minor, for whom every guardian must have agreed; and the narrower status counts.
    """
    age, has_guardian_consent = _protection(own, other)
    return PersonFacts(
        display_name=own.display_name or other.display_name,
        language=own.language or other.language,
        time_zone=own.time_zone or other.time_zone,
        jurisdiction=own.jurisdiction or other.jurisdiction,
        age=age,
        has_guardian_consent=has_guardian_consent,
        status=max(own.status, other.status, key=STATUSES_FROM_WIDE_TO_NARROW.index),
    )


def taken_out(
    step: MergeStep, later: Sequence[MergeStep], now: PersonFacts
) -> tuple[tuple[MergeStep, ...], PersonFacts]:
    """Return the later merges as if ``step`` had never been, and what is known of the survivor then.

    ``later`` are the merges into the same survivor that came after, oldest first. What was edited since a merge is no
    trace of the merge, so it stands.
    """
    was, value = step.after, step.before
    rebased: list[MergeStep] = []
    for following in later:
        before = _carried(following.before, was=was, value=value)
        after = combined(before, following.merged)
        rebased.append(replace(following, before=before, after=after))
        was, value = following.after, after
    return tuple(rebased), _carried(now, was=was, value=value)


def _protection(own: PersonFacts, other: PersonFacts) -> tuple[str, bool]:
    if own.age == other.age == "minor":
        return "minor", own.has_guardian_consent and other.has_guardian_consent
    if other.age == "minor" or own.age == "unknown":
        return other.age, other.has_guardian_consent if other.age == "minor" else own.has_guardian_consent
    return own.age, own.has_guardian_consent


def _carried(seen: PersonFacts, *, was: PersonFacts, value: PersonFacts) -> PersonFacts:
    untouched = [name for name in FACTS if getattr(seen, name) == getattr(was, name)]
    return replace(seen, **{name: getattr(value, name) for name in untouched})
