from dataclasses import replace
from typing import Any

import pytest

from regulars.errors import InvalidInput
from regulars.touchpoints.types import core_touchpoint_types
from regulars.tracking.meanings import FieldSource, Meaning, checked_meaning

TYPES = core_touchpoint_types()
TASTED = Meaning("site", "Wine Tasted", "visit", amount_properties=("bill",), currency="EUR")
VENUE = FieldSource("venue", "bar")


def test_fields_are_kept_by_their_own_names() -> None:
    meaning = replace(TASTED, fields=(VENUE, FieldSource("partySize", "guests")))

    checked = checked_meaning(meaning, types=TYPES)

    assert checked.fields == (FieldSource("party_size", "guests"), VENUE)


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"event": " "}, "INVALID", ("event",)),
        ({"type": "vist"}, "UNKNOWN_VALUE", ("type",)),
        ({"channel": "tam-tam"}, "UNKNOWN_VALUE", ("channel",)),
        ({"currency": "Euro"}, "UNKNOWN_VALUE", ("currency",)),
        ({"currency": None}, "REQUIRED", ("currencyProperty",)),
        ({"type": "refund", "amount_properties": ()}, "REQUIRED", ("amountProperties",)),
        ({"amount_properties": ("x" * 300,)}, "INVALID", ("amountProperties",)),
        ({"amount_properties": tuple("abcdef")}, "OUT_OF_RANGE", ("amountProperties",)),
        ({"channel_property": ""}, "INVALID", ("channelProperty",)),
        ({"fields": (VENUE,) * 51}, "OUT_OF_RANGE", ("fields",)),
        ({"fields": (FieldSource("place", "bar"),)}, "UNKNOWN_VALUE", ("fields",)),
        ({"fields": (VENUE, replace(VENUE, property="inn"))}, "INVALID", ("fields",)),
        ({"fields": (replace(VENUE, times=" "),)}, "INVALID", ("fields",)),
        ({"type": "survey_response"}, "REQUIRED", ("fields",)),
        ({"type": "order", "fields": (FieldSource("lines", "products"),)}, "REQUIRED", ("fields",)),
        ({"type": "order", "fields": (FieldSource("lines.product", "id"),)}, "REQUIRED", ("fields",)),
    ],
)
def test_a_meaning_that_cannot_be_is_refused(changes: dict[str, Any], code: str, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked_meaning(replace(TASTED, **changes), types=TYPES)

    assert (refusal.value.code, tuple(refusal.value.path)) == (code, path)
