"""Say why a plugin failed: in words for people, as a traceback for the log, without personal data in either."""

import secrets
import traceback
from pathlib import Path

from sqlalchemy.exc import DBAPIError
from structlog.typing import FilteringBoundLogger

from regulars.errors import RegularsError

__all__ = ["describe", "log_traceback", "place_in", "told"]

LONGEST = 300
MOST_FRAMES = 20


def describe(error: BaseException) -> str:
    """Return an error as a sentence for people: its type and the first line of its message, shortened.

    What a database says is left out, since it quotes rows.
    """
    name = type(error).__name__
    if isinstance(error, DBAPIError):
        return f"{name} ({type(error.orig).__name__})."
    lines = _message(error).strip().splitlines()
    if not lines:
        return f"{name}."
    text = lines[0] if len(lines[0]) <= LONGEST else f"{lines[0][:LONGEST]}…"
    return f"{name}: {text}" + ("" if text.endswith((".", "!", "?", "…")) else ".")


def told(error: BaseException) -> str:
    """Return an error of ours in its own words, any other one as ``describe`` does."""
    return str(error) if isinstance(error, RegularsError) else describe(error)


def place_in(package: str, error: BaseException) -> str | None:
    """Return where in a plugin's package an error arose, as file and line; None where it did not, or says so itself."""
    if isinstance(error, SyntaxError):
        return None
    places = [
        f"{Path(frame.f_code.co_filename).name}, line {line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package
    ]
    return places[-1] if places else None


def log_traceback(log: FilteringBoundLogger, plugin_id: str, hook: str, error: BaseException) -> str:
    """Log where a plugin failed and return the reference under which the log has it."""
    reference = secrets.token_hex(4)
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    log.error(
        "plugin.failed",
        plugin=plugin_id,
        hook=hook,
        reference=reference,
        reason=describe(error),
        traceback=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    )
    return reference


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a plugin's own error class may be broken, too
        return ""
