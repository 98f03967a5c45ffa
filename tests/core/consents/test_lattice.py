from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from regulars.consents.lattice import ConsentAnswer, ConsentPolicy, Question, consent_answer
from regulars.consents.ledger import LedgerEntry, Merge, MergeHistory
from regulars.consents.scopes import Scope
from regulars.tables import new_id

ANNA, BERTA, CARLA, DORA = (UUID(int=number) for number in range(1, 5))
JAN, FEB, MAR = (datetime(2026, month, 10, 10, tzinfo=UTC) for month in (1, 2, 3))
ASKED = datetime(2026, 4, 3, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ACME = "partner:acme"
N3_RETIRED = ConsentPolicy(retired_notices=frozenset({"n3"}))
ALL_BASES = ConsentPolicy(allowed_bases=frozenset({"express", "express_written", "soft_opt_in", "implied"}))


def grant(purpose: str = "marketing.own", channel: str = "email", topic: str = "*", **details: Any) -> LedgerEntry:
    given: dict[str, Any] = {"id": new_id(), "profile_id": ANNA, "at": JAN} | details
    return LedgerEntry(action="grant", scope=Scope(purpose, channel, topic), **({"recorded_at": given["at"]} | given))


def withdrawal(purpose: str = "marketing", channel: str = "email", topic: str = "*", **details: Any) -> LedgerEntry:
    return replace(grant(purpose, channel, topic, **({"at": FEB} | details)), action="withdraw")


def answer(
    entries: list[LedgerEntry],
    purpose: str = "marketing.own",
    channel: str = "email",
    topic: str = "*",
    *,
    valid_at: datetime = ASKED,
    known_at: datetime = ASKED,
    sender: str = "self",
    policy: ConsentPolicy | None = None,
    merges: MergeHistory | None = None,
) -> ConsentAnswer:
    question = Question(Scope(purpose, channel, topic), valid_at=valid_at, known_at=known_at, sender=sender)
    return consent_answer(entries, question, policy=policy or ConsentPolicy(), merges=merges or MergeHistory())


def case(title: str, rule: str, *entries: LedgerEntry, **asked: Any) -> Any:
    return pytest.param(list(entries), asked, rule, id=title)


COVERING = [
    case("nothing is no consent", "no_consent"),
    case("an equal grant", "allowed", grant()),
    case("another channel", "no_consent", grant(), channel="sms"),
    case("any channel", "allowed", grant(channel="*"), channel="sms"),
    case("another purpose", "no_consent", grant(), purpose="research.nps"),
    case("a parent purpose covers", "allowed", grant("marketing")),
    case("a child purpose does not", "no_consent", grant("marketing.own.similar")),
    case("a name that only begins alike does not", "no_consent", grant("marketing.o")),
    case("any purpose covers", "allowed", grant("*")),
    case("a parent topic covers", "allowed", grant(topic="books"), topic="books.tartt"),
    case("a child topic does not", "no_consent", grant(topic="books.tartt"), topic="books"),
    case("one topic is not all", "no_consent", grant(topic="books")),
    case("a grant of tomorrow", "no_consent", grant(at=ASKED + SECOND, recorded_at=JAN)),
    case("a grant of this moment", "allowed", grant(at=ASKED)),
    case("a grant learned of later", "no_consent", grant(recorded_at=ASKED + SECOND)),
    case("a grant known before it holds", "no_consent", grant(at=FEB, recorded_at=JAN), valid_at=JAN),
]

FAULTS = [
    case("without evidence", "consent_unproven", grant(is_proven=False)),
    case("double opt-in pending", "consent_unconfirmed", grant(needs_confirmation=True)),
    case("double opt-in completed", "allowed", grant(needs_confirmation=True, confirmed_at=FEB)),
    case(
        "not yet completed then",
        "consent_unconfirmed",
        grant(needs_confirmation=True, confirmed_at=FEB),
        valid_at=FEB - SECOND,
    ),
    case("expired", "consent_expired", grant(expires_at=FEB)),
    case("expires at this moment", "consent_expired", grant(expires_at=ASKED)),
    case("expires in a second", "allowed", grant(expires_at=ASKED + SECOND)),
    case("notice retired", "reconsent_required", grant(notice_version="n3"), policy=N3_RETIRED),
    case("another notice retired", "allowed", grant(notice_version="n4"), policy=N3_RETIRED),
    case("soft opt-in is off", "no_consent", grant(basis="soft_opt_in")),
    case("soft opt-in is on", "allowed", grant(basis="soft_opt_in"), policy=ALL_BASES),
    case("unproven beside a valid one", "allowed", grant(), grant(is_proven=False, at=FEB)),
    case("unconfirmed beside a valid one", "allowed", grant(), grant(needs_confirmation=True, at=FEB)),
    case("expired beside a valid one", "allowed", grant(), grant(expires_at=MAR, at=FEB)),
    case("retired beside a valid one", "allowed", grant(), grant(notice_version="n3", at=FEB), policy=N3_RETIRED),
]

WITHDRAWALS = [
    case("a later withdrawal", "withdrawn", grant(), withdrawal()),
    case("of another channel", "allowed", grant(channel="*"), withdrawal(channel="sms")),
    case("of this channel only", "withdrawn", grant(channel="*"), withdrawal(channel="sms"), channel="sms"),
    case("of another topic", "allowed", grant(), withdrawal(topic="books"), topic="music"),
    case("of a parent topic", "withdrawn", grant(), withdrawal(topic="books"), topic="books.tartt"),
    case("of a child topic", "allowed", grant(), withdrawal(topic="books.tartt"), topic="books"),
    case("of a child purpose", "allowed", grant(), withdrawal("marketing.own.similar")),
    case("without any grant", "withdrawn", withdrawal()),
    case("of tomorrow", "allowed", grant(), withdrawal(at=ASKED + SECOND, recorded_at=JAN)),
    case("learned of tomorrow", "allowed", grant(), withdrawal(recorded_at=ASKED + SECOND)),
    case("granted again", "allowed", grant(), withdrawal(), grant(at=MAR)),
    case("granted at the same moment", "withdrawn", withdrawal(), grant(at=FEB)),
    case("granted a microsecond later", "allowed", withdrawal(), grant(at=FEB + timedelta(microseconds=1))),
    case("granted again, wider in channel", "withdrawn", withdrawal(), grant(channel="*", at=MAR)),
    case("granted again, wider in purpose", "withdrawn", withdrawal("marketing.own"), grant("marketing", at=MAR)),
    case("granted again, wider in topic", "withdrawn", withdrawal(topic="books"), grant(at=MAR), topic="books"),
    case("granted again, crossing", "withdrawn", withdrawal(topic="books", channel="*"), grant(at=MAR), topic="books"),
    case(
        "granted again, narrower",
        "allowed",
        withdrawal(channel="*", topic="books"),
        grant(topic="books", at=MAR),
        topic="books",
    ),
    case(
        "a narrower yes opens only itself",
        "withdrawn",
        grant(),
        withdrawal(),
        grant(topic="books", at=MAR),
        topic="music",
    ),
    case("granted again by staff", "withdrawn", grant(), withdrawal(), grant(at=MAR, origin="staff")),
    case("granted again by an import", "withdrawn", grant(), withdrawal(), grant(at=MAR, origin="import")),
    case(
        "granted again by soft opt-in", "withdrawn", withdrawal(), grant(at=MAR, basis="soft_opt_in"), policy=ALL_BASES
    ),
    case("granted again by implication", "withdrawn", withdrawal(), grant(at=MAR, basis="implied"), policy=ALL_BASES),
    case("granted again in writing", "allowed", withdrawal(), grant(at=MAR, basis="express_written")),
    case("granted again without evidence", "withdrawn", withdrawal(), grant(at=MAR, is_proven=False)),
    case("granted again until yesterday", "withdrawn", grant(), withdrawal(), grant(at=MAR, expires_at=ASKED)),
    case("granted before, confirmed after", "allowed", withdrawal(), grant(needs_confirmation=True, confirmed_at=MAR)),
    case(
        "granted after, confirmed before asked",
        "withdrawn",
        withdrawal(at=MAR),
        grant(needs_confirmation=True, at=JAN, confirmed_at=FEB),
    ),
    case(
        "two withdrawals, one lifted",
        "withdrawn",
        withdrawal(),
        withdrawal(topic="books"),
        grant(topic="books", at=MAR),
        withdrawal("*", topic="books", at=MAR + SECOND),
        topic="books",
    ),
]

GLOBAL = [
    case("marketing is stopped", "global_opt_out", grant(), withdrawal(channel="*")),
    case("everything is stopped", "global_opt_out", grant(), withdrawal("*", "*")),
    case("research is not marketing", "withdrawn", grant("research"), withdrawal("research", "*"), purpose="research"),
    case("own marketing alone", "withdrawn", grant(), withdrawal("marketing.own", "*")),
    case("one topic everywhere", "withdrawn", grant(), withdrawal(channel="*", topic="books"), topic="books"),
    case("granted again, unconfirmed", "global_opt_out", withdrawal("*", "*"), grant(at=MAR)),
    case("granted again in an up session", "allowed", withdrawal("*", "*"), grant(at=MAR, is_up_session=True)),
    case(
        "granted again, double opt-in",
        "allowed",
        withdrawal("*", "*"),
        grant(at=MAR, needs_confirmation=True, confirmed_at=MAR + SECOND),
    ),
    case(
        "opens only what was confirmed",
        "global_opt_out",
        withdrawal(channel="*"),
        grant(topic="books", at=MAR, is_up_session=True),
        topic="music",
    ),
    case(
        "staff in a session", "global_opt_out", withdrawal("*", "*"), grant(at=MAR, is_up_session=True, origin="staff")
    ),
    case("before a partner's rule", "global_opt_out", withdrawal("*", "*"), purpose="sharing.partner", sender=ACME),
]

PARTNERS = [
    case("own grant, partner's message", "partner_not_opted_in", grant(), sender=ACME),
    case("everything, but no name", "partner_not_opted_in", grant("*", "*"), purpose="sharing.partner", sender=ACME),
    case(
        "the partner by name",
        "allowed",
        grant("sharing.partner", recipient=ACME),
        purpose="sharing.partner",
        sender=ACME,
    ),
    case(
        "another partner",
        "partner_not_opted_in",
        grant("sharing.partner", recipient=ACME),
        purpose="sharing.partner",
        sender="partner:acme.de",
    ),
    case("sharing with nobody named", "partner_not_opted_in", grant("sharing", recipient=ACME), purpose="sharing"),
    case("a partner's grant is not ours", "no_consent", grant(recipient=ACME)),
    case(
        "withdrawn from one partner",
        "withdrawn",
        grant("sharing", recipient=ACME),
        withdrawal("sharing", "*", recipient=ACME),
        purpose="sharing",
        sender=ACME,
    ),
    case(
        "withdrawn from another partner",
        "allowed",
        grant("sharing", recipient=ACME),
        withdrawal("sharing", "*", recipient="partner:bolt"),
        purpose="sharing",
        sender=ACME,
    ),
    case(
        "withdrawn from all partners",
        "withdrawn",
        grant("sharing", recipient=ACME),
        withdrawal("sharing", "*"),
        purpose="sharing",
        sender=ACME,
    ),
    case(
        "what one partner lost altogether, a later yes to them gives back",
        "allowed",
        withdrawal("*", "*", recipient=ACME),
        grant("sharing", at=MAR, recipient=ACME),
        purpose="sharing",
        sender=ACME,
    ),
    case("withdrawn from a partner, our own stays", "allowed", grant(), withdrawal("*", "*", recipient=ACME)),
]

CASES = [*COVERING, *FAULTS, *WITHDRAWALS, *GLOBAL, *PARTNERS]


@pytest.mark.parametrize(("entries", "asked", "rule"), CASES)
def test_the_ledger_gives_the_answer(entries: list[LedgerEntry], asked: dict[str, Any], rule: str) -> None:
    assert answer(entries, **asked).rule == rule


@pytest.mark.parametrize(("entries", "asked", "rule"), CASES)
def test_the_order_of_the_entries_does_not_matter(entries: list[LedgerEntry], asked: dict[str, Any], rule: str) -> None:
    assert answer(entries[::-1], **asked) == answer(entries, **asked)


ONE_MERGE = MergeHistory((Merge(ANNA, BERTA, MAR),))

MERGES = [
    case(
        "the other's later grant does not lift it",
        "withdrawn",
        withdrawal(),
        grant(at=FEB + SECOND, profile_id=BERTA),
        merges=ONE_MERGE,
    ),
    case(
        "nor the survivor's later grant the other's withdrawal",
        "withdrawn",
        withdrawal(profile_id=BERTA),
        grant(at=FEB + SECOND),
        merges=ONE_MERGE,
    ),
    case(
        "nor a grant at the moment of the merge",
        "withdrawn",
        withdrawal(),
        grant(at=MAR, profile_id=BERTA),
        merges=ONE_MERGE,
    ),
    case(
        "a grant after the merge lifts it",
        "allowed",
        withdrawal(),
        grant(at=MAR + SECOND, profile_id=BERTA),
        merges=ONE_MERGE,
    ),
    case(
        "a withdrawal after the merge counts from itself",
        "withdrawn",
        grant(profile_id=BERTA, at=MAR + SECOND),
        withdrawal(at=MAR + 2 * SECOND),
        merges=ONE_MERGE,
    ),
    case(
        "and is lifted after itself",
        "allowed",
        withdrawal(at=MAR + SECOND),
        grant(profile_id=BERTA, at=MAR + 2 * SECOND),
        merges=ONE_MERGE,
    ),
    case(
        "the same profile's later grant lifts its own",
        "allowed",
        withdrawal(),
        grant(at=FEB + SECOND),
        merges=ONE_MERGE,
    ),
    case(
        "no merge joins them: it stays shut",
        "withdrawn",
        withdrawal(),
        grant(at=MAR + SECOND, profile_id=BERTA),
        merges=MergeHistory(),
    ),
]


@pytest.mark.parametrize(("entries", "asked", "rule"), MERGES)
def test_a_merge_never_widens_consent(entries: list[LedgerEntry], asked: dict[str, Any], rule: str) -> None:
    assert answer(entries, **asked).rule == rule


def test_profiles_are_one_customer_since_the_last_merge_between_them() -> None:
    history = MergeHistory((Merge(ANNA, BERTA, JAN), Merge(ANNA, CARLA, FEB), Merge(DORA, ANNA, MAR)))

    assert history.joined_at(BERTA, ANNA) == JAN
    assert history.joined_at(BERTA, CARLA) == FEB
    assert history.joined_at(CARLA, BERTA) == FEB
    assert history.joined_at(BERTA, DORA) == MAR
    assert history.joined_at(ANNA, new_id()) is None


def test_merges_told_out_of_order_join_profiles_no_earlier_than_the_last_of_them() -> None:
    history = MergeHistory((Merge(ANNA, BERTA, MAR), Merge(DORA, ANNA, JAN)))

    assert history.joined_at(BERTA, DORA) == MAR
