"""What an admin can learn of how an operation was answered; never its SQL, nor a value in it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PLANS_READ", "Report"]

PLANS_READ = "plans:read"


@dataclass
class Report:
    """How one operation was answered: by plan or field by field, and why the latter.

    ``opaque_fields`` stand in the way of a plan; ``problem`` is what went wrong in one.
    """

    began: float = field(default_factory=time.perf_counter)
    is_planned: bool = False
    is_known: bool = False
    statements: int = 0
    opaque_fields: tuple[str, ...] = ()
    problem: str | None = None
    sql_hash: str | None = None

    def shown(self) -> Mapping[str, Any]:
        """Return the report as ``extensions`` carry it."""
        return {
            "plan": {
                "mode": "planned" if self.is_planned else "executed",
                "statements": self.statements,
                "cacheHit": self.is_known,
                "opaqueFields": self.opaque_fields,
                "problem": self.problem,
                "sqlHash": self.sql_hash,
                "ms": round((time.perf_counter() - self.began) * 1000, 2),
            }
        }
