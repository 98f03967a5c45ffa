import sys
from datetime import date
from decimal import Decimal

import pytest

from regulars.demo.cdnow import SampleMissing, cdnow_purchases
from regulars.demo.purchases import Purchase, by_customer, ending_on
from regulars.demo.simulation import simulated_purchases


def test_the_wheel_holds_the_sample_of_published_size() -> None:
    purchases = cdnow_purchases()

    assert (len(purchases), len(by_customer(purchases))) == (6919, 2357)
    assert (min(one.day for one in purchases), max(one.day for one in purchases)) == (
        date(1997, 1, 1),
        date(1998, 6, 30),
    )


def test_the_package_in_the_wheel_is_not_imported() -> None:
    cdnow_purchases()

    assert "lifetimes" not in sys.modules


def test_a_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(SampleMissing, match=r"pip install 'regulars\[demo\]'"):
        cdnow_purchases()


def test_a_simulated_history_resembles_the_real_one() -> None:
    histories = by_customer(simulated_purchases())

    orders = sum(len(history) for history in histories.values())
    repeaters = sum(len(history) > 1 for history in histories.values())
    spent = sum(purchase.amount for history in histories.values() for purchase in history)
    assert len(histories) == 2357
    assert orders == pytest.approx(6919, rel=0.1)
    assert repeaters == pytest.approx(1205, rel=0.1)
    assert float(spent) == pytest.approx(244_092, rel=0.1)


def test_a_simulated_history_is_the_same_every_time() -> None:
    assert simulated_purchases(customers=20) == simulated_purchases(customers=20)


def test_a_history_is_moved_as_a_whole_so_that_it_ends_on_a_day() -> None:
    early = Purchase("0001", date(1997, 1, 1), Decimal("29.33"))
    late = Purchase("0002", date(1998, 6, 30), Decimal("11.77"))

    moved = ending_on([late, early], date(2026, 3, 1))

    assert [one.day for one in moved] == [date(2026, 3, 1), date(2024, 9, 2)]
    assert [(one.customer, one.amount) for one in moved] == [("0002", late.amount), ("0001", early.amount)]
