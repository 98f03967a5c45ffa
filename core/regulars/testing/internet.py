"""Stand for all other machines in tests: answer requests as a test says, and remember them."""

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx
import orjson

from regulars.outgoing.network import CheckedNetwork, system_resolver
from regulars.outgoing.targets import private_targets
from regulars.outgoing.transport import CheckedTransport, trusted_authorities
from regulars.settings import Settings
from regulars.testing.network import THIS_MACHINE, NetworkForbidden

__all__ = ["FakeInternet"]


class FakeInternet(httpx.AsyncBaseTransport):
    """Takes every request that leaves the server under test.

    What was not told beforehand is forbidden. Servers that the test itself runs on this machine are really asked, as
    long as ``private_targets`` in ``server_settings`` opens them.
    """

    def __init__(self, settings: Settings) -> None:
        self.requests: list[httpx.Request] = []
        self._settings = settings
        self._answers: dict[str, httpx.Response] = {}
        self._this_machine: CheckedTransport | None = None

    def answer(
        self,
        url: str,
        *,
        status: int = 200,
        json: Any = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Answer all requests for this address so from now on; ``json`` is the body as JSON."""
        content = body if json is None else orjson.dumps(json)
        self._answers[str(httpx.URL(url))] = httpx.Response(status, headers=headers, content=content)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return what was told for the request's address; raises ``NetworkForbidden`` where nothing was."""
        self.requests.append(request)
        answer = self._answers.get(str(request.url))
        if answer is not None:
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        if request.url.host not in THIS_MACHINE:
            raise NetworkForbidden(request.url.host)
        if self._this_machine is None:
            network = CheckedNetwork(system_resolver(), private_targets(self._settings.private_targets))
            self._this_machine = CheckedTransport(network, _authorities(self._settings.authorities_file))
        return await self._this_machine.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the connections to this machine."""
        if self._this_machine is not None:
            await self._this_machine.aclose()


@cache
def _authorities(file: str | None) -> ssl.SSLContext:
    """Return who vouches for other machines: read once for all tests of a process, since that takes longer than one."""
    return trusted_authorities(file)
