"""Count the SQL statements of a request or a job, for traces."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["StatementCount", "count_direct_statement", "count_statements", "counting_statements"]


@dataclass
class StatementCount:
    """How many statements there were so far."""

    statements: int = 0


_COUNT: ContextVar[StatementCount | None] = ContextVar("regulars_statement_count", default=None)


def count_statements(engines: Iterable[AsyncEngine]) -> None:
    """Let the statements of these engines be counted wherever somebody counts."""
    for engine in engines:
        event.listen(engine.sync_engine, "before_cursor_execute", _count)


def count_direct_statement(_statement: str) -> None:
    """Count a statement that passes by SQLAlchemy, wherever somebody counts."""
    _count()


@contextmanager
def counting_statements() -> Iterator[StatementCount]:
    """Count the statements of this block, and of the tasks that it starts."""
    count = StatementCount()
    token = _COUNT.set(count)
    try:
        yield count
    finally:
        _COUNT.reset(token)


def _count(*_arguments: Any) -> None:
    count = _COUNT.get()
    if count is not None:
        count.statements += 1
