"""Let a plugin send requests to the hosts that it has been granted, and to no others."""

from collections.abc import Mapping, Sequence

from regulars.outgoing.client import HttpReply, Outgoing
from regulars.outgoing.limits import ANSWERS, RequestLimits

__all__ = ["PluginHttp"]


class PluginHttp:
    """Sends requests for one plugin, to the hosts that its manifest asks for in ``grants.network``.

    A host is granted by its name, by ``*.its.domain``, or by ``*``, for plugins that read what people publish anywhere.
    """

    def __init__(self, outgoing: Outgoing, hosts: Sequence[str]) -> None:
        self._outgoing, self._hosts = outgoing, tuple(hosts)

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: RequestLimits = ANSWERS
    ) -> HttpReply:
        """Return the answer to a GET, whatever its status; ``FEEDS`` also allows http and redirects.

        Raises ``RequestFailed``: refused, unreachable, too slow, too large or unreadable.
        """
        return await self._outgoing.get(url, headers=headers, limits=limits, hosts=self._hosts)

    async def post(
        self, url: str, *, content: bytes, headers: Mapping[str, str], limits: RequestLimits = ANSWERS
    ) -> HttpReply:
        """Return the answer to a POST, whatever its status; raises ``RequestFailed``."""
        return await self._outgoing.post(url, content=content, headers=headers, limits=limits, hosts=self._hosts)
