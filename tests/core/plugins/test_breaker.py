from datetime import timedelta

from regulars.clock import SettableClock
from regulars.plugins.calling.breaker import Breakers


def failing(breakers: Breakers, times: int) -> None:
    for _ in range(times):
        breakers.failed("gold", "events")


def test_four_failures_in_a_minute_are_borne(clock: SettableClock) -> None:
    breakers = Breakers(clock)

    failing(breakers, 4)

    assert breakers.open_until("gold", "events") is None


def test_five_failures_in_a_minute_open_it_for_thirty_seconds(clock: SettableClock) -> None:
    breakers = Breakers(clock)

    failing(breakers, 5)

    assert breakers.open_until("gold", "events") == clock.now() + timedelta(seconds=30)


def test_five_failures_in_more_than_a_minute_are_borne(clock: SettableClock) -> None:
    breakers = Breakers(clock)
    failing(breakers, 4)
    clock.advance(timedelta(seconds=61))

    failing(breakers, 1)

    assert breakers.open_until("gold", "events") is None


def test_successes_in_between_do_not_hide_five_failures(clock: SettableClock) -> None:
    breakers = Breakers(clock)
    failing(breakers, 4)
    breakers.succeeded("gold", "events")

    failing(breakers, 1)

    assert breakers.open_until("gold", "events") is not None


def test_other_hooks_and_plugins_go_on(clock: SettableClock) -> None:
    breakers = Breakers(clock)

    failing(breakers, 5)

    assert breakers.open_until("gold", "customer_merged") is None
    assert breakers.open_until("silver", "events") is None


def test_the_pause_doubles_up_to_fifteen_minutes(clock: SettableClock) -> None:
    breakers = Breakers(clock)
    failing(breakers, 5)
    pauses = []

    for _ in range(7):
        until = breakers.open_until("gold", "events")
        assert until is not None
        pauses.append((until - clock.now()).total_seconds())
        clock.advance(until - clock.now())
        breakers.failed("gold", "events")

    assert pauses == [30, 60, 120, 240, 480, 900, 900]


def test_a_success_after_the_pause_makes_it_as_new(clock: SettableClock) -> None:
    breakers = Breakers(clock)
    failing(breakers, 5)
    clock.advance(timedelta(seconds=30))

    breakers.succeeded("gold", "events")
    failing(breakers, 4)

    assert breakers.open_until("gold", "events") is None
    assert breakers.open_now() == frozenset()


def test_a_failure_while_it_is_open_changes_nothing(clock: SettableClock) -> None:
    breakers = Breakers(clock)
    failing(breakers, 5)
    until = breakers.open_until("gold", "events")
    clock.advance(timedelta(seconds=10))

    opened = breakers.failed("gold", "events")

    assert opened is None
    assert breakers.open_until("gold", "events") == until
