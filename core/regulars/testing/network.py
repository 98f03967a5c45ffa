"""Keep tests off the network: only this machine, and the database that was named, can be reached."""

import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from regulars.errors import RegularsError

__all__ = ["NetworkForbidden", "network_closed"]

THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1", "::", "0.0.0.0", ""})  # noqa: S104  names, not a listener
INTERNET = (socket.AF_INET, socket.AF_INET6)


class NetworkForbidden(RegularsError):
    """A test tried to reach another machine."""

    def __init__(self, host: object) -> None:
        self.host = host
        super().__init__(f"A test tried to reach {host}. Tests have no network: let the plugin be given its answers.")


@contextmanager
def network_closed(*, allowed: Collection[str] = ()) -> Iterator[None]:
    """Refuse every connection to another machine than the ``allowed`` ones while the block lasts.

    Raises ``NetworkForbidden`` in whoever tries.
    """
    hosts = THIS_MACHINE | set(allowed)
    find: Callable[..., Any] = socket.getaddrinfo
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    known = set(hosts)

    def found(host: Any, *arguments: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name not in known:
            raise NetworkForbidden(name)
        addresses = find(host, *arguments, **options)
        known.update(str(address[4][0]) for address in addresses)
        return addresses

    def check(opened: socket.socket, address: Any) -> None:
        if opened.family in INTERNET and address[0] not in known:
            raise NetworkForbidden(address[0])

    def connected(opened: socket.socket, address: Any) -> None:
        check(opened, address)
        connect(opened, address)

    def tried(opened: socket.socket, address: Any) -> int:
        check(opened, address)
        return connect_ex(opened, address)

    replaced: Any = socket
    replaced.getaddrinfo = found
    replaced.socket.connect, replaced.socket.connect_ex = connected, tried
    try:
        yield
    finally:
        replaced.getaddrinfo = find
        replaced.socket.connect, replaced.socket.connect_ex = connect, connect_ex
