"""Logs: JSON lines in production, readable ones in development, and nothing personal in either."""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict

from regulars.settings import Settings

__all__ = ["LONGEST_LINE", "log_short_facts", "set_up_logging"]

LONGEST_LINE = 8192
LONGEST_WORD = 300
FRAMES = 8
MAIL_ADDRESS = re.compile(r"[^\s@\"'<>(){}\[\],;:=/]+(?:@|%40)[^\s@\"'<>(){}\[\],;:=/]+")
QUIET_LOGGERS = {
    # It logs the text of every document that fails, with whatever a client wrote into it.
    "strawberry.execution": logging.CRITICAL,
    "uvicorn.error": logging.WARNING,
    "uvicorn.access": logging.CRITICAL,
    "alembic": logging.WARNING,
    "apscheduler": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "watchfiles": logging.WARNING,
}


def set_up_logging(settings: Settings, *, to: TextIO | None = None) -> None:
    """Send every log of this process to standard output or ``to``, one line each, of limited length in production.

    Mail addresses are masked wherever they appear, and ``Pii`` and ``Secret`` print as what they are. An error is told
    by its type, its masked message and the places in the code, never with the values of variables.
    """
    stream = to or sys.stdout
    is_production = settings.mode == "production"
    renderer = _json_line if is_production else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    shared: list[Any] = [structlog.stdlib.add_log_level, _add_time, _shorten_fault, _mask]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_Lines(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name, level in QUIET_LOGGERS.items():
        logging.getLogger(name).setLevel(level)


def log_short_facts(log: Any, level: str, event: str, facts: Mapping[str, str | int | float | None]) -> None:
    """Log what every request leaves, as ``log`` would: short facts, in production without the steps for other ones."""
    set_up = structlog.get_config()
    if set_up["processors"][-1] is not _json_line:
        getattr(log, level)(event, **facts)
        return
    line = orjson.dumps({**facts, "event": event, "level": level, "at": _now()})
    if b"@" in line or b"%40" in line:
        masked = {key: _masked(value) for key, value in facts.items()}
        line = orjson.dumps({**masked, "event": event, "level": level, "at": _now()})
    set_up["logger_factory"].write(line.decode())


class _Lines:
    """Gives loggers that write to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._loggers = structlog.WriteLoggerFactory(stream)
        self.write = self._loggers().msg

    def __call__(self, *names: object) -> structlog.WriteLogger:
        return self._loggers(*names)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _add_time(_logger: object, _method: str, event: EventDict) -> EventDict:
    event["at"] = _now()
    return event


def _shorten_fault(_logger: object, _method: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else given[1] if isinstance(given, tuple) else sys.exc_info()[1]
    if given and error is not None:
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["fault"] = f"{type(error).__name__}: {error}"
        event["places"] = [f"{_module_path(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _module_path(filename: str) -> str:
    parts = filename.replace("\\", "/").split("/")
    return "/".join(parts[-3:])


def _mask(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _masked_text(value)
    if value is None or isinstance(value, int | float | datetime):
        return value
    if isinstance(value, Mapping):
        return {_masked(key): _masked(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(inner) for inner in value]
    return _masked(str(value))


def _masked_text(text: str) -> str:
    short = text if len(text) <= LONGEST_WORD else f"{text[:LONGEST_WORD]}…"
    return MAIL_ADDRESS.sub("‹pii:email›", short) if "@" in short or "%40" in short else short


def _json_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    line = _json(event)
    if len(line) <= LONGEST_LINE:
        return line.decode()
    kept: dict[str, Any] = {}
    for key, value in event.items():
        if len(_json({**kept, key: value})) <= LONGEST_LINE - len(',"isShortened":true'):
            kept[key] = value
    return _json({**kept, "isShortened": True}).decode()


def _json(event: Mapping[str, Any]) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS)
