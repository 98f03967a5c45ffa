"""Receivers on this machine that verify what they get with the library `standardwebhooks`."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from regulars.clock import SettableClock
from regulars.testing.app import App

CREATE = """mutation ($url: String!, $types: [String!]!) {
  webhookCreate(input: {url: $url, eventTypes: $types}) {
    webhook { id url eventTypes isEnabled version }
    secret
    errors { code path message }
  }
}"""
DELIVERIES = """{
  webhookDeliveries(first: 100) {
    nodes {
      id eventId eventType status attempts nextAt endedAt statusCode problem
      attemptLog { number startedAt endedAt statusCode problem }
    }
  }
}"""


@dataclass
class Receiver:
    """A system that is told of events.

    It verifies each request under its secrets, and answers with the ``answers`` in turn, the last of them for ever.
    ``is_timeless`` is for tests whose clock moves on: the library then signs for the moment of the attempt.
    """

    port: int
    secrets: Sequence[str] = ()
    answers: list[bytes] = field(default_factory=lambda: [answer("200 OK")])
    is_silent: bool = False
    is_timeless: bool = False
    bodies: list[Any] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    refused: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/events"

    @property
    def ids(self) -> list[str]:
        """Return the ids of the events that it has taken."""
        return [body["id"] for body in self.bodies]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            pairs = [line.split(": ", 1) for line in head.split("\r\n")[1:] if line]
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers["content-length"]))
            self.headers.append(headers)
            if self.is_silent:
                await reader.read()
                return
            writer.write(self._answer(headers, body))
            await writer.drain()

    def _answer(self, headers: dict[str, str], body: bytes) -> bytes:
        verifies = _verifies_at_its_time if self.is_timeless else _verifies
        if not any(verifies(secret, headers, body) for secret in self.secrets):
            self.refused += 1
            return answer("401 Unauthorized")
        given = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if given.startswith(b"HTTP/1.1 2"):
            self.bodies.append(orjson.loads(body))
        return given


def _verifies(secret: str, headers: dict[str, str], body: bytes) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def _verifies_at_its_time(secret: str, headers: dict[str, str], body: bytes) -> bool:
    moment = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    signature = Webhook(secret).sign(headers["webhook-id"], moment, body.decode())
    return signature in headers["webhook-signature"].split(" ")


def answer(status: str, *, body: bytes = b"", head: str = "") -> bytes:
    """Return an answer as it goes over the wire."""
    return f"HTTP/1.1 {status}\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body


@pytest.fixture
def clock() -> SettableClock:
    """Give a clock that stands at this moment, for the library of receivers looks at the machine's own."""
    return SettableClock(datetime.now(UTC))


@pytest.fixture
def listening() -> Iterator[list[socket.socket]]:
    """Give two sockets on which receivers listen."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]


@pytest.fixture
def server_settings(listening: list[socket.socket]) -> dict[str, Any]:
    """Open the receivers of the test by name."""
    return {"private_targets": tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in listening)}


@pytest_asyncio.fixture
async def receivers(listening: list[socket.socket]) -> AsyncIterator[list[Receiver]]:
    """Give two systems that are told of events."""
    receivers = [Receiver(each.getsockname()[1]) for each in listening]
    servers = [
        await asyncio.start_server(receiver.handle, sock=each)
        for receiver, each in zip(receivers, listening, strict=True)
    ]
    yield receivers
    for server in servers:
        server.close()


@pytest.fixture
def receiver(receivers: list[Receiver]) -> Receiver:
    """Give a system that is told of events."""
    return receivers[0]


async def subscribe(app: App, receiver: Receiver, *types: str) -> str:
    """Return the id of a new webhook to the receiver, which knows its secret."""
    made = (await app.gql(CREATE, {"url": receiver.url, "types": list(types)}))["webhookCreate"]
    assert made["errors"] == []
    receiver.secrets = [made["secret"]]
    return str(made["webhook"]["id"])


async def deliveries(app: App, status: str | None = None) -> list[dict[str, Any]]:
    """Return the deliveries, the oldest first."""
    nodes = (await app.gql(DELIVERIES))["webhookDeliveries"]["nodes"]
    return [node for node in reversed(nodes) if status in (None, node["status"])]


Change = Callable[..., Any]


async def change(app: App, name: str, wanted: str = "", **given: Any) -> dict[str, Any]:
    """Return the payload of a mutation of webhooks, whose input's values are JSON."""
    text = ", ".join(f"{key}: {orjson.dumps(value).decode()}" for key, value in given.items())
    data = await app.gql(f"mutation {{ {name}(input: {{{text}}}) {{ {wanted} errors {{ code path message }} }} }}")
    payload: dict[str, Any] = data[name]
    return payload
