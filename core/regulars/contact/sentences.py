"""Say a decision in plain sentences, as to a colleague."""

from collections.abc import Iterator
from datetime import datetime

from regulars.contact.memory import Decided
from regulars.contact.verdicts import Blocker

__all__ = ["told_in_sentences"]


def told_in_sentences(decided: Decided) -> Iterator[str]:
    """Yield the answer first, then each thing that stands in the way with its own end, then what it rests on."""
    decision, request = decided.decision, decided.request
    about = "" if request.topic == "*" else f" about {request.topic}"
    contact = f"a {request.contact_class} contact by {request.channel}{about} for {request.purpose}"
    match decision.outcome:
        case "ALLOW":
            yield f"Yes: {contact} may go now."
        case "DENY":
            yield f"No: {contact} must not go, and waiting does not help."
        case _ if decision.until is None:
            event = f" It may change with the event {decision.wake_on}." if decision.wake_on else ""
            yield f"Not now: {contact} has to wait, and nobody knows until when.{event}"
        case _:
            yield f"Not now: {contact} may go from {_moment(decision.until)} on, if nothing else changes."
    for blocker in decision.blockers:
        yield f"  - {blocker.reason} {_end(blocker)}"
    if decided.is_zone_assumed:
        yield f"The customer's time zone is not known; {request.policy.default_tz} was assumed."
    yield f"Decided under policy {request.policy.version}."


def _end(blocker: Blocker) -> str:
    whose = blocker.rule if blocker.owner == "core" else f"{blocker.rule} of {blocker.owner}"
    if blocker.kind == "DENY":
        return f"({whose})"
    until = "without a known end" if blocker.until is None else f"until {_moment(blocker.until)}"
    return f"({whose}, {until})"


def _moment(moment: datetime) -> str:
    return f"{moment:%A, %d %B %Y at %H:%M} UTC"
