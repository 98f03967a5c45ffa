"""Where the messages of real processes arrive: a mail server and a receiver of signed requests, which only take."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.real.servers import free_port

__all__ = ["Arrivals", "receiving_mails", "receiving_requests"]


@dataclass
class Arrivals:
    """What arrived, in order: the id of each message as its sender named it, and to whom it went."""

    port: int
    ids: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def of(self, messages: Sequence[UUID]) -> Counter[UUID]:
        """Return how often each of these messages arrived."""
        arrived = Counter(map(UUID, self.ids))
        return Counter({id: arrived[id] for id in messages if id in arrived})


@contextmanager
def receiving_mails() -> Iterator[Arrivals]:
    """Take every mail while the block lasts; the id is that of the ``Message-ID``."""
    arrivals = Arrivals(free_port())

    class Sink:
        async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
            assert isinstance(envelope.content, bytes)
            arrivals.ids.append(str(message_from_bytes(envelope.content)["Message-ID"]).strip("<>").partition("@")[0])
            arrivals.addresses.extend(envelope.rcpt_tos)
            return "250 fine"

    controller = Controller(Sink(), hostname="127.0.0.1", port=arrivals.port)
    controller.start()
    try:
        yield arrivals
    finally:
        controller.stop()


@contextmanager
def receiving_requests() -> Iterator[Arrivals]:
    """Answer 204 to every request while the block lasts; the id is its ``webhook-id``, taken again or not."""
    arrivals = Arrivals(0)

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            arrivals.ids.append(self.headers["webhook-id"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    arrivals.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield arrivals
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
