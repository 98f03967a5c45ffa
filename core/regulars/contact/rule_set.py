"""The rules of one moment: the core's and those of the enabled plugins, in their order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from regulars.contact.address_rules import ADDRESS_RULES
from regulars.contact.consent_rules import CONSENT_RULES
from regulars.contact.person_rules import PERSON_RULES
from regulars.contact.policies import POLICY
from regulars.contact.questioning import LONGEST_DECISION_S
from regulars.contact.readings import NeedsReader
from regulars.contact.rules import ContactRule
from regulars.contact.sharing_rules import SHARING_RULES
from regulars.contact.zones import ZONES
from regulars.plugins.calling.watchdog import Watchdog

__all__ = ["CORE_RULES", "Applicable", "ContactRules", "Report"]

CORE_RULES: tuple[ContactRule, ...] = (*PERSON_RULES, *ADDRESS_RULES, *CONSENT_RULES, *SHARING_RULES)

DEFERRED_WITHOUT_RULES = ("followup", "marketing", "research")
"""The classes that wait while rules are missing; the others must get through."""

Report = Callable[[str, Exception | None], None]
"""Takes note that the rules of a plugin failed: (plugin's id, error)."""


@dataclass(frozen=True)
class Applicable:
    """The rules for one class of contact, in their order, and the plugins whose rules are missing."""

    rules: tuple[ContactRule, ...]
    unavailable: tuple[str, ...]
    reader: NeedsReader


def _report_nothing(_owner: str, _error: Exception | None) -> None:
    """Take no note."""


def _never(_owner: str) -> bool:
    """Let every plugin's rules be asked."""
    return False


def _note_nothing(_owner: str) -> None:
    """Take no note."""


@dataclass(frozen=True)
class ContactRules:
    """All rules, and the plugins that are wanted and may have more, but do not work for now.

    ``is_resting`` tells of a plugin whose rules failed so often that they are not asked for a while, ``went_well`` is
    told of those that did not fail, and ``watchdog`` ends a rule that never comes to an end.
    """

    of_plugins: tuple[ContactRule, ...] = ()
    unavailable: tuple[str, ...] = ()
    report: Report = _report_nothing
    is_resting: Callable[[str], bool] = _never
    went_well: Callable[[str], None] = _note_nothing
    watchdog: Watchdog = field(default_factory=lambda: Watchdog(limit_s=LONGEST_DECISION_S))

    def report_filters(self, error: Exception) -> None:
        """Take note that a filter failed, of one of the plugins that have any; nobody can tell whose."""
        for owner in sorted({rule.owner for rule in self.of_plugins if rule.prefilter is not None}):
            self.report(owner, error)

    @property
    def all(self) -> Sequence[ContactRule]:
        """Return every rule in its order."""
        return sorted((*CORE_RULES, *self.of_plugins), key=lambda rule: rule.place)

    def of_class(self, contact_class: str) -> Applicable:
        """Return what applies to a class of contact at this moment."""
        resting = frozenset(owner for owner in self._owners if self.is_resting(owner))
        if (contact_class, resting) not in self._known:
            self._known[contact_class, resting] = self._applicable(contact_class, resting)
        return self._known[contact_class, resting]

    @cached_property
    def _owners(self) -> Sequence[str]:
        return sorted({rule.owner for rule in self.of_plugins})

    @cached_property
    def _known(self) -> dict[tuple[str, frozenset[str]], Applicable]:
        return {}

    def _applicable(self, contact_class: str, resting: frozenset[str]) -> Applicable:
        of_class = [rule for rule in self.all if contact_class in rule.classes]
        rules = tuple(rule for rule in of_class if rule.owner not in resting)
        missing = {*self.unavailable, *(rule.owner for rule in of_class if rule.owner in resting)}
        unavailable = tuple(sorted(missing)) if contact_class in DEFERRED_WITHOUT_RULES else ()
        return Applicable(rules, unavailable, NeedsReader(rules, core_needs=[ZONES, POLICY]))
