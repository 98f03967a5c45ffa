"""Read the address of a request once, and say whether its form, its port and its host are allowed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from regulars.errors import ConfigurationError
from regulars.outgoing.addresses import is_public_address, parse_address
from regulars.outgoing.limits import RequestLimits
from regulars.outgoing.refusals import TargetRefused

if TYPE_CHECKING:
    import httpx

__all__ = ["ALL_HOSTS", "PrivateTarget", "check_host_granted", "parse_target", "port_of", "private_targets"]

LONGEST_URL = 2048
USUAL_PORTS = {"https": 443, "http": 80}
HOST = re.compile(r"[a-z0-9.:_-]+")
NAMED = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")

ALL_HOSTS = ("*",)
"""Grants every host of the public internet."""


@dataclass(frozen=True)
class PrivateTarget:
    """A machine of the company's own network that an operator has opened by name, on one port."""

    host: str
    port: int


class PrivateTargetUnreadable(ConfigurationError):
    """The setting names a private target in a form that cannot be read."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__(f"REGULARS_PRIVATE_TARGETS names {text!r}. Write hosts as in erp.internal:8443, with commas.")


def private_targets(words: Iterable[str]) -> frozenset[PrivateTarget]:
    """Return the machines that the setting opens: ``host:port``, or ``host`` for port 443.

    Raises ``PrivateTargetUnreadable``.
    """
    return frozenset(map(_private_target, words))


def parse_target(url: str, *, limits: RequestLimits, opened: frozenset[PrivateTarget]) -> "httpx.URL":
    """Return the address as it will be used; raises ``TargetRefused`` for a form or a port that is not allowed.

    What is in ``opened`` may be spoken to on its own port, unencrypted too.
    """
    import httpx  # slow to import, and most processes send nothing

    if len(url) > LONGEST_URL:
        raise TargetRefused("", f"it is longer than {LONGEST_URL} characters.")
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii")
    except (httpx.InvalidURL, ValueError) as error:
        raise TargetRefused("", "it is no address that can be read.") from error
    if parsed.scheme not in USUAL_PORTS:
        raise TargetRefused("", "only https addresses are.")
    if not HOST.fullmatch(host):
        raise TargetRefused("", "its host is no name that can be read.")
    if parsed.userinfo:
        raise TargetRefused(host, "the address holds a user name. Give it as a header instead.")
    port = port_of(parsed)
    if PrivateTarget(host, port) in opened:
        return parsed
    if parsed.scheme not in dict(limits.ports):
        raise TargetRefused(host, f"only {' and '.join(scheme for scheme, _ in limits.ports)} addresses are.")
    if (parsed.scheme, port) not in limits.ports:
        raise TargetRefused(host, f"port {port} is not the one on which {parsed.scheme} is spoken.")
    address = parse_address(host)
    if address is not None and not is_public_address(address):
        raise TargetRefused(host, "it is not an address of the public internet.")
    return parsed


def port_of(url: "httpx.URL") -> int:
    """Return the port of an address, the usual one of its scheme where it names none."""
    return url.port or USUAL_PORTS[url.scheme]


def check_host_granted(url: "httpx.URL", hosts: Iterable[str]) -> None:
    """Accept a host that is granted by its name, by ``*.its.domain`` or by ``*``; raises ``TargetRefused``."""
    host = url.raw_host.decode("ascii")
    if not any(_is_granted(host, granted.lower()) for granted in hosts):
        raise TargetRefused(host, "it is not among the hosts that this plugin has been granted.")


def _is_granted(host: str, granted: str) -> bool:
    return granted in ("*", host) or (granted.startswith("*.") and host.endswith(granted[1:]))


def _private_target(text: str) -> PrivateTarget:
    match = NAMED.fullmatch(text)
    port = int(match["port"] or USUAL_PORTS["https"]) if match else 0
    if match is None or not 0 < port <= 65535:
        raise PrivateTargetUnreadable(text)
    return PrivateTarget((match["v6"] or match["name"]).lower(), port)
