"""Weigh all rules for one contact: who blocks it now, and when nobody will any more; pure, so it can be replayed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from regulars.contact.needs import Need
from regulars.contact.requests import RuleRequest
from regulars.contact.rules import CORE, ContactRule, Defer, Deny, Needs, Verdict
from regulars.errors import RegularsError

__all__ = [
    "ALLOWED",
    "Blocker",
    "Decision",
    "Failed",
    "Known",
    "NoVerdict",
    "Outcome",
    "RuleFailure",
    "decide",
    "weigh",
]

Outcome = Literal["ALLOW", "DENY", "DEFER"]

ALLOWED = "allowed"
UNAVAILABLE = "rule_unavailable"
EXPIRES_FIRST = "expires_before_eligible"
PLUGIN_RECOVERED = "plugin.recovered"

LAST_THAT_ENDS_ALL = 2
UNAVAILABLE_NUMBER = 21
MOST_ROUNDS = 60

Known = Mapping[Need, Any]
"""What is known of one customer, by need; needs that could not be read are missing."""


class NoVerdict(RegularsError):
    """A rule answered something else than it promises."""

    def __init__(self, rule: str, fault: str) -> None:
        super().__init__(f"The rule {rule} {fault}.")


@dataclass(frozen=True)
class RuleFailure:
    """A rule that could not be asked, and why."""

    rule: ContactRule
    error: Exception | None


Failed = Callable[[RuleFailure], None]


@dataclass(frozen=True)
class Blocker:
    """One rule that stands in the way: until when for itself, why in a sentence, and what that rests on."""

    rule: str
    owner: str
    kind: Literal["DENY", "DEFER"]
    until: datetime | None
    wake_on: str | None
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Decision:
    """The answer: ``rule`` is ``allowed``, or the first blocker of the kind that wins; ``blockers`` are all of them."""

    outcome: Outcome
    rule: str
    until: datetime | None
    wake_on: str | None
    blockers: tuple[Blocker, ...]


def decide(
    rules: Sequence[ContactRule],
    known: Known,
    request: RuleRequest,
    *,
    unavailable: Sequence[str] = (),
    failed: Failed,
) -> Decision:
    """Return whether the contact may happen at ``request.now``, what blocks it, and from when on it may happen.

    ``rules`` stand in their order and apply to the request's class. ``unavailable`` are plugins whose rules cannot be
    asked: like a rule that fails, each defers without a known end. The end is found by asking all rules again at the
    latest end among those that block, until none does; a denial on the way means that waiting does not help.
    """
    blockers = _blockers(rules, known, request, request.now, unavailable, failed)
    denial = next((blocker for blocker in blockers if blocker.kind == "DENY"), None)
    if denial is not None:
        return Decision("DENY", denial.rule, None, None, blockers)
    if not blockers:
        return Decision("ALLOW", ALLOWED, None, None, ())
    return _deferred(rules, known, request, blockers, unavailable, failed)


def weigh(rule: ContactRule, rules: Sequence[ContactRule], known: Known, request: RuleRequest, at: datetime) -> Verdict:
    """Return what one rule says at a moment; raises whatever is wrong with it."""
    verdict = rule.decide(needs_of(rule, rules, known, request), request, at)
    if verdict is not None:
        _check(rule, verdict, at)
    return verdict


def needs_of(rule: ContactRule, rules: Sequence[ContactRule], known: Known, request: RuleRequest) -> Needs:
    """Return the values of a rule's needs; raises ``KeyError`` for one that could not be read."""

    def ask(rule_id: str, at: datetime) -> Verdict:
        other = next((one for one in rules if one.id == rule_id and one is not rule), None)
        return None if other is None else weigh(other, rules, known, request, at)

    return Needs({name: known[need] for name, need in rule.needs.items()}, ask)


def _deferred(
    rules: Sequence[ContactRule],
    known: Known,
    request: RuleRequest,
    blockers: tuple[Blocker, ...],
    unavailable: Sequence[str],
    failed: Failed,
) -> Decision:
    standing, until = blockers, None
    for _ in range(MOST_ROUNDS):
        ends = [blocker.until for blocker in standing if blocker.until is not None]
        if len(ends) < len(standing):
            until = None
            break
        until = max(ends)
        standing = _blockers(rules, known, request, until, unavailable, failed)
        if any(blocker.kind == "DENY" for blocker in standing):
            return _too_late(blockers, f"It could go on {_on(until)}, but then it is denied: {standing[0].reason}")
        if not standing:
            break
    else:
        until = None
    if until is not None and request.expires_at is not None and until >= request.expires_at:
        expiry = f"It could not go before {_on(until)}, and it is worth nothing from {_on(request.expires_at)} on."
        return _too_late(blockers, expiry)
    wake_on = None
    if until is None:
        wake_on = next((blocker.wake_on for blocker in standing if blocker.until is None), None)
    return Decision("DEFER", blockers[0].rule, until, wake_on, blockers)


def _too_late(blockers: tuple[Blocker, ...], reason: str) -> Decision:
    too_late = Blocker(EXPIRES_FIRST, CORE, "DENY", None, None, reason, ())
    return Decision("DENY", EXPIRES_FIRST, None, None, (*blockers, too_late))


def _blockers(
    rules: Sequence[ContactRule],
    known: Known,
    request: RuleRequest,
    at: datetime,
    unavailable: Sequence[str],
    failed: Failed,
) -> tuple[Blocker, ...]:
    found: list[tuple[tuple[int, str, str], Blocker]] = [
        ((UNAVAILABLE_NUMBER, plugin, ""), _missing(plugin)) for plugin in unavailable
    ]
    for rule in rules:
        try:
            verdict = weigh(rule, rules, known, request, at)
        except Exception as error:  # the boundary of plugins: whatever fails there stands in the way
            failed(RuleFailure(rule, error))
            found.append(((UNAVAILABLE_NUMBER, rule.owner, rule.id), _not_asked(rule)))
            continue
        if verdict is not None:
            found.append((rule.place, _blocker(rule, verdict)))
            if rule.number <= LAST_THAT_ENDS_ALL and rule.owner == CORE:
                break
    return tuple(blocker for _, blocker in sorted(found, key=lambda entry: entry[0]))


def _check(rule: ContactRule, verdict: object, at: datetime) -> None:
    if not isinstance(verdict, Deny | Defer):
        raise NoVerdict(rule.id, f"answered {type(verdict).__name__} where Deny, Defer or None belongs")
    if not isinstance(verdict.reason, str) or not verdict.reason:
        raise NoVerdict(rule.id, "gave no reason")
    if isinstance(verdict, Defer) and verdict.until is not None:
        if verdict.until.tzinfo is None:
            raise NoVerdict(rule.id, "gave an end without a time zone")
        if verdict.until <= at:
            raise NoVerdict(rule.id, "gave an end that has passed")


def _blocker(rule: ContactRule, verdict: Deny | Defer) -> Blocker:
    if isinstance(verdict, Deny):
        return Blocker(rule.id, rule.owner, "DENY", None, None, verdict.reason, tuple(verdict.evidence))
    return Blocker(
        rule.id, rule.owner, "DEFER", verdict.until, verdict.wake_on, verdict.reason, tuple(verdict.evidence)
    )


def _not_asked(rule: ContactRule) -> Blocker:
    reason = f"The rule {rule.id} of {rule.owner} could not be asked, so nothing is sent until it can."
    return Blocker(UNAVAILABLE, rule.owner, "DEFER", None, PLUGIN_RECOVERED, reason, ())


def _missing(plugin: str) -> Blocker:
    reason = f"The plugin {plugin} may have rules and does not work for now, so nothing is sent until it does."
    return Blocker(UNAVAILABLE, plugin, "DEFER", None, PLUGIN_RECOVERED, reason, ())


def _on(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d at %H:%M} UTC"
