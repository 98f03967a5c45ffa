"""Send a request, and follow where it is redirected, each address checked like the first."""

import asyncio
from collections.abc import Mapping, Sequence

import httpcore
import httpx

from regulars.outgoing.bodies import read_body
from regulars.outgoing.limits import RequestLimits
from regulars.outgoing.refusals import ReplyUnreadable, TargetTooSlow, TargetUnreachable, TooManyRedirects
from regulars.outgoing.replies import HttpReply
from regulars.outgoing.targets import PrivateTarget, check_host_granted, parse_target

__all__ = ["Following"]

REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEPT_ON_REDIRECT = frozenset({"accept", "accept-language"})
OWN_HEADERS = {"user-agent": "Regulars", "accept": "*/*", "accept-encoding": "gzip"}
NOT_GIVEN = frozenset({"accept-encoding", "connection", "content-length", "host", "transfer-encoding"})


class Following:
    """Sends requests through a transport, which keeps connections; ``opened`` are private targets that are reached."""

    def __init__(self, transport: httpx.AsyncBaseTransport, opened: frozenset[PrivateTarget]) -> None:
        self._transport, self._opened = transport, opened

    async def close(self) -> None:
        """Close the connections that are kept."""
        await self._transport.aclose()

    async def answer(
        self,
        method: str,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        limits: RequestLimits,
        hosts: Sequence[str],
    ) -> HttpReply:
        """Return the answer; raises what ``Outgoing.get`` raises."""
        if not NOT_GIVEN.isdisjoint(map(str.lower, headers)):
            raise ValueError(f"These headers follow from the request: {', '.join(sorted(NOT_GIVEN))}.")
        target = parse_target(url, limits=limits, opened=self._opened)
        try:
            async with asyncio.timeout(limits.seconds):
                return await self._follow(method, target, content, headers, limits, hosts)
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise TargetTooSlow(target.host, seconds=limits.seconds) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ConnectionNotAvailable, OSError) as error:
            raise TargetUnreachable(target.host, _in_words(error)) from error

    async def _follow(
        self,
        method: str,
        target: httpx.URL,
        content: bytes,
        headers: Mapping[str, str],
        limits: RequestLimits,
        hosts: Sequence[str],
    ) -> HttpReply:
        steps_left = limits.redirects if method == "GET" else 0
        while True:
            check_host_granted(target, hosts)
            reply = await self._once(method, target, content, headers, limits)
            location = reply.headers.get("location")
            if reply.status not in REDIRECTS or location is None or limits.redirects == 0 or method != "GET":
                return reply
            if steps_left == 0:
                raise TooManyRedirects(target.host, limits.redirects)
            steps_left -= 1
            try:
                joined = str(target.join(location))
            except (httpx.InvalidURL, ValueError) as error:
                raise ReplyUnreadable(target.host, "it redirects to no address that can be read.") from error
            further = parse_target(joined, limits=limits, opened=self._opened)
            if (further.scheme, further.host, further.port) != (target.scheme, target.host, target.port):
                headers = {name: value for name, value in headers.items() if name.lower() in KEPT_ON_REDIRECT}
            target = further

    async def _once(
        self, method: str, target: httpx.URL, content: bytes, headers: Mapping[str, str], limits: RequestLimits
    ) -> HttpReply:
        request = httpx.Request(
            method,
            target,
            headers={**OWN_HEADERS, **{name.lower(): value for name, value in headers.items()}},
            content=content,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), limits.seconds)},
        )
        response = await self._transport.handle_async_request(request)
        try:
            body = await read_body(response, target.host, limit_bytes=limits.largest_reply_bytes)
        finally:
            await response.aclose()
        return HttpReply(response.status_code, response.headers, body, str(target))


def _in_words(error: Exception) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "nobody who is trusted vouches for its certificate."
    return "the connection broke off."
