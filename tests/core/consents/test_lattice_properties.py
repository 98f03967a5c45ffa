from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regulars.consents.lattice import Question, consent_answer
from regulars.consents.ledger import BASES, ORIGINS, LedgerEntry, Merge, MergeHistory
from regulars.consents.scopes import EVERYTHING, Scope

START = datetime(2026, 1, 1, tzinfo=UTC)
NEWEST = START + timedelta(days=100)
ASKED = START + timedelta(days=300)
ANNA, BERTA = UUID(int=1), UUID(int=2)

scopes = st.builds(
    Scope,
    st.sampled_from(["*", "marketing", "marketing.own", "marketing.own.similar", "research"]),
    st.sampled_from(["*", "email", "sms"]),
    st.sampled_from(["*", "books", "books.tartt"]),
)


def moments(first: datetime, last: datetime) -> st.SearchStrategy[datetime]:
    days = int((last - first) / timedelta(days=1))
    return st.integers(0, days).map(lambda day: first + timedelta(days=day))


def entries_until(last: datetime, *, first: datetime = START) -> st.SearchStrategy[list[LedgerEntry]]:
    entry = st.builds(
        LedgerEntry,
        id=st.uuids(),
        profile_id=st.sampled_from([ANNA, BERTA]),
        action=st.sampled_from(["grant", "withdraw"]),
        scope=scopes,
        at=moments(first, last),
        recorded_at=moments(first, last),
        expires_at=st.none() | moments(first, ASKED + timedelta(days=9)),
        origin=st.sampled_from(ORIGINS),
        basis=st.sampled_from(BASES),
        recipient=st.none() | st.just("partner:acme"),
        is_up_session=st.booleans(),
        needs_confirmation=st.booleans(),
        confirmed_at=st.none() | moments(first, last),
        is_proven=st.booleans(),
    )
    return st.lists(entry, max_size=6)


merges = st.sampled_from([MergeHistory(), MergeHistory((Merge(ANNA, BERTA, START + timedelta(days=50)),))])
questions = st.builds(Question, scopes, st.just(ASKED), st.just(ASKED))
STOP = LedgerEntry(id=UUID(int=7), profile_id=ANNA, action="withdraw", scope=EVERYTHING, at=NEWEST, recorded_at=NEWEST)
quick = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(earlier=entries_until(NEWEST), question=questions, history=merges)
def test_stop_everything_as_the_newest_act_always_ends_consent(
    earlier: list[LedgerEntry], question: Question, history: MergeHistory
) -> None:
    answer = consent_answer([*earlier, STOP], question, merges=history)

    assert answer.status == "withdrawn"


@quick
@given(
    earlier=entries_until(NEWEST),
    later=entries_until(ASKED, first=NEWEST),
    question=questions,
    history=merges,
)
def test_after_stop_everything_consent_rests_on_a_later_confirmed_act_of_the_customer(
    earlier: list[LedgerEntry], later: list[LedgerEntry], question: Question, history: MergeHistory
) -> None:
    unconfirmed = [replace(entry, is_up_session=False, confirmed_at=None) for entry in later]

    assert consent_answer([*earlier, STOP, *unconfirmed], question, merges=history).status == "withdrawn"


@quick
@given(entries=entries_until(ASKED), question=questions, history=merges, scope=scopes)
def test_one_more_withdrawal_never_opens_anything(
    entries: list[LedgerEntry], question: Question, history: MergeHistory, scope: Scope
) -> None:
    before = consent_answer(entries, question, merges=history)

    after = consent_answer([*entries, replace(STOP, scope=scope, at=ASKED)], question, merges=history)

    assert before.status == "granted" or after.status != "granted"


@quick
@given(entries=entries_until(ASKED), question=questions)
def test_a_merge_never_opens_what_was_shut_for_both(entries: list[LedgerEntry], question: Question) -> None:
    of_anna = [entry for entry in entries if entry.profile_id == ANNA]
    of_berta = [entry for entry in entries if entry.profile_id == BERTA]
    merged_now = MergeHistory((Merge(ANNA, BERTA, ASKED),))

    together = consent_answer(entries, question, merges=merged_now).status
    apart = {consent_answer(of_anna, question).status, consent_answer(of_berta, question).status}

    assert together != "granted" or ("granted" in apart and "withdrawn" not in apart)


@quick
@given(entries=entries_until(ASKED), question=questions, history=merges)
def test_faulty_grants_change_nothing_that_a_valid_one_allows(
    entries: list[LedgerEntry], question: Question, history: MergeHistory
) -> None:
    before = consent_answer(entries, question, merges=history)
    faulty = replace(STOP, action="grant", is_proven=False, at=ASKED)

    after = consent_answer([*entries, faulty], question, merges=history)

    assert before.status == after.status
