"""Make the client of a process from the operator's settings."""

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from regulars.errors import ConfigurationError
from regulars.outgoing.client import Outgoing
from regulars.outgoing.targets import private_targets
from regulars.settings import Settings

if TYPE_CHECKING:
    import httpx

__all__ = ["open_outgoing"]


class AuthoritiesUnreadable(ConfigurationError):
    """The file of certificates that an operator named cannot be read."""

    def __init__(self, file: str) -> None:
        self.file = file
        super().__init__(
            f"REGULARS_AUTHORITIES_FILE names {file}, which holds no certificates that can be read."
            " Give a file in the form PEM."
        )


def open_outgoing(settings: Settings, *, transport: "httpx.AsyncBaseTransport | None" = None) -> Outgoing:
    """Return a client that reaches what the settings allow; raises a ``ConfigurationError`` for what is wrong in them.

    A ``transport`` takes the requests in place of the network.
    """
    file = settings.authorities_file
    if file is not None:
        _check_authorities(file)
    return Outgoing(
        opened=private_targets(settings.private_targets),
        authorities_file=file,
        transport=transport,
    )


def _check_authorities(file: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=Path(file).read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise AuthoritiesUnreadable(file) from error
