"""Put faults into words, for operators and for the log of work that must go on."""

from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import FilteringBoundLogger

__all__ = ["in_one_line", "log_fault"]

LONGEST = 500


def in_one_line(error: BaseException) -> str:
    """Return the error's kind and the first line of its message, at most 500 characters.

    Errors of a database go on with the statement and its values, which can be personal.
    """
    return f"{type(error).__name__}: {error}".split("\n", 1)[0][:LONGEST].rstrip(": ")


def log_fault(log: FilteringBoundLogger, event: str, error: Exception, **facts: object) -> None:
    """Log that one round of endless work failed: one line while the database is away, else with the traceback."""
    if isinstance(error, SQLAlchemyError | OSError):
        log.warning(event, problem=in_one_line(error), **facts)
    else:
        log.error(event, exc_info=error, **facts)
