import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import httpcore
import pytest
import pytest_asyncio

from regulars.outgoing.client import Outgoing
from regulars.outgoing.network import CheckedNetwork, Resolve, system_resolver
from regulars.outgoing.targets import PrivateTarget
from regulars.outgoing.transport import CheckedTransport, trusted_authorities

LOOPBACK = ("127.0.0.1", "::1")

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Canaries:
    """Sockets of this machine that nobody may connect to, on one port of 127.0.0.1 and of ::1."""

    def __init__(self, stack: ExitStack) -> None:
        first = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port: int = first.getsockname()[1]
        second = stack.enter_context(socket.create_server(("::1", self.port), family=socket.AF_INET6))
        self._listening = [first, second]

    @property
    def connections(self) -> int:
        """Return how many connections came in."""
        return sum(_waiting(listening) for listening in self._listening)


def _waiting(listening: socket.socket) -> int:
    listening.setblocking(False)
    try:
        listening.accept()[0].close()
    except BlockingIOError:
        return 0
    return 1


class Wires(httpcore.AsyncNetworkBackend):
    """The network below the checks: connects to this machine, and only notes what lies beyond it."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.tried.append(host)
        if host not in LOOPBACK:
            raise httpcore.ConnectError("there is nothing beyond this machine")
        return await httpcore.AnyIOBackend().connect_tcp(host, port, timeout=timeout)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("there are no files")


def names(**addresses: str) -> Resolve:
    """Return a resolver that knows these names, written with _ for a dot; an address is its own."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return [addresses[host.replace(".", "_")]] if host.replace(".", "_") in addresses else [host]

    return resolve


@pytest.fixture
def canaries() -> Iterator[Canaries]:
    with ExitStack() as stack:
        yield Canaries(stack)


@pytest.fixture
def wires() -> Wires:
    return Wires()


MakeClient = Callable[..., Outgoing]


@pytest_asyncio.fixture
async def make_client(wires: Wires) -> AsyncIterator[MakeClient]:
    """Give a maker of clients, whose network ends at this machine."""
    async with AsyncExitStack() as stack:

        def make(
            *opened: PrivateTarget, resolve: Resolve | None = None, authorities_file: str | None = None
        ) -> Outgoing:
            network = CheckedNetwork(resolve or system_resolver(), frozenset(opened), unchecked=wires)
            transport = CheckedTransport(network, trusted_authorities(authorities_file))
            client = Outgoing(opened=frozenset(opened), transport=transport)
            stack.push_async_callback(client.close)
            stack.push_async_callback(transport.aclose)
            return client

        yield make


Serve = Callable[..., Awaitable[int]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """Give a maker of servers on this machine; each returns its port."""
    async with AsyncExitStack() as stack:

        async def start(handle: Handle, **options: Any) -> int:
            async def handled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    await handle(reader, writer)
                    await writer.drain()
                except ConnectionError:
                    pass
                finally:
                    writer.close()

            server = await asyncio.start_server(handled, "127.0.0.1", 0, **options)
            stack.callback(server.close)
            return int(server.sockets[0].getsockname()[1])

        yield start


def replying(head: str, body: bytes = b"") -> Handle:
    """Return a server that answers everything so, and closes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        lines = [f"HTTP/1.1 {line}" if number == 0 else line for number, line in enumerate(head.split("\n"))]
        lines += [f"content-length: {len(body)}", "connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + body)

    return handle
