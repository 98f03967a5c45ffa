"""The rules of one moment: the core's and those of the enabled plugins, in their order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from regulars.contact.address_rules import ADDRESS_RULES
from regulars.contact.consent_rules import CONSENT_RULES
from regulars.contact.person_rules import PERSON_RULES
from regulars.contact.policies import POLICY
from regulars.contact.readings import NeedsReader
from regulars.contact.requests import CLASSES
from regulars.contact.rules import ContactRule
from regulars.contact.sharing_rules import SHARING_RULES
from regulars.contact.zones import ZONES

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


@dataclass(frozen=True)
class ContactRules:
    """All rules, and the plugins that are wanted and may have more, but do not work for now."""

    of_plugins: tuple[ContactRule, ...] = ()
    unavailable: tuple[str, ...] = ()
    report: Report = _report_nothing

    def report_filters(self, error: Exception) -> None:
        """Take note that a filter failed, of one of the plugins that have any; nobody can tell whose."""
        for owner in sorted({rule.owner for rule in self.of_plugins if rule.prefilter is not None}):
            self.report(owner, error)

    @property
    def all(self) -> Sequence[ContactRule]:
        """Return every rule in its order."""
        return sorted((*CORE_RULES, *self.of_plugins), key=lambda rule: rule.place)

    def of_class(self, contact_class: str) -> Applicable:
        """Return what applies to a class of contact."""
        return self._by_class[contact_class]

    @cached_property
    def _by_class(self) -> Mapping[str, Applicable]:
        return {contact_class: self._applicable(contact_class) for contact_class in CLASSES}

    def _applicable(self, contact_class: str) -> Applicable:
        rules = tuple(rule for rule in self.all if contact_class in rule.classes)
        unavailable = self.unavailable if contact_class in DEFERRED_WITHOUT_RULES else ()
        return Applicable(rules, unavailable, NeedsReader(rules, core_needs=[ZONES, POLICY]))
