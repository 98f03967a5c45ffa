"""Send requests to other machines, and take their answers, within limits: the one client that there is."""

import asyncio
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpcore
import httpx
import orjson

from regulars.outgoing.bodies import read_body
from regulars.outgoing.limits import ANSWERS, RequestLimits
from regulars.outgoing.network import CheckedNetwork, Resolve, system_resolver
from regulars.outgoing.refusals import ReplyUnreadable, TargetTooSlow, TargetUnreachable, TooManyRedirects
from regulars.outgoing.targets import ALL_HOSTS, PrivateTarget, check_host_granted, parse_target
from regulars.outgoing.transport import CheckedTransport, trusted_authorities

__all__ = ["HttpReply", "Outgoing"]

REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEPT_ON_REDIRECT = frozenset({"accept", "accept-language"})
OWN_HEADERS = {"user-agent": "Regulars", "accept": "*/*", "accept-encoding": "gzip"}
NOT_GIVEN = frozenset({"accept-encoding", "connection", "content-length", "host", "transfer-encoding"})


@dataclass(frozen=True)
class HttpReply:
    """What another machine answered: any status, all of the body, unpacked. ``url`` is where it came from."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    @property
    def is_success(self) -> bool:
        """Tell whether the status says that all went well."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """Return the body as text, in UTF-8; what is none becomes �."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """Return the body read as JSON; raises ``ReplyUnreadable``."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise ReplyUnreadable(httpx.URL(self.url).host, "it is no JSON.") from error


class Outgoing:
    """Sends requests over checked connections; one for each process, closed with it.

    ``opened`` are the private targets that may be reached. Tests give ``resolve`` or the whole ``transport``.
    """

    def __init__(
        self,
        *,
        opened: frozenset[PrivateTarget] = frozenset(),
        resolve: Resolve | None = None,
        authorities: Callable[[], ssl.SSLContext] = lambda: trusted_authorities(None),
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.opened = opened
        self._resolve, self._authorities, self._given_transport = resolve, authorities, transport

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
        return await self._within_time("GET", url, b"", headers or {}, limits, hosts)

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
        return await self._within_time("POST", url, content, headers, limits, hosts)

    async def close(self) -> None:
        """Close the connections that are kept."""
        if "_transport" in self.__dict__:
            await self._transport.aclose()

    @cached_property
    def _transport(self) -> httpx.AsyncBaseTransport:
        # Reading the authorities takes a moment, and most processes send nothing.
        if self._given_transport is not None:
            return self._given_transport
        network = CheckedNetwork(self._resolve or system_resolver(), self.opened)
        return CheckedTransport(network, self._authorities())

    async def _within_time(
        self,
        method: str,
        url: str,
        content: bytes,
        headers: Mapping[str, str],
        limits: RequestLimits,
        hosts: Sequence[str],
    ) -> HttpReply:
        if not NOT_GIVEN.isdisjoint(map(str.lower, headers)):
            raise ValueError(f"These headers follow from the request: {', '.join(sorted(NOT_GIVEN))}.")
        target = parse_target(url, limits=limits, opened=self.opened)
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
            further = parse_target(joined, limits=limits, opened=self.opened)
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
