"""Ask plugins' rules within their time: one that hangs, or is too slow for many customers, is not asked any further."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from regulars.contact.requests import RuleRequest
from regulars.contact.rules import CORE, ContactRule, Decide, Needs, Verdict
from regulars.errors import RegularsError
from regulars.plugins.calling.watchdog import GuardedSteps, Interrupted, Watchdog

__all__ = ["LONGEST_DECISION_S", "RuleOverran", "patient_rules", "seconds_for"]

LONGEST_DECISION_S = 0.5
"""How long a rule may compute about one customer, in seconds of the processor."""

SECONDS_FOR_ALL, SECONDS_FOR_EACH = 0.5, 2.0 / 10_000


class RuleOverran(RegularsError):
    """A rule took longer than it may, so it is not asked about anybody else of the same question."""

    def __init__(self, rule: str, allowed_s: float) -> None:
        super().__init__(f"The rule {rule} did not decide within {allowed_s:g} seconds.")


def seconds_for(count: int) -> float:
    """Return how many seconds a plugin's rule may take to decide about so many customers."""
    return SECONDS_FOR_ALL + count * SECONDS_FOR_EACH


@contextmanager
def patient_rules(rules: Sequence[ContactRule], *, watchdog: Watchdog, count: int) -> Iterator[list[ContactRule]]:
    """Give the rules in a form in which those of plugins raise ``RuleOverran`` instead of going on for too long."""
    if all(rule.owner == CORE for rule in rules):
        yield list(rules)
        return
    with GuardedSteps(watchdog) as steps:
        allowed_s = seconds_for(count)
        yield [
            rule if rule.owner == CORE else replace(rule, decide=_in_time(rule, steps, watchdog.limit_s, allowed_s))
            for rule in rules
        ]


def _in_time(rule: ContactRule, steps: GuardedSteps, longest_s: float, allowed_s: float) -> Decide:
    spent_s = 0.0
    overran: RuleOverran | None = None

    def decide(needs: Needs, request: RuleRequest, at: datetime) -> Verdict:
        nonlocal spent_s, overran
        if overran is not None:
            raise overran
        began = _processor_seconds()
        try:
            return steps.run(lambda: rule.decide(needs, request, at))
        except Interrupted:
            overran = RuleOverran(rule.id, longest_s)
            raise overran from None
        finally:
            spent_s += _processor_seconds() - began
            if spent_s > allowed_s:
                overran = RuleOverran(rule.id, allowed_s)

    return decide


_processor_seconds: Callable[[], float] = time.thread_time
