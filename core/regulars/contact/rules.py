"""What a rule of contact is: what it must know of a customer, and the pure function that decides.

A rule only ever stands against a contact: it denies or defers, or says nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.sql.elements import ColumnElement

from regulars.contact.needs import Need
from regulars.contact.requests import CLASSES, ContactCap, RuleRequest

__all__ = ["AFTER_ALL_OTHERS", "CORE", "ContactRule", "Decide", "Defer", "Deny", "Needs", "Prefilter", "Verdict"]

CORE = "core"
AFTER_ALL_OTHERS = 35


@dataclass(frozen=True)
class Deny:
    """No, and waiting does not help. ``evidence`` are ids of the rows that it rests on."""

    reason: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class Defer:
    """Not now: from ``until`` on this rule no longer stands in the way.

    Where nobody knows the end, ``until`` is None and ``wake_on`` names the event that may bring it, such as
    ``case.solved``.
    """

    reason: str
    until: datetime | None = None
    wake_on: str | None = None
    evidence: tuple[str, ...] = ()


Verdict = Deny | Defer | None


class Needs(dict[str, Any]):
    """The values of a rule's needs by name, and a way to ask what another rule says at some moment."""

    __slots__ = ("_ask",)

    def __init__(self, values: Mapping[str, Any], ask: Callable[[str, datetime], Verdict]) -> None:
        super().__init__(values)
        self._ask = ask

    def ask(self, rule_id: str, at: datetime) -> Verdict:
        """Return what the rule with this id says of the same contact at ``at``; None where there is no such rule."""
        return self._ask(rule_id, at)


Decide = Callable[[Needs, RuleRequest, datetime], Verdict]
Prefilter = Callable[[RuleRequest], ColumnElement[bool]]


@dataclass(frozen=True)
class ContactRule:
    """One reason for which a contact may have to wait or not happen at all.

    ``number`` is its place in the order of all rules; a rule that names none stands after all others. ``classes`` are
    the kinds of contact that it looks at. ``decide(needs, request, at)`` is pure: it reads no clock and no database,
    and is asked again about later moments, so what changes with time is a value of ``needs`` (windows, instants).
    ``caps(needs, request)`` gives limits of which the core takes a slot when a contact is reserved.
    ``denies(request)`` is SQL over ``core_customer``, true for those whom the rule denies at ``NOW``, whatever else is
    known, and ``prefilter(request)`` is true for all others whom it might stop then; audiences ask neither those whom
    no rule might stop nor those whom one denies. A rule of which SQL tells all gives one function as both.
    ``owner`` is filled in by the server.
    """

    id: str
    decide: Decide
    needs: Mapping[str, Need] = field(default_factory=dict)
    classes: tuple[str, ...] = CLASSES
    number: int = AFTER_ALL_OTHERS + 1
    caps: Callable[[Needs, RuleRequest], Sequence[ContactCap]] | None = None
    prefilter: Prefilter | None = None
    denies: Prefilter | None = None
    owner: str = ""

    @property
    def place(self) -> tuple[int, str, str]:
        """Return where the rule stands in the order: by number, then plugin, then id."""
        return (self.number, self.owner, self.id)
