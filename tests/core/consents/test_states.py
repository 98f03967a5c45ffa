from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from regulars.consents.ledger import LedgerEntry, MergeHistory
from regulars.consents.scopes import EVERYTHING, Scope
from regulars.consents.states import StandingConsent, standing_consents
from regulars.tables import new_id

ANNA = UUID(int=1)
JAN, FEB, MAR, JUNE, JULY = (datetime(2026, month, 10, 10, tzinfo=UTC) for month in (1, 2, 3, 6, 7))
EMAIL = Scope("marketing.own", "email")


def grant(scope: Scope = EMAIL, at: datetime = JAN, **details: Any) -> LedgerEntry:
    return LedgerEntry(
        id=new_id(), profile_id=ANNA, action="grant", scope=scope, at=at, **({"recorded_at": at} | details)
    )


def withdrawal(scope: Scope = EMAIL, at: datetime = FEB, **details: Any) -> LedgerEntry:
    return replace(grant(scope, at, **details), action="withdraw")


def standing(*entries: LedgerEntry, scope: Scope = EMAIL) -> StandingConsent:
    return standing_consents(entries, MergeHistory())[scope]


def test_an_empty_ledger_has_nothing_standing() -> None:
    assert standing_consents([], MergeHistory()) == {}


@pytest.mark.parametrize(
    ("entries", "status"),
    [
        ([grant()], "granted"),
        ([grant(recorded_at=FEB)], "granted"),
        ([grant(), withdrawal()], "withdrawn"),
        ([grant(), withdrawal(), grant(at=MAR)], "granted"),
        ([grant(), withdrawal(), grant(at=MAR, origin="import")], "withdrawn"),
        ([grant(needs_confirmation=True)], "pending"),
        ([grant(needs_confirmation=True), grant(needs_confirmation=True, at=FEB, confirmed_at=FEB)], "granted"),
        ([grant(expires_at=FEB), grant(Scope("research", "email"), MAR)], "expired"),
        ([grant(is_proven=False)], "none"),
        ([grant(basis="implied")], "none"),
        ([grant(recipient="partner:acme")], "none"),
    ],
)
def test_a_scope_has_the_status_that_the_rules_give_it(entries: list[LedgerEntry], status: str) -> None:
    assert standing(*entries).status == status


def test_a_wider_withdrawal_closes_the_narrower_scopes_too() -> None:
    stop = withdrawal(EVERYTHING)

    found = standing_consents([grant(), stop], MergeHistory())

    assert {scope: consent.status for scope, consent in found.items()} == {EMAIL: "withdrawn", EVERYTHING: "withdrawn"}
    assert (found[EMAIL].event_id, found[EMAIL].since) == (stop.id, FEB)


def test_a_narrower_withdrawal_leaves_the_wider_grant_and_stands_beside_it() -> None:
    books = replace(EMAIL, topic="books")

    found = standing_consents([grant(), withdrawal(books)], MergeHistory())

    assert {scope: consent.status for scope, consent in found.items()} == {EMAIL: "granted", books: "withdrawn"}


def test_a_confirmed_grant_stands_since_its_confirmation() -> None:
    assert standing(grant(needs_confirmation=True, confirmed_at=FEB)).since == FEB


def test_a_grant_that_expires_says_when() -> None:
    assert standing(grant(expires_at=JUNE)).expires_at == JUNE


def test_a_grant_does_not_end_while_another_goes_on() -> None:
    assert standing(grant(expires_at=JUNE), grant(at=FEB)).expires_at is None
    assert standing(grant(expires_at=JUNE), grant(at=FEB, expires_at=JULY)).expires_at == JULY


def test_a_grant_ends_when_the_one_that_lifted_a_withdrawal_ends() -> None:
    assert standing(grant(), withdrawal(), grant(at=MAR, expires_at=JUNE)).expires_at == JUNE


def test_sharing_stands_when_one_partner_is_allowed_and_the_reason_names_it() -> None:
    sharing = Scope("sharing", "email")
    entries = [
        grant(sharing, recipient="partner:acme"),
        grant(sharing, recipient="partner:bolt"),
        withdrawal(sharing, recipient="partner:acme"),
    ]

    found = standing(*entries, scope=sharing)

    assert found.status == "granted"
    assert "to partner:bolt" in found.reason


def test_sharing_withdrawn_from_the_only_partner_is_withdrawn() -> None:
    sharing = Scope("sharing", "email")

    found = standing(
        grant(sharing, recipient="partner:acme"), withdrawal(sharing, recipient="partner:acme"), scope=sharing
    )

    assert found.status == "withdrawn"
