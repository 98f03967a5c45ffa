"""Tell what became of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regulars.ingest.models import Import
from regulars.ingest.outcomes import Outcome
from regulars.ingest.records import Rejection

__all__ = ["ImportReport", "report_of"]

SHOWN_PROBLEMS = 10


@dataclass
class ImportReport:
    """What became of a file.

    The counts are of all runs over this file, of which the one that ends began at the record ``began_at``; ``problems``
    are its first rejections. ``customers`` counts those who were created because a touchpoint named them.
    ``rejects_file`` is None where nothing was rejected. ``was_finished`` says that there was nothing left to do.
    """

    records: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    customers: int = 0
    rejected: int = 0
    began_at: int = 0
    was_finished: bool = False
    rejects_file: Path | None = None
    problems: list[Rejection] = field(default_factory=list)

    def add(self, records: int, outcome: Outcome) -> None:
        """Count one chunk."""
        self.records += records
        self.created += outcome.created
        self.updated += outcome.updated
        self.unchanged += outcome.unchanged
        self.customers += outcome.customers
        self.rejected += len(outcome.rejections)
        room = SHOWN_PROBLEMS - len(self.problems)
        self.problems += sorted(outcome.rejections, key=lambda one: one.line)[:room]

    def as_json(self) -> Mapping[str, Any]:
        """Return the report for programs; rows stay in the file of rejected ones."""
        return {
            "records": self.records,
            "created": self.created,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "customersCreated": self.customers,
            "rejected": self.rejected,
            "beganAt": self.began_at,
            "wasFinished": self.was_finished,
            "problems": [
                {"line": one.line, "code": one.error.code, "message": str(one.error)} for one in self.problems
            ],
        }


def report_of(row: Import) -> ImportReport:
    """Return the report of what is done so far."""
    return ImportReport(
        records=row.records,
        created=row.created,
        updated=row.updated,
        unchanged=row.unchanged,
        customers=row.customers,
        rejected=row.rejected,
        began_at=row.records,
        was_finished=row.ended_at is not None,
        rejects_file=None if row.rejects_file is None or not row.rejected else Path(row.rejects_file),
    )
