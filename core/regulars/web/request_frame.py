"""Around every request: an id, headers that protect browsers, one line of log, and an answer to faults."""

import re
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from regulars.watch.figures import OTHER
from regulars.watch.watching import Watch
from regulars.web.problems import problem_response

__all__ = ["RequestFrame"]

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
LONG_SEGMENT: Final = re.compile(r"[^/]{25,}")
SAFE_NAME: Final = re.compile(r"[A-Za-z0-9_.:,-]{1,120}")
NOTES: Final = ("operation", "hash", "code", "codes", "plugin", "actor")
INTERNAL_ERROR: Final = 1011
LONGEST_PATH: Final = 120
QUIET_PATHS: Final = frozenset({"/live", "/ready"})
STARTS: Final = frozenset({"http.response.start", "websocket.http.response.start", "websocket.accept"})
PROTECTION: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "cache-control": "no-store",
}

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
        request = _Request.of(scope)
        if scope["type"] == "websocket":
            with self._watch.socket():
                await self._answer(request, _Answer(send, request.id), scope, receive, send)
            return
        answer = _Answer(send, request.id)
        if request.path in QUIET_PATHS:
            await self._answer(request, answer, scope, receive, send)
            return
        first = request.path.split("/", 2)[1] if request.path.startswith("/") else ""
        door = first if first in self._doors else OTHER
        with self._watch.request(request.method, door, headers=Headers(scope=scope)) as watched:
            request.trace_id = watched.trace_id
            try:
                await self._answer(request, answer, scope, receive, send)
            finally:
                watched.status, watched.notes = answer.status, request.safe_notes

    async def _answer(self, request: "_Request", answer: "_Answer", scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:  # the last place where a fault can be answered instead of cutting the connection
            request.notes.setdefault("code", "INTERNAL")
            log.error("fault", requestId=request.id, exc_info=error)
            if answer.status is None:
                await request.fault_response()(scope, receive, answer.send)
            elif scope["type"] == "websocket":
                with suppress(RuntimeError):  # it may be closed already
                    await send({"type": "websocket.close", "code": INTERNAL_ERROR})
        finally:
            request.write_line(answer.status)


@dataclass
class _Request:
    id: str
    method: str
    path: str
    started: float
    notes: dict[str, Any]
    trace_id: str | None = None

    @classmethod
    def of(cls, scope: Scope) -> "_Request":
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else str(uuid7())
        state = scope.setdefault("state", {})
        notes: dict[str, Any] = {}
        state["request_id"], state["log"] = request_id, notes
        return cls(request_id, scope.get("method", "WEBSOCKET"), scope["path"], time.perf_counter(), notes)

    def fault_response(self) -> Response:
        detail = "Something went wrong here. Tell the operator of this server the requestId."
        return problem_response(500, code="INTERNAL", detail=detail, request_id=self.id)

    @property
    def safe_notes(self) -> Mapping[str, str]:
        """Return what may be logged of the notes, as they are now."""
        return {key: self.notes[key] for key in NOTES if SAFE_NAME.fullmatch(str(self.notes.get(key, "")))}

    def write_line(self, status: int | None) -> None:
        if self.path in QUIET_PATHS and status == 200:
            return
        traced = {} if self.trace_id is None else {"traceId": self.trace_id}
        write = log.error if status is not None and status >= 500 else log.info
        write(
            "request",
            method=self.method,
            path=_quiet_path(self.path),
            status=status,
            ms=round((time.perf_counter() - self.started) * 1000, 1),
            requestId=self.id,
            **traced,
            **self.safe_notes,
        )


class _Answer:
    """Passes an answer on, with the headers that every answer has."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._request_id = send, request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] in STARTS:
            self.status = message.get("status", 101)
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self._request_id
            if self.status != 101:
                for name, value in PROTECTION.items():
                    headers.setdefault(name, value)
        await self._send(message)


def _quiet_path(path: str) -> str:
    # A long segment may be a token that lets its holder in.
    return LONG_SEGMENT.sub("‹…›", path[:LONGEST_PATH])
