"""What became of the rows of a file."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from regulars.ingest.records import Rejection

__all__ = ["Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What became of the rows of one chunk.

    ``customers`` counts those who were created because a touchpoint named them.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    customers: int = 0
    rejections: Sequence[Rejection] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Return how many rows it tells of."""
        return self.created + self.updated + self.unchanged + len(self.rejections)

    @property
    def written(self) -> Sequence[str]:
        """Return in words how much was written; nothing where nothing was."""
        counts = {"created": self.created, "updated": self.updated, "customers created": self.customers}
        return [f"{count} {what}" for what, count in counts.items() if count]
