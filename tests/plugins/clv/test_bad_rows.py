"""Rows that cannot be true are set aside with a code and their line; the rest is used."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from regulars_clv.errors import ColumnMissing, CurrencyMix, FileUnreadable, NoUsableRow
from regulars_clv.summary import read_summary
from regulars_clv.transactions import Transactions, read_transactions

CsvFile = Callable[[str], Path]
HEADER = "customer_id,date,amount,type,currency,external_id\n"
GOOD = "good,2026-01-01,10,,,\n"


def read(path: Path, *, currency: str | None = None) -> Transactions:
    return read_transactions(path, today=date(2026, 2, 1), currency=currency)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (" ,2026-01-01,10,,,", "BLANK_CUSTOMER"),
        ("a,01/02/2026,10,,,", "BAD_DATE"),
        ("a,2026-02-30,10,,,", "BAD_DATE"),
        ("a,,10,,,", "BAD_DATE"),
        ("a,2026-02-02,10,,,", "FUTURE_DATE"),
        ("a,2026-01-01,,,,", "BAD_AMOUNT"),
        ("a,2026-01-01", "BAD_AMOUNT"),
        ("a,2026-01-01,NaN,,,", "BAD_AMOUNT"),
        ("a,2026-01-01,-inf,,,", "BAD_AMOUNT"),
        ("a,2026-01-01,1e999,,,", "BAD_AMOUNT"),
        ("a,2026-01-01,1_000,,,", "BAD_AMOUNT"),
        ("a,2026-01-01,ten,,,", "BAD_AMOUNT"),
        ("a,2026-01-01,-10,sale,,", "SIGN_MISMATCH"),
        ("a,2026-01-01,10,return,,", "SIGN_MISMATCH"),
        ("a,2026-01-01,10,gift,,", "BAD_TYPE"),
    ],
)
def test_a_transaction_that_cannot_be_true_is_set_aside(csv_file: CsvFile, row: str, code: str) -> None:
    transactions = read(csv_file(f"{HEADER}{GOOD}{row}\n{GOOD}"))

    assert [(rejected.line, rejected.code) for rejected in transactions.rejected] == [(3, code)]
    assert transactions.customer_ids == ("good",)
    assert (len(transactions.day), transactions.rows) == (2, 3)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2,-1,10,5", "NEGATIVE_RECENCY"),
        ("2,11,10,5", "RECENCY_EXCEEDS_AGE"),
        ("-1,0,10,5", "BAD_FREQUENCY"),
        ("1.5,3,10,5", "BAD_FREQUENCY"),
        (",3,10,5", "BAD_FREQUENCY"),
        ("0,3,10,0", "RECENCY_WITHOUT_REPEAT"),
        ("2,0,10,5", "REPEAT_WITHOUT_RECENCY"),
        ("2,3,inf,5", "BAD_AGE"),
        ("0,0,-1,0", "BAD_AGE"),
        ("2,3,,5", "BAD_AGE"),
        ("2,3,10,-5", "BAD_AMOUNT"),
        ("2,3,10,", "BAD_AMOUNT"),
    ],
)
def test_a_summary_that_cannot_be_a_history_is_set_aside(csv_file: CsvFile, row: str, code: str) -> None:
    summary = read_summary(csv_file(f"frequency,recency,T,monetary_value\n1,2,3,4\n{row}\n0,0,7,\n"))

    assert [(rejected.line, rejected.code) for rejected in summary.rejected] == [(3, code)]
    assert summary.customer_ids == ("1", "3")
    assert summary.history.age.tolist() == [3.0, 7.0]


def test_a_byte_order_mark_is_no_part_of_the_first_column(csv_file: CsvFile) -> None:
    assert read(csv_file(f"\ufeff{HEADER}{GOOD}")).customer_ids == ("good",)


def test_blank_lines_are_passed_over_but_counted(csv_file: CsvFile) -> None:
    transactions = read(csv_file(f"{HEADER}\n{GOOD}\r\na,nonsense,1,,,\n"))

    assert [rejected.line for rejected in transactions.rejected] == [5]


def test_columns_may_stand_in_any_order_beside_others(csv_file: CsvFile) -> None:
    transactions = read(csv_file("amount, note ,Date,customer_id\n5.5,hello,2026-01-03,a\n"))

    assert (transactions.customer_ids, transactions.amount.tolist()) == (("a",), [5.5])


def test_a_repeated_external_id_is_counted_once(csv_file: CsvFile) -> None:
    row = "a,2026-01-01,10,,,order-1\n"

    assert len(read(csv_file(f"{HEADER}{row}{row}")).day) == 1


def test_a_return_may_carry_the_id_of_its_order(csv_file: CsvFile) -> None:
    transactions = read(csv_file(f"{HEADER}a,2026-01-01,10,sale,,order-1\na,2026-01-05,-10,return,,order-1\n"))

    assert transactions.is_return.tolist() == [False, True]


def test_the_order_of_the_rows_changes_nothing(csv_file: CsvFile) -> None:
    rows = ["b,2026-01-09,0.1,,,", "a,2026-01-05,0.3,,,", "b,2026-01-09,0.2,,,", "a,2026-01-01,7,,,"]

    forwards = read(csv_file(HEADER + "\n".join(rows)))
    backwards = read(csv_file(HEADER + "\n".join(reversed(rows))))

    assert forwards.customer_ids == backwards.customer_ids
    assert np.array_equal(forwards.day, backwards.day)
    assert np.array_equal(forwards.amount, backwards.amount)


def test_several_currencies_are_counted_and_refused(csv_file: CsvFile) -> None:
    with pytest.raises(CurrencyMix) as refusal:
        read(csv_file(f"{HEADER}a,2026-01-01,1,,EUR,\na,2026-01-02,1,,usd,\na,2026-01-03,1,,EUR,\n"))

    assert refusal.value.currencies == {"EUR": 2, "USD": 1}


def test_one_currency_can_be_picked(csv_file: CsvFile) -> None:
    text = f"{HEADER}a,2026-01-01,1,,EUR,\na,2026-01-02,2,,USD,\n"

    assert read(csv_file(text), currency="usd").amount.tolist() == [2.0]


@pytest.mark.parametrize("text", ["", "\n", "customer_id,amount\na,1\n"])
def test_a_missing_column_is_named(csv_file: CsvFile, text: str) -> None:
    with pytest.raises(ColumnMissing, match=r"no column .*date"):
        read(csv_file(text))


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("customer_id,date,amount\nZoë,2026-01-01,1\n".encode("latin-1"))

    with pytest.raises(FileUnreadable, match="UTF-8"):
        read(path)


def test_a_summary_without_a_usable_row_is_empty(csv_file: CsvFile) -> None:
    with pytest.raises(NoUsableRow, match="1 rows were rejected"):
        read_summary(csv_file("frequency,recency,T,monetary_value\n1,0,3,4\n"))
