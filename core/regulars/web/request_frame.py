"""Around every request: an id, headers that protect browsers, one line of log, and an answer to faults."""

import re
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils import uuid7

from regulars.watch.figures import OTHER
from regulars.watch.watching import Watch
from regulars.web.logging import log_short_facts
from regulars.web.problems import problem_response

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
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request = _Request(scope, send)
        if scope["type"] == "websocket":
            with self._watch.socket():
                await self._answer(request, scope, receive)
            return
        if request.path in QUIET_PATHS:
            await self._answer(request, scope, receive)
            return
        first = request.path.split("/", 2)[1] if request.path.startswith("/") else ""
        door = first if first in self._doors else OTHER
        with self._watch.request(request.method, door, headers=scope["headers"]) as watched:
            request.trace_id = watched.trace_id
            try:
                await self._answer(request, scope, receive)
            finally:
                watched.status, watched.notes = request.status, request.safe_notes

    async def _answer(self, request: "_Request", scope: Scope, receive: Receive) -> None:
        try:
            await self._app(scope, receive, request.send)
        except Exception as error:  # the last place where a fault can be answered instead of cutting the connection
            request.notes.setdefault("code", "INTERNAL")
            log.error("fault", requestId=request.id, exc_info=error)
            if request.status is None:
                await request.fault_response()(scope, receive, request.send)
            elif scope["type"] == "websocket":
                with suppress(RuntimeError):  # it may be closed already
                    await request.send({"type": "websocket.close", "code": INTERNAL_ERROR})
        finally:
            request.end()


class _Request:
    """One request on its way, and what it is answered with: its answer passes here, to get the headers of every one."""

    __slots__ = ("_send", "_started", "id", "method", "notes", "path", "safe_notes", "status", "trace_id")

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send, self._started = send, time.perf_counter()
        self.id = _given_id(scope["headers"]) or str(uuid7())
        self.method: str = scope.get("method", "WEBSOCKET")
        self.path: str = scope["path"]
        self.status: int | None = None
        self.trace_id: str | None = None
        self.notes: dict[str, Any] = {}
        self.safe_notes: Mapping[str, str] = {}
        state = scope.setdefault("state", {})
        state["request_id"], state["log"] = self.id, self.notes

    async def send(self, message: Message) -> None:
        """Pass a message on, the beginning of an answer with the headers that every answer has."""
        if message["type"] in STARTS:
            self.status = message.get("status", 101)
            headers = [pair for pair in message.get("headers", ()) if pair[0] != REQUEST_ID_HEADER]
            headers.append((REQUEST_ID_HEADER, self.id.encode()))
            if self.status != 101:
                brought = {name for name, _ in headers}
                headers += [pair for pair in PROTECTION if pair[0] not in brought]
            message["headers"] = headers
        await self._send(message)

    def fault_response(self) -> Response:
        detail = "Something went wrong here. Tell the operator of this server the requestId."
        return problem_response(500, code="INTERNAL", detail=detail, request_id=self.id)

    def end(self) -> None:
        """Keep what may be logged of the notes, and log it with the rest."""
        notes = self.notes
        self.safe_notes = {key: notes[key] for key in NOTES if key in notes and SAFE_NAME.fullmatch(str(notes[key]))}
        if self.path in QUIET_PATHS and self.status == 200:
            return
        facts: dict[str, str | int | float | None] = {
            "method": self.method,
            "path": _quiet_path(self.path),
            "status": self.status,
            "ms": round((time.perf_counter() - self._started) * 1000, 1),
            "requestId": self.id,
        }
        if self.trace_id is not None:
            facts["traceId"] = self.trace_id
        level = "error" if self.status is not None and self.status >= 500 else "info"
        log_short_facts(log, level, "request", facts | self.safe_notes)


def _given_id(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return the id that a request brings, if it is one that can be logged."""
    for name, value in headers:
        if name == REQUEST_ID_HEADER:
            return value.decode() if REQUEST_ID.fullmatch(value) else None
    return None


def _quiet_path(path: str) -> str:
    # A long segment may be a token that lets its holder in.
    return LONG_SEGMENT.sub("‹…›", path[:LONGEST_PATH])
