from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars.access.actors import ANONYMOUS, SYSTEM, Actor
from regulars.consents.changes import ConsentChange, allowed_transitions, ledger_row
from regulars.consents.models import ConsentEvent
from regulars.consents.registry import core_consent_registry
from regulars.errors import ExpectedError

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA = UUID(int=1)
STAFF = Actor("staff", id=UUID(int=2))
SHOP = Actor("service", id=UUID(int=3))


def row(purpose: str = "marketing.own", *, action: Any = "grant", actor: Actor = SYSTEM, **given: Any) -> ConsentEvent:
    usual: dict[str, Any] = {"channel": "email", "reason": "said so", "notice_version": "n1", "language": "en"}
    change = ConsentChange(ANNA, action, purpose, **(usual | given))
    made, _ = ledger_row(change, customer_id=ANNA, registry=core_consent_registry(), actor=actor, now=NOW)
    return made


REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("unknown purpose", {"purpose": "marketng"}, "UNKNOWN_VALUE", "purpose"),
    ("unknown channel", {"channel": "fax"}, "UNKNOWN_VALUE", "channel"),
    ("unknown basis", {"basis": "guess"}, "UNKNOWN_VALUE", "basis"),
    ("unknown origin", {"origin": "rumour"}, "UNKNOWN_VALUE", "origin"),
    ("unknown action", {"action": "revoke"}, "UNKNOWN_VALUE", "action"),
    ("a topic of another form", {"topic": "Books!"}, "INVALID", "topic"),
    ("no notice", {"notice_version": None}, "EVIDENCE_REQUIRED", "noticeVersion"),
    ("no language", {"language": None}, "EVIDENCE_REQUIRED", "language"),
    ("no partner", {"purpose": "sharing.partner"}, "EVIDENCE_REQUIRED", "recipient"),
    ("ourselves as partner", {"recipient": "self"}, "INVALID", "recipient"),
    ("no reason", {"reason": " "}, "INVALID", "reason"),
    ("of tomorrow", {"at": NOW + 25 * HOUR}, "OUT_OF_RANGE", "at"),
    ("without zone", {"at": NOW.replace(tzinfo=None)}, "INVALID", "at"),
    ("ends before it begins", {"expires_at": NOW}, "OUT_OF_RANGE", "expiresAt"),
    ("confirmed before it was made", {"confirmed_at": NOW - HOUR}, "OUT_OF_RANGE", "confirmedAt"),
    ("a digest of another form", {"text_sha256": "abc"}, "INVALID", "textSha256"),
    ("evidence that is no JSON", {"evidence": {"a": float("nan")}}, "INVALID", "evidence"),
    ("staff speaking for the customer", {"actor": STAFF, "origin": "customer"}, "INVALID", "origin"),
    ("staff in an up session", {"actor": STAFF, "session": "up"}, "INVALID", "session"),
    ("a withdrawal that ends", {"action": "withdraw", "expires_at": NOW + HOUR}, "INVALID", "expiresAt"),
    ("a withdrawal confirmed", {"action": "withdraw", "confirmed_at": NOW}, "INVALID", "confirmedAt"),
]


@pytest.mark.parametrize(("given", "code", "place"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_bad_input_is_refused_where_it_is_wrong(given: dict[str, Any], code: str, place: str) -> None:
    with pytest.raises(ExpectedError) as refusal:
        row(**given)

    assert (refusal.value.code, refusal.value.path) == (code, (place,))


@pytest.mark.parametrize("purpose", ["marketing", "marketing.own", "marketing.own.similar", "research.nps", "*"])
def test_parents_and_children_of_a_purpose_are_known(purpose: str) -> None:
    assert row(purpose).purpose == purpose


@pytest.mark.parametrize(
    ("actor", "given", "origin"),
    [
        (SYSTEM, {}, "customer"),
        (SHOP, {}, "customer"),
        (SHOP, {"origin": "import"}, "import"),
        (STAFF, {}, "staff"),
        (STAFF, {"origin": "import"}, "import"),
        (Actor("customer"), {"session": "up"}, "customer"),
    ],
)
def test_whose_act_it_was_follows_from_the_actor(actor: Actor, given: dict[str, Any], origin: str) -> None:
    assert row(actor=actor, **given).origin == origin


@pytest.mark.parametrize("actor", [Actor("customer"), ANONYMOUS])
def test_a_token_that_can_only_lower_does_not_grant(actor: Actor) -> None:
    with pytest.raises(ExpectedError) as refusal:
        row(actor=actor)

    assert refusal.value.code == "UP_SESSION_REQUIRED"


def test_a_time_a_little_ahead_counts_as_now() -> None:
    assert row(action="withdraw", at=NOW + 23 * HOUR).at == NOW


@pytest.mark.parametrize(
    ("status", "actor", "session", "allowed"),
    [
        ("none", SHOP, None, ("grant", "withdraw")),
        ("expired", STAFF, None, ("grant", "withdraw")),
        ("granted", STAFF, None, ("withdraw",)),
        ("pending", SHOP, None, ("withdraw",)),
        ("withdrawn", SHOP, None, ("grant",)),
        ("withdrawn", STAFF, None, ()),
        ("withdrawn", Actor("customer"), "up", ("grant",)),
        ("withdrawn", Actor("customer"), None, ()),
        ("none", Actor("customer"), None, ("withdraw",)),
        ("none", Actor("customer"), "up", ("grant", "withdraw")),
        ("none", ANONYMOUS, None, ("withdraw",)),
    ],
)
def test_only_what_the_write_accepts_is_offered(
    status: str, actor: Actor, session: Any, allowed: tuple[str, ...]
) -> None:
    assert allowed_transitions(status, actor=actor, session=session) == allowed
