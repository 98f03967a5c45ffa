"""Send an answer in one piece: uvicorn sends head and body of each in two, and looks at every header by itself."""

from typing import Any

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

__all__ = ["WholeAnswers"]

LENGTH = b"content-length"
UNUSUAL = frozenset({b"connection", b"transfer-encoding"})


class WholeAnswers(HttpToolsProtocol):
    """uvicorn's own protocol, but for answers whose body is all there and as long as the head says."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        # Were uvicorn to stop calling this, it would answer as it always does.
        cycle.__class__ = _Cycle
        super()._start_asgi_task(cycle, app)


class _Cycle(RequestResponseCycle):
    """A request whose head waits for the body, as ASGI asks for, where that can go with it."""

    _start: Any = None

    async def send(self, message: Any) -> None:
        """Take one message of the answer."""
        start, self._start = self._start, None
        if start is not None:
            if self._send_whole(start, message):
                return
            await super().send(start)
        elif not self.response_started and LENGTH in dict(message.get("headers", ())):
            self._start = message
            return
        await super().send(message)

    def _send_whole(self, start: Message, message: Message) -> bool:
        """Send an answer, and tell whether that was possible."""
        body, given = message.get("body", b""), start["headers"]
        names, values = zip(*given, strict=True)
        if (
            message["type"] != "http.response.body"
            or message.get("more_body", False)
            or self.scope["method"] == "HEAD"
            or not self.keep_alive
            or self.disconnected
            or self.flow.write_paused
            or not UNUSUAL.isdisjoint(names)
            or int(dict(given)[LENGTH]) != len(body)
            or HEADER_RE.search(b"".join(names))
            or HEADER_VALUE_RE.search(b"".join(values))
        ):
            return False
        self.response_started = self.response_complete = True
        self.waiting_for_100_continue = False
        lines = map(b": ".join, [*self.default_headers, *given])
        self.transport.write(b"%s%s\r\n\r\n%s" % (STATUS_LINE[start["status"]], b"\r\n".join(lines), body))
        self.message_event.set()
        self.on_response()
        return True
