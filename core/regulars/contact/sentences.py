"""Say a decision in plain sentences, as to a colleague who plans a campaign."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from regulars.contact.memory import Decided
from regulars.contact.verdicts import Blocker
from regulars.contact.zones import ZONES

__all__ = ["told_in_sentences"]

CLASS_WORDS = {
    "legal": "A legal notice",
    "transactional": "A message about what they bought",
    "service": "A service message",
    "followup": "A follow-up on their case",
    "marketing": "Marketing",
    "research": "A survey",
}

CHANNEL_WORDS = {"email": "e-mail", "sms": "text message", "voice": "phone", "push": "push message", "post": "letter"}

WHAT_HELPS = {
    "unknown_customer": "Check the id or the address.",
    "restricted": "Ask whoever answers privacy requests whether the restriction still stands.",
    "address_suppressed": "Ask the customer for another address.",
    "number_reassigned": "Ask the customer for their new number.",
    "address_unverified": "Let the customer confirm the address.",
    "global_opt_out": "Only the customer can change that, in their preferences.",
    "withdrawn": "Only the customer can change that, in their preferences.",
    "complaint": "Do not write again unless they ask you to.",
    "minor": "Ask a guardian first.",
    "partner_not_opted_in": "Ask the customer first, naming the partner.",
    "no_consent": "Ask them first, at the checkout or on the page of their preferences.",
    "consent_unproven": "Find the evidence, or ask the customer again.",
    "consent_unconfirmed": "Send them the confirmation again.",
    "consent_expired": "Ask the customer again.",
    "reconsent_required": "Ask the customer again, with the notice that is in use.",
    "rule_unavailable": "Whoever runs Regulars sees the plugin's problem in `regulars plugin list`.",
}


def told_in_sentences(decided: Decided) -> Iterator[str]:
    """Yield the answer, then each thing that stands in the way, its own end and what helps, then what it rests on."""
    decision, request = decided.decision, decided.request
    about = "" if request.topic == "*" else f" about {request.topic}"
    by = CHANNEL_WORDS.get(request.channel, request.channel)
    contact = f"{CLASS_WORDS.get(request.contact_class, request.contact_class)}{about} by {by}"
    match decision.outcome:
        case "ALLOW":
            yield f"Yes. {contact} may go to this customer now."
        case "DENY":
            yield f"No. {contact} must not go to this customer, and waiting does not help."
        case _ if decision.until is None:
            event = f" The event {decision.wake_on} may change it." if decision.wake_on else ""
            yield f"Not now. {contact} has to wait, and nobody knows until when.{event}"
        case _:
            yield f"Not now. {contact} may go {_from(decision.until, decided)}, if nothing else changes."
    if decision.blockers:
        yield "What stands in the way:"
    for blocker in decision.blockers:
        yield f"  - {blocker.reason}{_end(blocker, decided)}"
        if blocker.kind == "DENY" and blocker.rule in WHAT_HELPS:
            yield f"    {WHAT_HELPS[blocker.rule]}"
    if decided.is_zone_assumed and decision.outcome == "DEFER":
        yield f"Nobody knows the customer's time zone; the company's, {request.policy.default_tz}, was assumed."
    rules = ", ".join(_named(blocker) for blocker in decision.blockers) or "none"
    purpose = "" if request.purpose == request.contact_class else f" for {request.purpose}"
    yield f"Decided{purpose} under policy {request.policy.version}. Rules in the way: {rules}."


def _named(blocker: Blocker) -> str:
    return blocker.rule if blocker.owner == "core" else f"{blocker.rule} of {blocker.owner}"


def _end(blocker: Blocker, decided: Decided) -> str:
    if blocker.kind == "DENY":
        return ""
    if blocker.until is not None:
        return f" This ends {_moment(blocker.until, decided)}."
    return " Nobody knows when this ends."


def _from(moment: datetime, decided: Decided) -> str:
    return f"from {_moment(moment, decided)} on, which is {_away(moment - decided.request.now)} from now"


def _moment(moment: datetime, decided: Decided) -> str:
    """Say a moment by the customer's clock where there is one, and by that of everybody."""
    names = decided.known[ZONES].names
    universal = f"{moment:%A, %d %B %Y at %H:%M} UTC"
    if len(names) != 1 or names[0] == "UTC":
        return universal
    local = moment.astimezone(ZoneInfo(names[0]))
    return f"{local:%A, %d %B %Y at %H:%M} where the customer is ({moment:%H:%M} UTC)"


def _away(span: timedelta) -> str:
    minutes = max(round(span.total_seconds() / 60), 1)
    for size, word in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
        if minutes >= 2 * size or size == 1:
            count = round(minutes / size)
            return f"about {count} {word}{'' if count == 1 else 's'}"
    raise AssertionError(span)
