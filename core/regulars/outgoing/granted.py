"""Let a plugin send requests to the hosts that it has been granted, and to no others."""

from collections.abc import Mapping, Sequence

from regulars.outgoing.client import Outgoing
from regulars.outgoing.consent_gate import AboutCustomer, ConsentGate
from regulars.outgoing.limits import ANSWERS, RequestLimits
from regulars.outgoing.replies import HttpReply

__all__ = ["PluginHttp"]


class PluginHttp:
    """Sends requests for one plugin, to the hosts that its manifest asks for in ``grants.network``.

    A host is granted by its name, by ``*.its.domain``, or by ``*``, for plugins that read what people publish anywhere.
    A request about one customer says so: then the ledger is read before anything is sent.
    """

    def __init__(self, outgoing: Outgoing, hosts: Sequence[str], gate: ConsentGate) -> None:
        self._outgoing, self._hosts, self._gate = outgoing, tuple(hosts), gate

    async def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        limits: RequestLimits = ANSWERS,
        about: AboutCustomer | None = None,
    ) -> HttpReply:
        """Return the answer to a GET, whatever its status; ``FEEDS`` also allows http and redirects.

        Raises ``RequestFailed``: refused, unreachable, too slow, too large or unreadable. Raises ``FetchNotAllowed``
        when the request is ``about`` a customer whose consent does not cover it.
        """
        if about is not None:
            await self._gate.check(about)
        return await self._outgoing.get(url, headers=headers, limits=limits, hosts=self._hosts)

    async def post(
        self,
        url: str,
        *,
        content: bytes,
        headers: Mapping[str, str],
        limits: RequestLimits = ANSWERS,
        about: AboutCustomer | None = None,
    ) -> HttpReply:
        """Return the answer to a POST, whatever its status; raises what ``get`` raises."""
        if about is not None:
            await self._gate.check(about)
        return await self._outgoing.post(url, content=content, headers=headers, limits=limits, hosts=self._hosts)
