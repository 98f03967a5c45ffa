"""Transactions become the numbers that the published tables hold."""

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regulars.demo.cdnow import cdnow_text
from regulars_clv.errors import NoUsableRow
from regulars_clv.history import History, compress
from regulars_clv.preparation import Prepared, holdout_after, prepare
from regulars_clv.transactions import Transactions, read_transactions, transactions_of

CUT = date(1997, 9, 30)


def test_the_log_has_the_published_size(cdnow: Transactions, reference: dict[str, Any]) -> None:
    expected = reference["preparation"]["expected"]

    assert len(cdnow.day) == expected["rows"]
    assert len(cdnow.customer_ids) == expected["customers"]
    assert cdnow.last_day.isoformat() == expected["last"]
    assert cdnow.amount.sum() == pytest.approx(expected["total_amount"], abs=0.001)
    assert np.count_nonzero(cdnow.amount == 0) == expected["zero_amount_rows"]


def test_the_file_and_the_installed_wheel_hold_the_same_purchases(cdnow: Transactions, cdnow_file: Path) -> None:
    read = read_transactions(cdnow_file, today=date(2026, 1, 1))

    assert read.customer_ids == cdnow.customer_ids
    assert np.array_equal(read.day, cdnow.day)
    assert np.array_equal(read.amount, cdnow.amount)


def test_calibration_sums_are_the_reference(cdnow_prepared: Prepared, reference: dict[str, Any]) -> None:
    expected, history = reference["preparation"]["expected"]["calibration"], cdnow_prepared.history

    sums = {
        "repeaters": np.count_nonzero(history.frequency),
        "sum_frequency": history.frequency.sum(),
        "sum_recency": history.recency.sum(),
        "sum_T": history.age.sum(),
        "sum_monetary_value": history.monetary_value.sum(),
        "zero_mean_repeaters": np.count_nonzero((history.frequency > 0) & (history.monetary_value == 0)),
    }

    assert sums == pytest.approx({name: expected[name] for name in sums}, abs=0.001)


def test_holdout_sums_are_the_reference(
    cdnow: Transactions, cdnow_prepared: Prepared, reference: dict[str, Any]
) -> None:
    expected = reference["preparation"]["expected"]["calibration"]

    holdout = holdout_after(cdnow, cdnow_prepared, holdout_end=date(1998, 6, 30))

    assert holdout.purchases.sum() == expected["holdout_frequency"]
    assert holdout.amount.sum() == pytest.approx(expected["holdout_amount"], abs=0.001)


def test_every_customer_agrees_with_the_authors_own_table(cdnow_prepared: Prepared) -> None:
    _, *lines = cdnow_text("cdnow_customers_summary_with_transactions.csv").splitlines()
    table = np.array([row[1:] for row in csv.reader(lines)], dtype=float)
    history = cdnow_prepared.history

    assert np.array_equal(history.frequency, table[:, 0])
    assert history.recency == pytest.approx(table[:, 1], abs=0.0051)
    assert history.age == pytest.approx(table[:, 2], abs=0.0051)
    assert history.monetary_value == pytest.approx(table[:, 3], abs=0.0051)


def test_distinct_rows_are_as_many_as_published_and_lead_back_to_the_customers(cdnow_prepared: Prepared) -> None:
    history = cdnow_prepared.history

    rows = compress(history)

    assert len(rows) == 1016
    assert rows.count.sum() == 2357
    assert np.array_equal(rows.frequency[rows.row_of_customer], history.frequency)
    assert np.array_equal(rows.recency[rows.row_of_customer], history.recency)
    assert np.array_equal(rows.age[rows.row_of_customer], history.age)


def test_histories_in_any_unit_are_pressed_without_loss() -> None:
    generator = np.random.default_rng(4)
    age = np.repeat(generator.uniform(1e-3, 9e9, 300), 2)
    history = History(np.repeat(np.arange(300.0), 2), age / 3, age, age)

    rows = compress(history)

    assert rows.count.tolist() == [2.0] * 300
    assert np.array_equal(rows.age[rows.row_of_customer], age)
    assert np.array_equal(rows.recency[rows.row_of_customer], age / 3)


def test_periods_may_be_days(cdnow: Transactions, cdnow_prepared: Prepared) -> None:
    daily = prepare(cdnow, period_days=1, calibration_end=CUT)

    assert daily.history.age == pytest.approx(cdnow_prepared.history.age * 7, rel=1e-12)


def test_the_day_of_the_cut_counts() -> None:
    bought = transactions_of(["a", "a"], [date(2026, 1, 1), date(2026, 1, 15)], [1.0, 2.0])

    on_the_day = prepare(bought, period_days=7, calibration_end=date(2026, 1, 15))
    before = prepare(bought, period_days=7, calibration_end=date(2026, 1, 14))

    assert (on_the_day.history.frequency[0], before.history.frequency[0]) == (1.0, 0.0)


def test_a_free_order_is_a_purchase() -> None:
    bought = transactions_of(["a", "a"], [date(2026, 1, 1), date(2026, 1, 15)], [10.0, 0.0])

    prepared = prepare(bought, period_days=7, calibration_end=date(2026, 1, 29))

    assert (prepared.history.frequency[0], prepared.history.monetary_value[0]) == (1.0, 0.0)


def test_a_cut_before_every_purchase_leaves_nothing() -> None:
    bought = transactions_of(["a"], [date(2026, 1, 1)], [1.0])

    with pytest.raises(NoUsableRow, match="2025-12-31"):
        prepare(bought, period_days=7, calibration_end=date(2025, 12, 31))


def test_a_customer_with_returns_only_is_left_out_and_named(csv_file: Callable[[str], Path]) -> None:
    text = "customer_id,date,amount\na,2026-01-01,10\nb,2026-01-02,-4\n"

    prepared = prepare(
        read_transactions(csv_file(text), today=date(2026, 2, 1)),
        period_days=7,
        calibration_end=date(2026, 1, 29),
    )

    assert prepared.customer_ids == ("a",)
    assert [(one.customer_id, one.code) for one in prepared.excluded] == [("b", "RETURNS_ONLY")]


def test_a_return_after_the_cut_is_not_yet_known(csv_file: Callable[[str], Path]) -> None:
    text = "customer_id,date,amount\na,2026-01-01,10\na,2026-01-20,-4\n"

    prepared = prepare(
        read_transactions(csv_file(text), today=date(2026, 2, 1)),
        period_days=7,
        calibration_end=date(2026, 1, 19),
    )

    assert prepared.refund_amount.tolist() == [0.0]
