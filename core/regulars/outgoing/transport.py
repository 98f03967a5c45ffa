"""Speak HTTP over checked connections: no proxy, no redirect, no cookie, nothing from the environment."""

import ssl
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import httpcore
import httpx

from regulars.outgoing.network import CheckedNetwork

__all__ = ["CheckedTransport", "trusted_authorities"]

MOST_CONNECTIONS = 100
KEPT_CONNECTIONS = 20
KEPT_SECONDS = 5.0


class CheckedTransport(httpx.AsyncBaseTransport):
    """Sends requests over connections of a ``CheckedNetwork``, which are kept for a moment for the same host."""

    def __init__(self, network: CheckedNetwork, authorities: ssl.SSLContext) -> None:
        self._connections = httpcore.AsyncConnectionPool(
            ssl_context=authorities,
            network_backend=network,
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=KEPT_CONNECTIONS,
            keepalive_expiry=KEPT_SECONDS,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, its body still to be read; raises errors of httpcore and refusals."""
        assert isinstance(request.stream, httpx.AsyncByteStream)
        reply = await self._connections.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(reply.status, headers=reply.headers, stream=_Body(reply))

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        await self._connections.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, reply: httpcore.Response) -> None:
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._reply.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._reply.aclose()


def trusted_authorities(own_file: str | None) -> ssl.SSLContext:
    """Return who may vouch for other machines: the public authorities, and those of the company's own file.

    Raises ``OSError`` when the file cannot be read as certificates.
    """
    authorities = httpx.create_ssl_context(trust_env=False)
    if own_file:
        authorities.load_verify_locations(cafile=own_file)
    return authorities
