"""Take a port before anything else starts, and say in a sentence why that cannot be done.

ConfigurationError
├── PortBusy
├── PortForbidden
└── AddressUnknown
"""

import errno
import socket

from regulars.errors import ConfigurationError

__all__ = ["AddressUnknown", "PortBusy", "PortForbidden", "address_of", "listen"]

BACKLOG = 2048


class PortBusy(ConfigurationError):
    """Another program listens on the port."""

    code = "PORT_BUSY"

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        super().__init__(
            f"Port {port} on {host} is taken by another program. Stop that one, or choose another port, such as"
            f" REGULARS_PORT={port + 1 if port < 65535 else 8000}."
        )


class PortForbidden(ConfigurationError):
    """The operating system keeps this port for others."""

    code = "PORT_FORBIDDEN"

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        super().__init__(
            f"This user may not listen on port {port} of {host}. Choose one above 1023, such as REGULARS_PORT=8000."
        )


class AddressUnknown(ConfigurationError):
    """The address is not one of this machine."""

    code = "ADDRESS_UNKNOWN"

    def __init__(self, host: str, reason: str) -> None:
        self.host = host
        super().__init__(
            f"The server cannot listen on {host}: {reason}."
            " Set REGULARS_HOST to an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them."
        )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 means any free one.

    Raises ``PortBusy``, ``PortForbidden`` and ``AddressUnknown``.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortBusy(host, port) from error
        if error.errno == errno.EACCES:
            raise PortForbidden(host, port) from error
        raise AddressUnknown(host, (error.strerror or str(error)).split(" (", 1)[0]) from error


def address_of(listener: socket.socket) -> str:
    """Return where clients find this socket, as ``http://host:port``."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
