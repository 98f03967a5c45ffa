"""Write an export page by page, from where it stopped; memory does not grow with the number of rows."""

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from regulars.errors import RegularsError
from regulars.exports.columns import ID_ALIAS, document
from regulars.exports.plans import ExportPlan
from regulars.exports.rows import errors_header, header, lines_of, lines_of_errors
from regulars.fields.asking import Ask

__all__ = ["Allowed", "ExportFailed", "ExportState", "FileExport", "open_at"]

Allowed = Callable[[Sequence[UUID]], Awaitable[Mapping[UUID, str]]]
"""Says for each customer why they may not be contacted; those who may be are left out."""

Tell = Callable[["ExportState"], Awaitable[None]]


class ExportFailed(RegularsError):
    """A page of an export could not be read at all."""

    code = "EXPORT_FAILED"

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        first = errors[0]["message"] if errors else "nothing came back"
        super().__init__(f"The rows could not be read: {first}")


@dataclass
class ExportState:
    """How far an export is: what was asked last, how many rows there are, and how long the files are.

    ``left_out`` counts customers who may not be contacted, by the reason.
    """

    cursor: str | None = None
    rows: int = 0
    problems: int = 0
    size: int = 0
    problems_size: int = 0
    is_done: bool = False
    left_out: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the state as a checkpoint keeps it."""
        return {
            "cursor": self.cursor,
            "rows": self.rows,
            "problems": self.problems,
            "size": self.size,
            "problemsSize": self.problems_size,
            "leftOut": dict(self.left_out),
        }

    @classmethod
    def read(cls, note: Mapping[str, Any] | None) -> "ExportState":
        """Return the state of a checkpoint, or of a beginning."""
        if note is None:
            return cls()
        return cls(
            cursor=note["cursor"],
            rows=note["rows"],
            problems=note["problems"],
            size=note["size"],
            problems_size=note["problemsSize"],
            left_out=Counter(note["leftOut"]),
        )


@dataclass(frozen=True)
class FileExport:
    """An export on its way into two files: the rows, and what could not be read of them."""

    plan: ExportPlan
    ask: Ask
    allowed: Allowed | None = None

    async def write(self, rows: BinaryIO, problems: BinaryIO, state: ExportState, *, tell: Tell) -> ExportState:
        """Write all that comes after ``state``; ``tell`` hears of each page once it is on disk.

        Raises ``ExportFailed``.
        """
        plan = self.plan
        query = document(plan.kind, plan.columns, page=plan.page)
        if state.size == 0:
            state.size = _write(rows, header(plan.format, plan.columns), after=0)
            state.problems_size = _write(problems, errors_header(), after=0)
        while not state.is_done:
            variables = {"after": state.cursor, "where": plan.where or None}
            answer = await self.ask(query, variables, plan.actor)
            page = (answer.get("data") or {}).get(plan.kind)
            if page is None:
                raise ExportFailed(answer.get("errors") or ())
            await self._write_page(rows, problems, state, page["nodes"], answer.get("errors") or ())
            state.cursor = page["pageInfo"]["endCursor"]
            state.is_done = not page["pageInfo"]["hasNextPage"]
            await tell(state)
        return state

    async def _write_page(
        self,
        rows: BinaryIO,
        problems: BinaryIO,
        state: ExportState,
        nodes: Sequence[Mapping[str, Any]],
        errors: Sequence[Mapping[str, Any]],
    ) -> None:
        refused: Mapping[UUID, str] = {}
        if self.allowed is not None and nodes:
            refused = await self.allowed([UUID(node[ID_ALIAS]) for node in nodes])
        kept = [node for node in nodes if UUID(node[ID_ALIAS]) not in refused]
        state.left_out.update(refused.values())
        state.size = _write(rows, lines_of(self.plan.format, kept, self.plan.columns), after=state.size)
        told = [_problem(error, nodes) for error in errors]
        state.problems_size = _write(problems, lines_of_errors(told), after=state.problems_size)
        state.rows += len(kept)
        state.problems += len(told)


def open_at(path: Path, size: int) -> BinaryIO:
    """Open a file to go on after so many bytes; what stands behind them is dropped."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    file = os.fdopen(descriptor, "r+b")
    file.truncate(size)
    return file


def _write(file: BinaryIO, content: bytes, *, after: int) -> int:
    if content:
        file.seek(after)
        file.write(content)
    return after + len(content)


def _problem(error: Mapping[str, Any], nodes: Sequence[Mapping[str, Any]]) -> tuple[str, str, str, str]:
    """Return the row's id, the column, the code and the message of an error in a page."""
    path = [str(part) for part in error.get("path") or ()]
    place = path[2] if len(path) > 2 and path[1] == "nodes" and path[2].isdecimal() else None
    id = "" if place is None else str(nodes[int(place)][ID_ALIAS])
    column = ".".join(part for part in path[3:] if not part.isdecimal())
    code = str((error.get("extensions") or {}).get("code", ""))
    return id, column, code, str(error.get("message", ""))
