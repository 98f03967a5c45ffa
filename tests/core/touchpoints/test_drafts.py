from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from regulars.errors import ExpectedError
from regulars.touchpoints.drafts import TouchpointDraft, checked_draft
from regulars.touchpoints.types import core_touchpoint_types

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
NULL_ID = UUID(int=1)


def checked(type: str = "order", **given: Any) -> TouchpointDraft:
    usual: dict[str, Any] = {"occurred_at": NOW, "source": "shop"}
    draft = TouchpointDraft(customer_id=NULL_ID, type=type, **(usual | given))
    return checked_draft(draft, types=core_touchpoint_types(), now=NOW)


def nested(depth: int) -> dict[str, Any]:
    return {} if depth == 0 else {"in": nested(depth - 1)}


REFUSED = [
    ("unknown type", {"type": "oder"}, "UNKNOWN_VALUE", ("type",)),
    ("unknown channel", {"channel": "e-mail"}, "UNKNOWN_VALUE", ("channel",)),
    ("unknown currency", {"amount": Decimal(1), "currency": "EURO"}, "UNKNOWN_VALUE", ("currency",)),
    ("test currency", {"amount": Decimal(1), "currency": "XXX"}, "UNKNOWN_VALUE", ("currency",)),
    ("small letters", {"amount": Decimal(1), "currency": "eur"}, "UNKNOWN_VALUE", ("currency",)),
    ("amount without currency", {"amount": Decimal(1)}, "INVALID", ("currency",)),
    ("cost without currency", {"cost": Decimal(1)}, "INVALID", ("currency",)),
    ("lines without currency", {"payload": {"lines": [{"product": "A", "amount": 1}]}}, "INVALID", ("currency",)),
    ("not a number", {"amount": Decimal("NaN"), "currency": "EUR"}, "INVALID", ("amount",)),
    ("infinite", {"amount": Decimal("Infinity"), "currency": "EUR"}, "INVALID", ("amount",)),
    ("five digits", {"amount": Decimal("0.00001"), "currency": "EUR"}, "OUT_OF_RANGE", ("amount",)),
    ("too large", {"amount": Decimal(10) ** 14, "currency": "EUR"}, "OUT_OF_RANGE", ("amount",)),
    ("negative order", {"amount": Decimal(-1), "currency": "EUR"}, "OUT_OF_RANGE", ("amount",)),
    ("negative cost", {"cost": Decimal(-1), "currency": "EUR"}, "OUT_OF_RANGE", ("cost",)),
    ("positive refund", {"type": "refund", "amount": Decimal(1), "currency": "EUR"}, "OUT_OF_RANGE", ("amount",)),
    ("refund of nothing", {"type": "refund", "amount": Decimal(0), "currency": "EUR"}, "OUT_OF_RANGE", ("amount",)),
    ("refund without amount", {"type": "refund"}, "OUT_OF_RANGE", ("amount",)),
    ("no zone", {"occurred_at": NOW.replace(tzinfo=None)}, "INVALID", ("occurredAt",)),
    ("future", {"occurred_at": NOW + timedelta(hours=24, seconds=1)}, "OUT_OF_RANGE", ("occurredAt",)),
    ("long ago", {"occurred_at": datetime(1899, 12, 31, 23, 59, tzinfo=UTC)}, "OUT_OF_RANGE", ("occurredAt",)),
    ("blank source", {"source": " "}, "INVALID", ("source",)),
    ("blank external id", {"external_id": ""}, "INVALID", ("externalId",)),
    ("NUL in external id", {"external_id": "a\x00b"}, "INVALID", ("externalId",)),
    ("half a pair in source", {"source": "a\ud800"}, "INVALID", ("source",)),
    ("long external id", {"external_id": "x" * 256}, "INVALID", ("externalId",)),
    ("case without id", {"type": "case_opened"}, "INVALID", ("payload", "caseId")),
    ("track without event", {"type": "track", "payload": {"properties": {}}}, "INVALID", ("payload", "event")),
    ("mistyped key", {"type": "visit", "payload": {"tabel": "4"}}, "INVALID", ("payload", "tabel")),
    (
        "empty product",
        {"payload": {"lines": [{"product": " ", "amount": 1}]}},
        "INVALID",
        ("payload", "lines", "0", "product"),
    ),
    (
        "NaN in a line",
        {"payload": {"lines": [{"product": "A", "amount": "NaN"}]}},
        "INVALID",
        ("payload", "lines", "0", "amount"),
    ),
    (
        "none of it",
        {"payload": {"lines": [{"product": "A", "amount": 1, "quantity": 0}]}},
        "INVALID",
        ("payload", "lines", "0", "quantity"),
    ),
    (
        "NaN in properties",
        {"type": "track", "payload": {"event": "a", "properties": {"b": float("nan")}}},
        "INVALID",
        ("payload",),
    ),
    (
        "NUL in properties",
        {"type": "track", "payload": {"event": "a", "properties": {"b": ["\x00"]}}},
        "INVALID",
        ("payload",),
    ),
    (
        "half a pair in properties",
        {"type": "track", "payload": {"event": "a", "properties": {"b": "\ud800"}}},
        "INVALID",
        ("payload",),
    ),
    (
        "too much",
        {"type": "track", "payload": {"event": "a", "properties": {"b": "x" * 40_000}}},
        "OUT_OF_RANGE",
        ("payload",),
    ),
]


@pytest.mark.parametrize(("given", "code", "path"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_draft_that_cannot_be_kept_is_refused_where_it_is_wrong(
    given: dict[str, Any], code: str, path: tuple[str, ...]
) -> None:
    with pytest.raises(ExpectedError) as refusal:
        checked(**given)

    assert refusal.value.code == code
    assert tuple(refusal.value.path)[: len(path)] == path


def test_a_payload_with_a_field_too_many_and_one_too_few_says_what_to_do() -> None:
    with pytest.raises(ExpectedError) as refusal:
        checked(payload={"colour": "red", "lines": [{"product": "Tea"}]}, currency="EUR")

    assert str(refusal.value) == (
        "The payload of this order cannot be kept. lines.0.amount: it is missing, add it;"
        " colour: there is no such field, leave it out."
    )


KEPT = [
    ("a zero-amount order", {"amount": Decimal(0), "currency": "USD"}),
    ("an order without amount", {}),
    ("the largest amount", {"amount": Decimal("99999999999999.9999"), "currency": "EUR"}),
    ("four digits and zeros", {"amount": Decimal("1.12340000"), "currency": "EUR"}),
    ("a refund", {"type": "refund", "amount": Decimal("-0.01"), "currency": "EUR"}),
    ("a day ahead", {"occurred_at": NOW + timedelta(hours=24)}),
    ("the year 1900", {"occurred_at": datetime(1900, 1, 1, tzinfo=UTC)}),
    ("a currency that is gone", {"amount": Decimal(1), "currency": "DEM"}),
    ("a channel", {"channel": "in_person"}),
    ("a screen of an app", {"type": "screen", "channel": "app", "payload": {"name": "Basket"}}),
]


@pytest.mark.parametrize("given", [case[1] for case in KEPT], ids=[case[0] for case in KEPT])
def test_a_draft_at_the_edge_of_what_makes_sense_is_kept(given: dict[str, Any]) -> None:
    draft = checked(**given)

    assert draft.type == given.get("type", "order")


def test_a_payload_may_be_written_in_either_spelling_and_is_kept_in_one() -> None:
    camel = checked("case_opened", payload={"caseId": "k1"})
    snake = checked("case_opened", payload={"case_id": "k1"})

    assert camel.payload == snake.payload == {"case_id": "k1"}


def test_the_lines_of_an_order_keep_exact_decimals_and_nothing_that_goes_without_saying() -> None:
    lines = [{"product": "Tea", "category": "drinks", "quantity": 1, "amount": 12.50, "margin": "3.100"}]

    draft = checked(payload={"lines": lines, "margin": None}, currency="EUR")

    assert draft.payload == {"lines": [{"product": "Tea", "category": "drinks", "amount": "12.5", "margin": "3.1"}]}


def test_free_properties_are_kept_as_they_came() -> None:
    properties = {"empty": "", "none": None, "list": [1, {"deep": " x "}], "backslash": "\\u0000"}

    draft = checked("track", payload={"event": "Opened", "properties": properties})

    assert draft.payload == {"event": "Opened", "properties": properties}


def test_an_empty_payload_is_none() -> None:
    assert checked(payload={"lines": []}).payload is None


def test_properties_nested_without_end_are_refused_in_few_words() -> None:
    with pytest.raises(ExpectedError) as refusal:
        checked("track", payload={"event": "a", "properties": nested(700)})

    assert len(str(refusal.value)) < 500


def test_many_problems_are_counted_not_listed() -> None:
    with pytest.raises(ExpectedError, match="and 2 more"):
        checked("visit", payload=dict.fromkeys(("a", "b", "c", "d", "e"), 1))
