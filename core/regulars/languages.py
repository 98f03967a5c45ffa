"""Choose the language in which a customer is answered. Pure."""

import re
from collections.abc import Sequence

__all__ = ["direction_of", "fitting_language"]

PREFERENCE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")
LONGEST = 500
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


def fitting_language(*, asked: str | None, known: str | None, accepted: str, offered: Sequence[str]) -> str:
    """Return one of the offered languages, of which the first is the usual one.

    What the visitor ``asked`` for comes first, then the customer's own that is ``known``, then what the browser
    ``accepted`` in its header Accept-Language.
    """
    own = (known or "").partition("-")[0].lower()
    for wish in (asked, own, *_in_order(accepted)):
        if wish in offered:
            return str(wish)
    return offered[0]


def direction_of(language: str) -> str:
    """Return in which direction a language is written, as HTML says it: ``ltr`` or ``rtl``."""
    return "rtl" if language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def _in_order(accepted: str) -> Sequence[str]:
    """Return the languages of an Accept-Language header, the most wanted first."""
    found = [match for part in accepted[:LONGEST].split(",") if (match := PREFERENCE.fullmatch(part))]
    weighed = [(float(match[2] or 1), match[1].lower()) for match in found]
    return [language for weight, language in sorted(weighed, key=lambda one: -one[0]) if weight > 0]
