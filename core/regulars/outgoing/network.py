"""Connect to other machines: a name is resolved once, every address is checked, and a checked one is connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore

from regulars.outgoing.addresses import Address, is_company_address, is_public_address, parse_address
from regulars.outgoing.refusals import TargetRefused, TargetUnreachable
from regulars.outgoing.targets import PrivateTarget

__all__ = ["CheckedNetwork", "Resolve", "system_resolver"]

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, as text; raises ``OSError`` when there are none."""

MOST_TRIED = 3
CONNECT_SECONDS = 3.0
RESOLVING_THREADS = 8


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections for HTTP, to public addresses and to the private targets that an operator has opened.

    The address that was checked is the one that is connected to, so a name that answers differently the second time
    gains nothing. For TLS, the name stays that of the request.
    """

    def __init__(
        self,
        resolve: Resolve,
        opened: frozenset[PrivateTarget],
        *,
        unchecked: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._resolve, self._opened = resolve, opened
        self._unchecked: Any = unchecked or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  as httpcore calls it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Return a connection to a checked address of the host; raises ``TargetRefused``, ``TargetUnreachable``."""
        addresses = await self._checked_addresses(host, port)
        failure: Exception | None = None
        for address in addresses[:MOST_TRIED]:
            try:
                stream: httpcore.AsyncNetworkStream = await self._unchecked.connect_tcp(
                    str(address), port, timeout=min(timeout or CONNECT_SECONDS, CONNECT_SECONDS)
                )
                return stream
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise TargetUnreachable(host, "no connection was made.") from failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109  as httpcore calls it
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no request leaves by a file."""
        raise TargetRefused(path, "it is a file.")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def _checked_addresses(self, host: str, port: int) -> Sequence[Address]:
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise TargetUnreachable(host, "its name has no address.") from error
        if not found:
            raise TargetUnreachable(host, "its name has no address.")
        is_opened = PrivateTarget(host, port) in self._opened
        addresses = []
        for text in dict.fromkeys(found):
            address = parse_address(text)
            if address is None or not (is_public_address(address) or (is_opened and is_company_address(address))):
                raise TargetRefused(
                    host,
                    "it leads to an address that is not of the public internet."
                    " An operator can open a host of the company's own network in REGULARS_PRIVATE_TARGETS.",
                )
            addresses.append(address)
        return addresses


def system_resolver() -> Resolve:
    """Return the machine's own way to resolve names, in threads apart, for a slow name must hold up nothing else."""
    threads = ThreadPoolExecutor(RESOLVING_THREADS, thread_name_prefix="resolve")

    def look_up(host: str, port: int) -> list[str]:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        return [str(address[0]) for *_, address in found]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return await asyncio.get_running_loop().run_in_executor(threads, look_up, host, port)

    return resolve
