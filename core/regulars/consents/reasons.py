"""Say in one sentence why a customer consents or does not."""

from datetime import datetime

from regulars.consents.ledger import LedgerEntry
from regulars.consents.scopes import Scope

__all__ = ["reason_of"]


def reason_of(rule: str, asked: Scope, entry: LedgerEntry | None, sender: str) -> str:
    """Return a sentence for the rule that decided, with the times of the entry that it rests on."""
    if entry is None:
        partner = "any partner by name" if sender == "self" else sender
        return f"Nobody has granted {asked}{f' to {partner}' if rule == 'partner_not_opted_in' else ''}."
    made = f"{entry.scope}{f' to {entry.recipient}' if entry.recipient else ''}, given {_when(entry)},"
    match rule:
        case "allowed":
            under = f" under notice {entry.notice_version}" if entry.notice_version else ""
            return f"Granted: {made[:-1]}{under}."
        case "withdrawn" | "global_opt_out":
            lifted_by = "a later, confirmed act" if rule == "global_opt_out" else "a later act"
            return f"Withdrawn: {entry.scope}, {_when(entry)}. Only {lifted_by} of the customer inside it lifts that."
        case "consent_unproven":
            return f"The grant of {made} has no evidence."
        case "consent_unconfirmed":
            return f"The grant of {made} waits for the customer's confirmation."
        case "consent_expired":
            return f"The grant of {made} expired {_on(entry.expires_at)}."
        case "reconsent_required":
            return f"The grant of {made} was under notice {entry.notice_version}, which is retired. Ask again."
        case _:
            raise AssertionError(rule)


def _when(entry: LedgerEntry) -> str:
    recorded = "" if entry.recorded_at == entry.at else f", recorded {_on(entry.recorded_at)}"
    confirmed = "" if entry.confirmed_at is None else f", confirmed {_on(entry.confirmed_at)}"
    return f"{_on(entry.at)}{confirmed}{recorded}"


def _on(moment: datetime | None) -> str:
    assert moment is not None
    return f"on {moment:%Y-%m-%d at %H:%M} UTC"
