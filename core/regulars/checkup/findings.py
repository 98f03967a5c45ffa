"""What a check-up finds, and what follows from it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["EXIT_CODES", "Finding", "Level", "as_json", "exit_code"]

Level = Literal["well", "warning", "problem"]

EXIT_CODES: dict[Level, int] = {"well": 0, "problem": 1, "warning": 3}
"""What the command ends with, by the worst that was found; 2 is a wrong command."""

WORST_FIRST: tuple[Level, ...] = ("problem", "warning", "well")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: how it is, and what to do about it; ``next_step`` is empty when all is well."""

    subject: str
    level: Level
    message: str
    next_step: str = ""


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the exit code for these findings."""
    levels = {finding.level for finding in findings}
    return next((EXIT_CODES[level] for level in WORST_FIRST if level in levels), 0)


def as_json(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return the findings for programs."""
    return [
        {"nextStep" if name == "next_step" else name: value for name, value in asdict(finding).items()}
        for finding in findings
    ]
