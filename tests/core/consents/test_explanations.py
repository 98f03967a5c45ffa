from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from regulars.consents.lattice import ConsentAnswer, Question, consent_answer
from regulars.consents.ledger import LedgerEntry
from regulars.consents.scopes import Scope
from regulars.tables import new_id

JAN, FEB, ASKED = (datetime(2026, month, 10, 10, tzinfo=UTC) for month in (1, 2, 4))


def grant(purpose: str = "marketing.own", channel: str = "email", topic: str = "*", **details: Any) -> LedgerEntry:
    given: dict[str, Any] = {"id": new_id(), "profile_id": UUID(int=1), "at": JAN} | details
    return LedgerEntry(action="grant", scope=Scope(purpose, channel, topic), **({"recorded_at": given["at"]} | given))


def withdrawal(purpose: str = "marketing", channel: str = "email", topic: str = "*", **details: Any) -> LedgerEntry:
    return replace(grant(purpose, channel, topic, **({"at": FEB} | details)), action="withdraw")


def answer(entries: list[LedgerEntry], purpose: str = "marketing.own", *, sender: str = "self") -> ConsentAnswer:
    return consent_answer(entries, Question(Scope(purpose, "email"), valid_at=ASKED, known_at=ASKED, sender=sender))


def test_every_rule_that_stands_against_it_is_told_in_the_order_of_the_rules() -> None:
    entries = [
        grant(is_proven=False, needs_confirmation=True, expires_at=FEB),
        withdrawal("*", "*"),
        withdrawal(),
    ]

    found = answer(entries)

    assert [block.rule for block in found.blocks] == [
        "global_opt_out",
        "withdrawn",
        "consent_unproven",
        "consent_unconfirmed",
        "consent_expired",
    ]
    assert (found.status, found.rule, found.entry) == ("withdrawn", "global_opt_out", entries[1])


def test_a_withdrawal_is_the_answer_where_a_partner_is_missing_too() -> None:
    found = answer([withdrawal("sharing")], "sharing", sender="partner:acme")

    assert [block.rule for block in found.blocks] == ["partner_not_opted_in", "withdrawn"]
    assert (found.status, found.rule) == ("withdrawn", "withdrawn")


@pytest.mark.parametrize(
    ("entries", "status", "reason"),
    [
        (
            [grant(notice_version="n2")],
            "granted",
            "Granted: marketing.own by email, given on 2026-01-10 at 10:00 UTC under notice n2.",
        ),
        (
            [grant(at=JAN, recorded_at=FEB)],
            "granted",
            "Granted: marketing.own by email, given on 2026-01-10 at 10:00 UTC, recorded on 2026-02-10 at 10:00 UTC.",
        ),
        (
            [grant(), withdrawal("*", "*")],
            "withdrawn",
            "Withdrawn: everything by any channel, on 2026-02-10 at 10:00 UTC."
            " Only a later, confirmed act of the customer inside it lifts that.",
        ),
        (
            [grant(), withdrawal(topic="*")],
            "withdrawn",
            "Withdrawn: marketing by email, on 2026-02-10 at 10:00 UTC."
            " Only a later act of the customer inside it lifts that.",
        ),
        ([], "none", "Nobody has granted marketing.own by email."),
        (
            [grant(expires_at=FEB)],
            "none",
            "The grant of marketing.own by email, given on 2026-01-10 at 10:00 UTC,"
            " expired on 2026-02-10 at 10:00 UTC.",
        ),
        (
            [grant(needs_confirmation=True)],
            "none",
            "The grant of marketing.own by email, given on 2026-01-10 at 10:00 UTC,"
            " waits for the customer's confirmation.",
        ),
        (
            [grant(is_proven=False)],
            "none",
            "The grant of marketing.own by email, given on 2026-01-10 at 10:00 UTC, has no evidence.",
        ),
    ],
)
def test_the_answer_explains_itself_in_a_sentence(entries: list[LedgerEntry], status: str, reason: str) -> None:
    found = answer(entries)

    assert (found.status, found.reason) == (status, reason)
    assert found.entry == (entries[-1] if entries else None)


def test_an_unlifted_grant_in_writing_can_still_be_found_behind_a_withdrawal() -> None:
    written = grant(basis="express_written")

    found = answer([written, withdrawal()])

    assert found.status == "withdrawn"
    assert found.grants == (written,)
