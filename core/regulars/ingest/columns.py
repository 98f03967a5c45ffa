"""Say which column of a file holds which field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

from regulars.errors import UnknownValue
from regulars.ingest.problems import ColumnTwice, MissingColumn, UnknownColumn

__all__ = ["CUSTOMER_FACTS", "FIELDS", "LEFT_OUT", "ColumnMapping", "ImportKind"]

ImportKind = Literal["customers", "touchpoints"]

LEFT_OUT = "-"

CUSTOMER_FACTS = (
    "display_name",
    "language",
    "time_zone",
    "jurisdiction",
    "age",
    "has_guardian_consent",
    "status",
)

FIELDS: Mapping[ImportKind, Sequence[str]] = {
    "customers": ("external_id", "source", "email", "phone", *CUSTOMER_FACTS),
    "touchpoints": (
        "customer_id",
        "customer_external_id",
        "customer_source",
        "email",
        "phone",
        "type",
        "channel",
        "occurred_at",
        "amount",
        "currency",
        "cost",
        "source",
        "external_id",
        "payload",
    ),
}
"""What a file of each kind can hold."""

NEEDED: Mapping[ImportKind, Sequence[Sequence[str]]] = {
    "customers": (("external_id", "email", "phone"),),
    "touchpoints": (
        ("customer_id", "customer_external_id", "email", "phone"),
        ("type",),
        ("occurred_at",),
        ("source",),
    ),
}


@dataclass(frozen=True)
class ColumnMapping:
    """Which columns of a file hold which fields.

    A column that is called like a field holds that field, however it is spelled (`occurredAt`, `Occurred at`);
    ``columns`` names the others, with ``-`` for those to leave out. ``constants`` are the same for every row.
    """

    kind: ImportKind
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)

    def field_of(self, column: str) -> str | None:
        """Return the field that a column holds, None for one that is left out; raise ``UnknownColumn``."""
        known = FIELDS[self.kind]
        wanted = self.columns.get(column, _as_field(column))
        if wanted == LEFT_OUT:
            return None
        if wanted not in known:
            near = get_close_matches(wanted, known, n=1)
            raise UnknownColumn(column, known, nearest=near[0] if near else None)
        return wanted

    def fields_of(self, columns: Sequence[str]) -> tuple[str | None, ...]:
        """Return the field that each column holds.

        Raises ``UnknownColumn``, ``ColumnTwice`` where a field is given twice, ``MissingColumn`` where one lacks that
        every row needs, and ``UnknownValue`` where the mapping names a field that there is not.
        """
        self._check()
        given = dict.fromkeys(self.constants, "the value for all rows")
        fields = tuple(map(self.field_of, columns))
        for column, found in zip(columns, fields, strict=True):
            if found in given:
                raise ColumnTwice(found, given[found], column)
            if found is not None:
                given[found] = column
        self._check_needed(columns, given)
        return fields

    def _check(self) -> None:
        known = FIELDS[self.kind]
        for wanted in (*self.columns.values(), *self.constants):
            if wanted not in known and wanted != LEFT_OUT:
                raise UnknownValue(f"field of {self.kind}", wanted, known, path=("mapping",))

    def _check_needed(self, columns: Sequence[str], given: Mapping[str, str]) -> None:
        for missing in self.columns.keys() - set(columns):
            raise MissingColumn(f"column {missing!r}, which the mapping names", columns)
        for alternatives in NEEDED[self.kind]:
            if not any(wanted in given for wanted in alternatives):
                raise MissingColumn(" or ".join(alternatives), columns)
        if self.kind == "customers" and "external_id" in given and "source" not in given:
            raise MissingColumn("source, the system that gave the external ids", columns)


def _as_field(column: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.strip())
    return re.sub(r"[\s_-]+", "_", words).lower()
