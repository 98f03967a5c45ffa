"""Turn the texts of a file into what is said about customers; pure, and by the same rules as for single ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from regulars.customers.changes import CustomerChanges, NewValues, checked
from regulars.customers.identities import Identity, read_identity
from regulars.errors import InvalidInput
from regulars.ingest.columns import CUSTOMER_FACTS
from regulars.ingest.memory import Fault, Judged, without_faults
from regulars.ingest.problems import NamelessRow
from regulars.ingest.records import Chunk, Rejection

__all__ = ["CustomerBatch", "CustomerReader", "CustomerRow"]

NAMES = ("external_id", "email", "phone")
WORDS_FOR_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class CustomerRow:
    """What one row says: by which names, external ids first, and what about the customer; empty cells say nothing."""

    place: int
    identities: Sequence[Identity]
    values: NewValues


@dataclass(frozen=True)
class CustomerBatch:
    """The customers of a chunk, and what was rejected so far."""

    chunk: Chunk
    rows: Sequence[CustomerRow]
    rejections: Sequence[Rejection]


class CustomerReader:
    """Reads customers."""

    def __init__(self) -> None:
        self._names = {field: Judged(partial(_identity, field)) for field in NAMES}
        self._facts = {field: Judged(_judge_of_facts(field)) for field in CUSTOMER_FACTS}

    def read(self, chunk: Chunk, *, now: datetime) -> CustomerBatch:
        """Return the customers of a chunk."""
        del now  # nothing about a customer depends on the time
        if not chunk.rows:
            return CustomerBatch(chunk, [], chunk.malformed)
        texts = chunk.columns()
        facts = [field for field in CUSTOMER_FACTS if field in texts]
        columns, faults = without_faults(
            {
                "place": range(len(chunk.rows)),
                "identities": self._identities(texts),
                **{field: self._facts[field].each(texts[field]) for field in facts},
            },
            ["identities", *facts],
        )
        nothing: list[tuple[NewValues, ...]] = [()] * len(columns["place"])
        said = zip(*(columns[field] for field in facts), strict=True) if facts else nothing
        rows = [
            CustomerRow(place, identities, {name: value for cell in cells for name, value in cell.items()})
            for place, identities, cells in zip(columns["place"], columns["identities"], said, strict=True)
        ]
        rejections = [*chunk.malformed, *(chunk.rejection(place, error) for place, error in faults.items())]
        return CustomerBatch(chunk, rows, rejections)

    def _identities(self, texts: Mapping[str, Sequence[str]]) -> list[Sequence[Identity] | Fault]:
        kinds = []
        for field in NAMES:
            if field in texts:
                systems = texts["source"] if field == "external_id" else [""] * len(texts[field])
                kinds.append(self._names[field].each(list(zip(texts[field], systems, strict=True))))
        return [_together(names) for names in zip(*kinds, strict=True)]


def _together(names: Sequence[Identity | Fault | None]) -> Sequence[Identity] | Fault:
    fault = next((name for name in names if isinstance(name, Fault)), None)
    if fault is not None:
        return fault
    identities = [name for name in names if isinstance(name, Identity)]
    return identities or Fault(NamelessRow(NAMES))


def _identity(field: str, given: tuple[str, str]) -> Identity | None:
    text, system = given
    return read_identity(field.removesuffix("_id"), text, system) if text else None


def _judge_of_facts(field: str) -> Callable[[str], NewValues]:
    def judge(text: str) -> NewValues:
        if not text:
            return {}
        if field != "has_guardian_consent":
            said: dict[str, Any] = {field: text}
            return checked(CustomerChanges(**said))
        truth = WORDS_FOR_TRUTH.get(text.strip().lower())
        if truth is None:
            raise InvalidInput(f"{text!r} is neither yes nor no. Write true or false.", path=("hasGuardianConsent",))
        return checked(CustomerChanges(has_guardian_consent=truth))

    return judge
