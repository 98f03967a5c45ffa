"""What a change leaves behind — its events, its entries in the audit log — gathered, and written by one statement.

Nobody reads such rows in the change that makes them, so they need not be written one by one when they are made. A
session writes them when it flushes, hence before it commits and before whatever the ORM asks next.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from regulars.prepared import Command, Row, columns_of
from regulars.tables import Table

__all__ = ["NOTES", "Notes", "NotingSession", "note"]

NOTES = "regulars.notes"
"""In the info of a session, its notes."""


@dataclass
class Notes:
    """Rows that wait to be written, by their table."""

    waiting: dict[type[Table], list[Row]] = field(default_factory=dict)

    def add(self, kind: type[Table], row: Row) -> None:
        """Let a row wait."""
        self.waiting.setdefault(kind, []).append(row)

    def take(self, dialect: str, condition: Command | None = None) -> Sequence[Command]:
        """Return what writes all of them, on ``sqlite`` or ``postgresql``; then none wait any more.

        With a ``condition``, a statement that changes something and returns a row, they are written if it does so.
        """
        waiting, self.waiting = self.waiting, {}
        kinds = [(columns_of(kind, dialect), rows) for kind, rows in waiting.items()]
        if dialect == "sqlite":
            notes = [Command(into.insert_on_sqlite(), many=[into.written(row) for row in rows]) for into, rows in kinds]
            return notes if condition is None else [replace(condition, is_condition=True), *notes]
        if not waiting:
            return () if condition is None else [condition]
        values = [value for into, rows in kinds for value in into.for_postgres(rows)]
        tables: Any = tuple((kind, len(rows) > 1) for kind, rows in waiting.items())
        if condition is None:
            return [Command(_insert_together(tables), values)]
        given = condition.values
        return [Command(_insert_together(tables, condition.text, len(given)), [*given, *values])]


class NotingSession(Session):
    """A session that keeps notes: they are written with, and forgotten like, whatever else waits in it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.notes: Notes = self.info.setdefault(NOTES, Notes())

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write what has changed, and the notes after it."""
        super().flush(objects)
        if self.notes.waiting:
            self.write_notes()

    def write_notes(self) -> None:
        """Write the notes."""
        connection = self.connection()
        for command in self.notes.take(connection.dialect.name):
            given = tuple(command.values) if command.many is None else list(command.many)
            connection.exec_driver_sql(command.text, given)

    def expunge_all(self) -> None:
        """Forget everything that waits."""
        super().expunge_all()
        self.notes.waiting.clear()


@event.listens_for(NotingSession, "before_commit")
def _write(session: NotingSession) -> None:
    session.flush()


@event.listens_for(NotingSession, "after_soft_rollback")
def _forget(session: NotingSession, _transaction: object) -> None:
    # What waited when a savepoint was set was written then, so nothing of it is lost here.
    session.notes.waiting.clear()


def note(session: AsyncSession, kind: type[Table], row: Row) -> None:
    """Let a row be added to the table of ``kind`` at the end of what the session does now; it names every column."""
    notes: Notes | None = session.info.get(NOTES)
    assert notes is not None, "The Database gives out sessions."
    notes.add(kind, row)


@cache
def _insert_together(kinds: tuple[tuple[Any, bool], ...], condition: str | None = None, taken: int = 0) -> str:
    """Return the statement that inserts into several tables on PostgreSQL, one row or many into each.

    With a ``condition``, whose values take the first places, it does so if that returns a row, and returns it.
    """
    inserts, place = [], taken + 1
    for kind, has_many in kinds:
        into = columns_of(kind, "postgresql")
        inserts.append(into.insert_on_postgres(has_many=has_many, first=place))
        place += len(into.names)
    if condition is None:
        *inserts, last = inserts
        named = [f"note_{number} AS ({insert})" for number, insert in enumerate(inserts)]
        return f"WITH {', '.join(named)} {last}" if named else last
    where = "WHERE EXISTS (SELECT FROM made)"
    named = [f"note_{number} AS ({insert} {where})" for number, insert in enumerate(inserts)]
    return f"WITH {', '.join([f'made AS ({condition})', *named])} SELECT * FROM made"  # noqa: S608  # names of ours
