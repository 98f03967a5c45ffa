from datetime import datetime, timedelta
from uuid import UUID

import pytest

from regulars.access.actors import ANONYMOUS, Actor
from regulars.access.allowances import Allowance, Allowances, address_payer, payer_of
from regulars.access.refusals import AllowanceSpent
from regulars.clock import SettableClock


@pytest.fixture
def allowances() -> Allowances:
    return Allowances(Allowance(burst=1000, per_second=100))


@pytest.fixture
def now(clock: SettableClock) -> datetime:
    return clock.now()


def test_the_whole_burst_may_be_spent_at_once(allowances: Allowances, now: datetime) -> None:
    balance = allowances.charge("ada", 1000, now=now)

    assert (balance.points, balance.full_in_s) == (0, 10)


def test_a_point_too_many_is_refused_with_the_seconds_to_wait_and_takes_nothing(
    allowances: Allowances, now: datetime
) -> None:
    allowances.charge("ada", 800, now=now)

    with pytest.raises(AllowanceSpent, match="Wait 3 s") as refused:
        allowances.charge("ada", 450, now=now)

    assert refused.value.wait_s == 3
    assert allowances.balance("ada", now=now).points == 200


def test_what_was_refused_is_let_in_after_the_wait_and_not_before(allowances: Allowances, now: datetime) -> None:
    allowances.charge("ada", 800, now=now)

    with pytest.raises(AllowanceSpent):
        allowances.charge("ada", 450, now=now + timedelta(seconds=2.4))
    balance = allowances.charge("ada", 450, now=now + timedelta(seconds=2.5))

    assert balance.points == 0


def test_points_come_back_and_never_more_than_the_burst(allowances: Allowances, now: datetime) -> None:
    allowances.charge("ada", 1000, now=now)

    points = [allowances.balance("ada", now=now + timedelta(seconds=passed)).points for passed in (1, 9.5, 10, 3600)]

    assert points == [100, 950, 1000, 1000]


def test_a_steady_stream_at_the_rate_is_never_refused(allowances: Allowances, now: datetime) -> None:
    allowances.charge("ada", 1000, now=now)

    points = [allowances.charge("ada", 100, now=now + timedelta(seconds=second)).points for second in range(1, 600)]

    assert set(points) == {0}


def test_what_costs_more_than_the_burst_needs_all_of_it_and_is_paid_back_first(
    allowances: Allowances, now: datetime
) -> None:
    allowances.charge("ada", 1, now=now)
    with pytest.raises(AllowanceSpent):
        allowances.charge("ada", 3000, now=now)

    balance = allowances.charge("ada", 3000, now=now + timedelta(seconds=1))
    with pytest.raises(AllowanceSpent) as refused:
        allowances.charge("ada", 1, now=now + timedelta(seconds=1))

    assert (balance.points, balance.full_in_s) == (0, 30)
    assert refused.value.wait_s == 21


def test_what_is_given_back_can_be_spent_again_and_never_more_than_was_owed(
    allowances: Allowances, now: datetime
) -> None:
    allowances.charge("ada", 10, now=now)

    allowances.give_back("ada", 10, now=now)
    allowances.give_back("ada", 10, now=now)

    assert allowances.charge("ada", 1000, now=now).points == 0


def test_everybody_has_an_allowance_of_their_own(allowances: Allowances, now: datetime) -> None:
    allowances.charge("ada", 1000, now=now)

    assert allowances.charge("bo", 1000, now=now).points == 0


def test_a_clock_that_is_set_back_gives_nothing_back(allowances: Allowances, now: datetime) -> None:
    allowances.charge("ada", 1000, now=now)

    assert allowances.balance("ada", now=now - timedelta(hours=1)).points == 0
    assert allowances.balance("ada", now=now - timedelta(minutes=59, seconds=59)).points == 100


def test_only_so_many_payers_are_remembered_those_seen_last(now: datetime) -> None:
    allowances = Allowances(Allowance(10, 1), capacity=2)
    for payer in ("ada", "bo", "ada", "cy"):
        allowances.charge(payer, 1, now=now)

    assert [allowances.balance(payer, now=now).points for payer in ("ada", "cy")] == [8, 9]
    assert allowances.balance("bo", now=now).points == 10


def test_a_key_pays_before_a_person_and_a_person_before_an_address() -> None:
    person, key = UUID(int=1), UUID(int=2)

    payers = [
        payer_of(Actor("staff", person, key_id=key), "192.0.2.1"),
        payer_of(Actor("staff", person), "192.0.2.1"),
        payer_of(ANONYMOUS, "192.0.2.1"),
    ]

    assert payers == [f"key:{key}", f"staff:{person}", "address:192.0.2.1"]


@pytest.mark.parametrize(
    ("address", "payer"),
    [
        ("192.0.2.1", "address:192.0.2.1"),
        ("::ffff:192.0.2.1", "address:192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "address:2001:db8:1:2::/64"),
        ("testclient", "address:unknown"),
        (None, "address:unknown"),
    ],
)
def test_whoever_has_a_network_pays_as_one(address: str | None, payer: str) -> None:
    assert address_payer(address) == payer
