from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from regulars.errors import InvalidInput
from regulars.traits.models import TraitDefinition
from regulars.traits.registry import PROVENANCES
from regulars.traits.values import OtherProvenance, TraitInput, checked_value

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def checked(type: str, value: Any, *, defined: str = "imported", given: Any = "imported", **details: Any) -> Any:
    definition = TraitDefinition(key="plans", title="Plans", type=type, provenance=defined, created_at=NOW)
    wanted = TraitInput("plans", value, given, **({"source": "crm"} | details))
    return checked_value(definition, wanted, path=("traits", "0"), now=NOW)


@pytest.mark.parametrize(
    ("type", "value", "kept"),
    [
        ("text", "blue", "blue"),
        ("number", 3, Decimal(3)),
        ("number", Decimal("1.2345"), Decimal("1.2345")),
        ("number", 0.1, Decimal("0.1")),
        ("boolean", False, False),
        ("time", datetime.fromisoformat("2026-03-02T13:00+01:00"), NOW),
        ("text", None, None),
    ],
)
def test_a_value_of_the_right_type_is_kept_exactly(type: str, value: Any, kept: Any) -> None:
    assert checked(type, value) == kept


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("text", 3),
        ("text", True),
        ("text", " "),
        ("text", "a\x00"),
        ("text", "x" * 1001),
        ("number", "3"),
        ("number", True),
        ("number", float("nan")),
        ("number", float("inf")),
        ("number", Decimal("0.00001")),
        ("boolean", 1),
        ("boolean", "true"),
        ("time", "2026-03-02"),
        ("time", datetime(2026, 3, 2)),  # noqa: DTZ001  # that it has no zone is the point
        ("text", ["blue"]),
    ],
)
def test_a_value_of_another_type_is_refused(type: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        checked(type, value)

    assert refusal.value.path == ("traits", "0", "value")


@pytest.mark.parametrize(("defined", "given"), list(permutations(PROVENANCES, 2)))
def test_a_value_never_passes_for_one_that_came_from_elsewhere(defined: str, given: str) -> None:
    with pytest.raises(OtherProvenance) as refusal:
        checked("text", "a car", defined=defined, given=given)

    assert (refusal.value.code, refusal.value.path) == ("PROVENANCE_MISMATCH", ("traits", "0", "provenance"))


def test_the_refusal_says_what_the_trait_is_for_and_what_to_do() -> None:
    with pytest.raises(OtherProvenance) as refusal:
        checked("text", "a car", defined="declared", given="inferred")

    assert str(refusal.value) == (
        "'plans' holds only what the customer said, and this value is inferred: a model guessed."
        " Define another trait with the provenance 'inferred' for it."
    )


@pytest.mark.parametrize("provenance", PROVENANCES)
def test_a_value_of_the_same_provenance_is_kept(provenance: str) -> None:
    assert checked("text", "a car", defined=provenance, given=provenance) == "a car"


def test_a_value_without_source_or_of_tomorrow_is_refused() -> None:
    with pytest.raises(InvalidInput):
        checked("text", "blue", source="")
    with pytest.raises(InvalidInput):
        checked("text", "blue", as_of=NOW + timedelta(hours=25))
