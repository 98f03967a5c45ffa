"""Send requests to other machines, and take their answers, within limits: the one client that there is."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from regulars.outgoing.limits import ANSWERS, RequestLimits
from regulars.outgoing.replies import HttpReply
from regulars.outgoing.targets import ALL_HOSTS, PrivateTarget

if TYPE_CHECKING:
    import httpx

    from regulars.outgoing.following import Following
    from regulars.outgoing.transport import CheckedTransport

__all__ = ["Outgoing"]


class Outgoing:
    """Sends requests over checked connections; one for each process, closed with it.

    ``opened`` are the private targets that may be reached. ``authorities_file`` holds certificates that are trusted
    besides the public ones. Tests give a ``transport``, which takes the requests in place of the network.
    """

    def __init__(
        self,
        *,
        opened: frozenset[PrivateTarget] = frozenset(),
        authorities_file: str | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        self.opened = opened
        self._authorities_file, self._given_transport = authorities_file, transport

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: RequestLimits = ANSWERS,
        hosts: Sequence[str] = ALL_HOSTS,
    ) -> HttpReply:
        """Return the answer to a GET, whatever its status.

        Up to ``limits.redirects`` redirects are followed, each address checked like the first, without the headers
        when it leads to another host. ``hosts`` are the only ones reached: names, ``*.domain`` or ``*``.
        Raises ``TargetRefused``, ``TargetUnreachable``, ``TargetTooSlow``, ``ReplyTooLarge``, ``ReplyUnreadable`` or
        ``TooManyRedirects``, all of them a ``RequestFailed``.
        """
        return await self._following.answer("GET", url, b"", headers or {}, limits, hosts)

    async def post(
        self,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str],
        limits: RequestLimits = ANSWERS,
        hosts: Sequence[str] = ALL_HOSTS,
    ) -> HttpReply:
        """Return the answer to a POST, whatever its status; a redirect is an answer and not followed.

        Raises what ``get`` raises.
        """
        return await self._following.answer("POST", url, content, headers, limits, hosts)

    async def close(self) -> None:
        """Close the connections that are kept."""
        if "_following" in self.__dict__:
            await self._following.close()

    @cached_property
    def _following(self) -> "Following":
        # Most processes send nothing: they need neither the libraries, nor to read the authorities, which takes longer.
        from regulars.outgoing.following import Following

        return Following(self._given_transport or self._checked_transport(), self.opened)

    def _checked_transport(self) -> "CheckedTransport":
        from regulars.outgoing.network import CheckedNetwork, system_resolver
        from regulars.outgoing.transport import CheckedTransport, trusted_authorities

        network = CheckedNetwork(system_resolver(), self.opened)
        return CheckedTransport(network, trusted_authorities(self._authorities_file))
