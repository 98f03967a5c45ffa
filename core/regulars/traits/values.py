"""Check the value of a trait against the trait's definition, before it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from regulars.checks import check_amount, check_moment, check_text, check_zoned
from regulars.errors import InvalidInput
from regulars.plugins.contributions import Provenance
from regulars.traits.models import TraitDefinition

__all__ = ["OtherProvenance", "TraitInput", "Value", "checked_value"]

Value = str | Decimal | bool | datetime

LONGEST_TEXT = 1000
WORDS = {"text": "a text", "number": "a number", "boolean": "true or false", "time": "a moment with a time zone"}


@dataclass(frozen=True)
class TraitInput:
    """A value that somebody wants to set; None clears. ``as_of`` is when it was last true, None for now."""

    key: str
    value: str | Decimal | int | float | bool | datetime | None
    provenance: Provenance
    source: str
    as_of: datetime | None = None


class OtherProvenance(InvalidInput):
    """A value came from elsewhere than the values of this trait do."""

    code = "PROVENANCE_MISMATCH"

    def __init__(self, definition: TraitDefinition, given: str, *, path: Sequence[str]) -> None:
        self.key, self.wanted, self.given = definition.key, definition.provenance, given
        super().__init__(
            f"{definition.key!r} holds only what {_SAYS[definition.provenance]}, and this value is {given}:"
            f" {_SAYS.get(given, 'nobody knows where it comes from')}."
            f" Define another trait with the provenance {given!r} for it.",
            path=path,
        )


_SAYS = {
    "declared": "the customer said",
    "observed": "we saw",
    "inferred": "a model guessed",
    "imported": "another system told us",
}


def checked_value(
    definition: TraitDefinition, given: TraitInput, *, path: Sequence[str], now: datetime
) -> Value | None:
    """Return the value in the form in which it is kept, None to clear.

    Raises ``OtherProvenance`` where the value comes from elsewhere than the definition says, so that nothing observed,
    inferred or imported ever looks as if the customer had said it; ``InvalidInput`` for another type.
    """
    if given.provenance != definition.provenance:
        raise OtherProvenance(definition, given.provenance, path=(*path, "provenance"))
    check_text(given.source, path=(*path, "source"))
    if given.as_of is not None:
        check_moment(given.as_of, path=(*path, "asOf"), now=now)
    value, place = given.value, (*path, "value")
    match definition.type, value:
        case _, None:
            return None
        case "text", str():
            return check_text(value, path=place, longest=LONGEST_TEXT)
        case "boolean", bool():
            return value
        case "number", int() | float() | Decimal() if not isinstance(value, bool):
            return check_amount(Decimal(str(value)), path=place)
        case "time", datetime():
            return check_zoned(value, path=place)
        case _:
            raise InvalidInput(
                f"{definition.key!r} holds {WORDS[definition.type]}, not {type(value).__name__} {value!r}.", path=place
            )
