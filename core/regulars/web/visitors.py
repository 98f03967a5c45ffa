"""Find out who sends a request: by an Authorization header, or by the session of a browser that is signed in."""

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from regulars.access.actors import ANONYMOUS, Actor
from regulars.errors import ExpectedError
from regulars.signin.refusals import FormRefused

if TYPE_CHECKING:
    from regulars.web.server import Server

__all__ = [
    "FORM_HEADER",
    "Visitor",
    "after_form_check",
    "api_actor",
    "check_form_token",
    "forget_browser",
    "keep_in_browser",
    "kept_in_browser",
    "new_browser_token",
    "session_token",
    "visitor_of",
]

FORM_FIELD = "form_token"
FORM_HEADER = "x-form-token"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
LARGEST_FORM = 1024 * 1024
OWN_SITE = frozenset({"same-origin", "none"})


@dataclass(frozen=True)
class Visitor:
    """Who asks; ``form_token`` is what the forms of this browser must carry, None for whoever sent a header."""

    actor: Actor
    form_token: str | None = field(default=None, repr=False)


class FormTooLarge(ExpectedError):
    """A form holds more than a page may send."""

    code = "TOO_LARGE"

    def __init__(self) -> None:
        super().__init__(f"This form holds more than {LARGEST_FORM} bytes. Send less, or send the file to /imports.")


async def visitor_of(server: "Server", connection: HTTPConnection) -> Visitor:
    """Return who sends this request; raises an ``Unauthenticated`` for a header that does not hold.

    A session that is over counts as nobody.
    """
    authorization = connection.headers.get("authorization")
    if authorization is not None:
        return Visitor(await server.actor(authorization))
    session = await server.browsers.find(session_token(server, connection))
    return Visitor(ANONYMOUS) if session is None else Visitor(session.actor, session.form_token)


async def api_actor(server: "Server", request: HTTPConnection) -> Actor:
    """Return who sends an operation to the API.

    A browser's session counts only beside the header ``x-form-token``, which no foreign page can send; without that
    header the request is nobody's. Raises ``FormRefused`` for a wrong one, and an ``Unauthenticated``.
    """
    # Most requests are told apart by this one header, for which no mapping of all of them is made.
    for name, value in request.scope["headers"]:
        if name == b"authorization":
            return await server.actor(value.decode("latin-1"))
    given = request.headers.get(FORM_HEADER)
    if given is None:
        return ANONYMOUS
    visitor = await visitor_of(server, request)
    check_form_token(request.headers, given, expected=visitor.form_token or "")
    if visitor.form_token is None:
        raise FormRefused
    return visitor.actor


def session_token(server: "Server", connection: HTTPConnection) -> str | None:
    """Return the token of the session that this browser keeps."""
    return connection.cookies.get(_cookie(server, "session"))


def check_form_token(headers: Mapping[str, str], given: str | None, *, expected: str) -> None:
    """Accept a change that our own page asks for; raises ``FormRefused`` for one that came from elsewhere."""
    is_own = headers.get("sec-fetch-site", "none") in OWN_SITE
    if not is_own or not hmac.compare_digest((given or "").encode(), expected.encode()):
        raise FormRefused


async def after_form_check(scope: Scope, receive: Receive, *, expected: str) -> Receive:
    """Check the form that a browser sends, and return what gives its body to whoever handles it.

    The token stands in the header ``x-form-token`` or in the field ``form_token``. Raises ``FormRefused``.
    """
    request = Request(scope, receive)
    in_header = request.headers.get(FORM_HEADER)
    if in_header is not None:
        check_form_token(request.headers, in_header, expected=expected)
        return receive
    body = await _body(request)
    given = None
    if request.headers.get("content-type", "").startswith(FORM_TYPES):
        async with Request(scope, _replay(body)).form() as form:
            field = form.get(FORM_FIELD)
            given = field if isinstance(field, str) else None
    check_form_token(request.headers, given, expected=expected)
    return _replay(body)


def keep_in_browser(server: "Server", response: Response, *, name: str, value: str, seconds: int) -> None:
    """Let the browser keep something that only this server reads, over encrypted connections alone."""
    response.set_cookie(
        _cookie(server, name),
        value,
        max_age=seconds,
        path="/",
        secure=_is_secure(server),
        httponly=True,
        samesite="lax",
    )


def forget_browser(server: "Server", response: Response, *, name: str) -> None:
    """Let the browser forget what it kept."""
    response.delete_cookie(_cookie(server, name), path="/", secure=_is_secure(server), httponly=True, samesite="lax")


def kept_in_browser(server: "Server", connection: HTTPConnection, *, name: str) -> str | None:
    """Return what the browser kept."""
    return connection.cookies.get(_cookie(server, name))


def new_browser_token() -> str:
    """Return a token for the forms of a browser in which nobody is signed in yet."""
    return secrets.token_urlsafe(24)


def _cookie(server: "Server", name: str) -> str:
    # The prefix makes browsers refuse such a cookie from a neighbouring host or over plain HTTP.
    return f"__Host-regulars-{name}" if _is_secure(server) else f"regulars-{name}"


def _is_secure(server: "Server") -> bool:
    return server.settings.mode == "production"


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            raise FormTooLarge
    return bytes(body)


def _replay(body: bytes) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive
