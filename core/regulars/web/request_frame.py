"""Around every request: an id, headers that protect browsers, one line of log, and an answer to faults."""

import re
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from regulars.watch.figures import OTHER, Figures
from regulars.watch.watching import Watch
from regulars.web.logging import log_short_facts
from regulars.web.problems import INTERNAL, answer_fault

__all__ = ["RequestFrame"]

REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
REQUEST_ID_HEADER: Final = b"x-request-id"
LONG_SEGMENT: Final = re.compile(r"[^/]{25,}")
SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_.:,-]{1,120}")
NOTES: Final = ("operation", "hash", "code", "codes", "plugin", "actor")
INTERNAL_ERROR: Final = 1011
LONGEST_PATH: Final = 120
QUIET_PATHS: Final = frozenset({"/live", "/ready"})
STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start", "websocket.accept"})
PROTECTION: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"cache-control", b"no-store"),
)
PROTECTED: Final = frozenset(name for name, _ in PROTECTION)

log = structlog.get_logger("regulars.requests")


class RequestFrame:
    """Gives each request an id and answers for it.

    What lies inside finds ``request.state.request_id``, and may note ``operation``, ``hash``, ``code``, ``codes``,
    ``plugin`` and ``actor`` in the dictionary ``request.state.log``: these, and nothing else of what a client sent, are
    logged. ``watch`` counts and traces it; ``doors`` are the first parts of the paths that there are. A response may
    bring any of the protecting headers itself, such as the content security policy of a page.
    """

    def __init__(self, app: ASGIApp, watch: Watch | None = None, doors: Collection[str] = ()) -> None:
        self._app, self._watch, self._doors = app, watch or Watch(), frozenset(doors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or WebSocket; other messages pass."""
        kind, watch = scope["type"], self._watch
        if kind not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send)
        if kind == "websocket":
            with watch.socket():
                await self._answer(request, scope, receive)
        elif request.path in QUIET_PATHS:
            await self._answer(request, scope, receive)
        else:
            request.figures, request.door = watch.figures, self._door(request.path)
            if watch.is_tracing:
                await self._trace(request, scope, receive)
            else:
                await self._answer(request, scope, receive)

    def _door(self, path: str) -> str:
        first = path[1:].partition("/")[0]
        return first if first in self._doors and path[:1] == "/" else OTHER

    async def _trace(self, request: "_Request", scope: Scope, receive: Receive) -> None:
        with self._watch.request(request.method, request.door, headers=scope["headers"]) as span:
            request.trace_id = span.trace_id
            try:
                await self._answer(request, scope, receive)
            finally:
                noted = {f"regulars.{name}": value for name, value in request.notes.items() if name != "actor"}
                span.note({"http.response.status_code": request.status or 0, **noted})

    async def _answer(self, request: "_Request", scope: Scope, receive: Receive) -> None:
        try:
            await self._app(scope, receive, request.send)
        except Exception as error:  # the last place where a fault can be answered instead of cutting the connection
            request.notes.setdefault("code", INTERNAL)
            log.error("fault", requestId=request.id, exc_info=error)
            if request.status is None:
                await answer_fault(scope, error, request_id=request.id)(scope, receive, request.send)
            elif scope["type"] == "websocket":
                with suppress(RuntimeError):  # it may be closed already
                    await request.send({"type": "websocket.close", "code": INTERNAL_ERROR})
        finally:
            request.end()


class _Request:
    """One request on its way, and what it is answered with: its answer passes here, to get the headers of every one."""

    __slots__ = ("_send", "_started", "door", "figures", "id", "method", "notes", "path", "status", "trace_id")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send, self._started = send, time.perf_counter()
        self.id = _given_id(scope["headers"]) or str(uuid7())
        self.method: str = scope.get("method", "WEBSOCKET")
        self.path: str = scope["path"]
        self.door = OTHER
        self.figures: Figures | None = None
        self.status: int | None = None
        self.trace_id: str | None = None
        self.notes: dict[str, Any] = {}
        state = scope.setdefault("state", {})
        state["request_id"], state["log"] = self.id, self.notes

    async def send(self, message: Message) -> None:
        """Pass a message on, the beginning of an answer with the headers that every answer has."""
        if message["type"] in STARTS:
            self.status = message.get("status", 101)
            headers = list(message.get("headers", ()))
            brought = dict(headers)
            if REQUEST_ID_HEADER in brought:
                headers = [pair for pair in headers if pair[0] != REQUEST_ID_HEADER]
            headers.append((REQUEST_ID_HEADER, self.id.encode()))
            if self.status != 101:
                headers += PROTECTION if PROTECTED.isdisjoint(brought) else _missing(brought)
            message["headers"] = headers
        await self._send(message)

    def end(self) -> None:
        """Keep what may be logged of the notes, count the request, and log it."""
        seconds, given = time.perf_counter() - self._started, self.notes
        self.notes = {key: given[key] for key in NOTES if key in given and SAFE_NAME.fullmatch(str(given[key]))}
        if self.figures is not None:
            self.figures.request(door=self.door, status=self.status or 0, notes=self.notes, seconds=seconds)
        elif self.path in QUIET_PATHS and self.status == 200:
            return
        facts: dict[str, str | int | float | None] = {
            "method": self.method,
            "path": _quiet_path(self.path),
            "status": self.status,
            "ms": round(seconds * 1000, 1),
            "requestId": self.id,
        }
        if self.trace_id is not None:
            facts["traceId"] = self.trace_id
        level = "error" if self.status is not None and self.status >= 500 else "info"
        log_short_facts(log, level, "request", facts | self.notes)


def _given_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the id that a request brings, if it is one that can be logged."""
    for name, value in headers:
        if name == REQUEST_ID_HEADER:
            return value.decode() if REQUEST_ID.fullmatch(value) else None
    return None


def _missing(brought: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    return [pair for pair in PROTECTION if pair[0] not in brought]


def _quiet_path(path: str) -> str:
    # A long segment may be a token that lets its holder in.
    return LONG_SEGMENT.sub("‹…›", path[:LONGEST_PATH])
