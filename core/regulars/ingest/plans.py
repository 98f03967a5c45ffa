"""Say how a file is to be read and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, get_args
from zoneinfo import available_timezones

import orjson

from regulars.customers.changes import InvalidTimeZone
from regulars.errors import UnknownValue
from regulars.ingest.columns import ColumnMapping, ImportKind
from regulars.ingest.files import ImportFile

__all__ = ["ImportPlan", "plan_import"]


@dataclass(frozen=True)
class ImportPlan:
    """How a file is to be read and written.

    ``create_customers`` says whether customers whom only a touchpoint names are created; None: those that are named by
    an external id. ``time_zone`` is the IANA zone of times that are written without one.
    """

    mapping: ColumnMapping
    create_customers: bool | None = None
    time_zone: str | None = None

    def fingerprint(self, file: ImportFile) -> str:
        """Return what stands for the content of the file and for all that decides what is made of it."""
        mapping = self.mapping
        parts = [
            file.sha256,
            file.format,
            mapping.kind,
            sorted(mapping.columns.items()),
            sorted(mapping.constants.items()),
            self.create_customers,
            self.time_zone,
        ]
        return sha256(orjson.dumps(parts)).hexdigest()

    def as_json(self) -> Mapping[str, Any]:
        """Return the plan as the input of a job keeps it."""
        return {
            "kind": self.mapping.kind,
            "columns": dict(self.mapping.columns),
            "constants": dict(self.mapping.constants),
            "createCustomers": self.create_customers,
            "timeZone": self.time_zone,
        }


def plan_import(
    kind: str,
    *,
    columns: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
    source: str | None = None,
    create_customers: bool | None = None,
    time_zone: str | None = None,
) -> ImportPlan:
    """Return the plan; ``source`` is short for the constant of that name.

    Raises ``UnknownValue`` for another kind, and ``InvalidTimeZone``. Fields are checked when the file is known.
    """
    chosen: ImportKind | None = next((known for known in get_args(ImportKind) if known == kind), None)
    if chosen is None:
        raise UnknownValue("kind of import", kind, get_args(ImportKind), path=("kind",))
    if time_zone is not None and time_zone not in available_timezones():
        raise InvalidTimeZone(time_zone)
    fixed = dict(constants or {}) | ({} if source is None else {"source": source})
    return ImportPlan(ColumnMapping(chosen, dict(columns or {}), fixed), create_customers, time_zone)
