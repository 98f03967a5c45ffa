from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from regulars.plugins.calling.results import WrongResult, check_export, check_nothing, check_receipt
from regulars.plugins.contributions import ErasureReceipt

CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


def test_an_export_becomes_plain_json() -> None:
    exported = check_export(
        {
            "id": UUID(int=1),
            "on": date(2026, 3, 2),
            "at": datetime(2026, 3, 2, 12, tzinfo=UTC),
            "sum": Decimal("1.50"),
            "tags": ("a", "b"),
            "nested": {"number": 1.5, "is_true": True, "nothing": None},
        }
    )

    assert exported == {
        "id": "00000000-0000-0000-0000-000000000001",
        "on": "2026-03-02",
        "at": "2026-03-02T12:00:00+00:00",
        "sum": "1.50",
        "tags": ["a", "b"],
        "nested": {"number": 1.5, "is_true": True, "nothing": None},
    }


@pytest.mark.parametrize(
    ("result", "fault"),
    [
        (None, "it returned nothing where a mapping belongs"),
        ([], "it returned a value of type list"),
        ({"value": float("nan")}, "nan, which is no number"),
        ({"value": Decimal("Infinity")}, "Infinity, which is no number"),
        ({"value": object()}, "a value of type object, which JSON does not know"),
        ({"value": b"bytes"}, "a value of type bytes, which JSON does not know"),
        ({"value": {1: "one"}}, "a value of type int as a key"),
        ({"value": "x" * 300_000}, "more than 256 KiB"),
        ({"rows": [{"text": "ok"}, {"text": "ä" * 200_000}]}, "more than 256 KiB"),
        ({"value": CIRCLE}, "nested deeper than 32 levels"),
    ],
)
def test_an_export_of_the_wrong_kind_is_refused(result: object, fault: str) -> None:
    with pytest.raises(WrongResult, match=fault):
        check_export(result)


def test_the_size_of_an_export_counts_by_row() -> None:
    rows = [{"text": "x" * 100_000} for _ in range(20)]

    assert check_export({"rows": rows}) == {"rows": rows}


@pytest.mark.parametrize(
    "rows", [{"gold_card": -1}, {"gold_card": 1.0}, {"gold_card": True}, {1: 1}, ["gold_card"], None]
)
def test_a_receipt_counts_rows(rows: Any) -> None:
    with pytest.raises(WrongResult):
        check_receipt(ErasureReceipt(rows))


def test_a_receipt_is_a_receipt() -> None:
    with pytest.raises(WrongResult, match="nothing where ErasureReceipt belongs"):
        check_receipt(None)


def test_a_hook_without_result_returns_none() -> None:
    with pytest.raises(WrongResult, match="a value of type bool where nothing is expected"):
        check_nothing(False)
