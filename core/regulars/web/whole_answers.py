"""Send an answer in one piece: uvicorn sends head and body of each in two, and looks at every header by itself.

Source: RFC 9110, 5.1 and 5.5, for what names and values of headers may hold.
"""

from collections.abc import Awaitable
from http import HTTPStatus
from string import ascii_letters, digits
from typing import Any

from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["WholeAnswers"]

LENGTH = b"content-length"
TOKEN = f"!#$%&'*+-.^_`|~{digits}{ascii_letters}".encode()
NOT_IN_NAMES = bytes(set(range(256)) - set(TOKEN))
NOT_IN_VALUES = bytes({*range(32), 127} - set(b"\t"))
STATUS_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n".encode() for each in HTTPStatus}
LARGEST = 65_536
"""Of a body in bytes; to copy a larger one behind its head would take longer than a second write."""

UNUSUAL = frozenset({b"connection", b"transfer-encoding"})


class WholeAnswers(HttpToolsProtocol):
    """uvicorn's own protocol, but for answers whose body is all there and as long as the head says."""

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        # Were uvicorn to stop calling this, it would answer as it always does.
        def whole(scope: Scope, receive: Receive, _send: Send) -> Awaitable[None]:
            answered: Awaitable[None] = app(scope, receive, _Answer(cycle).send)
            return answered

        super()._start_asgi_task(cycle, whole)  # type: ignore[arg-type]  # it knows messages more narrowly


class _Answer:
    """An answer whose head waits for the body, as ASGI asks for, where that can go with it."""

    __slots__ = ("_cycle", "_headers", "_start")

    def __init__(self, cycle: Any) -> None:
        self._cycle = cycle
        self._start: Any = None
        self._headers: dict[bytes, bytes] = {}

    async def send(self, message: Any) -> None:
        """Take one message of the answer."""
        start, self._start = self._start, None
        if start is None and not self._cycle.response_started:
            given = message.get("headers", ())
            self._headers = headers = dict(given)
            if LENGTH in headers and len(headers) == len(given) and UNUSUAL.isdisjoint(headers):
                self._start = message
                return
        elif start is not None:
            if self._send_whole(start["status"], message):
                return
            await self._cycle.send(start)
        await self._cycle.send(message)

    def _send_whole(self, status: int, message: Message) -> bool:
        """Send an answer, and tell whether that was possible."""
        cycle, headers, body = self._cycle, self._headers, message.get("body", b"")
        if (
            message["type"] != "http.response.body"
            or message.get("more_body", False)
            or cycle.scope["method"] == "HEAD"
            or not cycle.keep_alive
            or cycle.disconnected
            or cycle.flow.write_paused
            or status not in STATUS_LINES
            or int(headers[LENGTH]) != len(body)
            or len(body) > LARGEST
            or _holds_any(b"".join(headers), NOT_IN_NAMES)
            or _holds_any(b"".join(headers.values()), NOT_IN_VALUES)
        ):
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        lines = map(b": ".join, [*cycle.default_headers, *headers.items()])
        cycle.transport.write(b"%s%s\r\n\r\n%s" % (STATUS_LINES[status], b"\r\n".join(lines), body))
        cycle.message_event.set()
        cycle.on_response()
        return True


def _holds_any(text: bytes, refused: bytes) -> bool:
    # A regular expression finds the same in three times as long.
    return len(text.translate(None, refused)) < len(text)
