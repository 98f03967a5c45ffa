"""The kinds of suppression, and what each keeps from happening."""

from collections.abc import Mapping

from regulars.errors import UnknownValue

__all__ = ["ERASED", "KINDS", "NO_LINK", "NO_SCORING", "check_kind"]

ERASED = "erased"
NO_SCORING = "no_scoring"
NO_LINK = "no_link"

KINDS: Mapping[str, str] = {
    "hard_bounce": "mail to the address comes back for good",
    "reassigned": "the number belongs to somebody else by now",
    "complaint": "somebody complained about what we sent",
    "dnc_registry": "the number is in a do-not-call registry",
    ERASED: "their data was erased on request; it must not come back by an import",
    NO_SCORING: "no score or guess is to be made",
    NO_LINK: "the account is not to be connected with anybody",
}
"""What each kind says."""


def check_kind(kind: str) -> str:
    """Return the kind; raise ``UnknownValue`` for one that does not exist."""
    if kind not in KINDS:
        raise UnknownValue("kind of suppression", kind, KINDS, path=("kind",))
    return kind
