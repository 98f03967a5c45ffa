"""The stop link of messages at `/stop/<token>`: a page with a button, and the one click of mail programs.

Sources: RFC 8058, Signaling One-Click Functionality for List Email Headers; RFC 2369.
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from regulars.access.actors import ANONYMOUS
from regulars.consents.scopes import EVERYTHING, Scope
from regulars.selfservice.down_tokens import DownToken, read_down_token
from regulars.selfservice.stopping import check_can_stop, stop_scope
from regulars.web.console.frame import Frame, framed
from regulars.web.gpc import heed_gpc
from regulars.web.house import STOP_PATH
from regulars.web.server import Server

__all__ = ["stop_route"]

LARGEST_FORM_BYTES = 16 * 1024
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
HEADERS = {"referrer-policy": "no-referrer", "cache-control": "no-store"}

PURPOSES = {
    "*": "messages",
    "marketing": "advertising",
    "marketing.own": "advertising",
    "research": "surveys and questions",
}
CHANNELS = {"*": "", "email": " by e-mail", "sms": " by text message", "voice": " by telephone", "post": " by post"}


def stop_route(server: Server) -> Route:
    """Return the route; only a POST by a real button or a mail program changes anything.

    It asks for no cookie, no origin and no allowance: whoever holds the link may stop, and a mail program that is
    turned away does not come back.
    """

    async def answer(request: Request) -> Response:
        token = read_down_token(request.path_params["token"], secret=server.secret)
        wanted = None if request.method in ("GET", "HEAD") else await _wanted(request, token)
        if wanted is None:
            async with server.database.reading() as session:
                await check_can_stop(session, customer_id=token.customer_id)
            return _page(server, _scope(token), title="Stop these messages?", has_stopped=False)
        async with server.database.writing() as session:
            await stop_scope(
                session,
                customer_id=token.customer_id,
                scope=wanted,
                registry=server.consent_registry,
                now=server.clock.now(),
            )
        await heed_gpc(server, request, [token.customer_id], actor=ANONYMOUS)
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(f"Stopped: {_words(wanted)}.\n", headers=HEADERS)
        return _page(server, wanted, title="Stopped", has_stopped=True)

    return Route(f"{STOP_PATH}/{{token}}", answer, methods=["GET", "POST"], name="stop")


def _scope(token: DownToken) -> Scope:
    return Scope(token.purpose, token.channel, token.topic)


async def _wanted(request: Request, token: DownToken) -> Scope | None:
    form = await _form(request)
    if form.get("List-Unsubscribe") == "One-Click":
        return _scope(token)
    return EVERYTHING if form.get("stop") == "everything" else None


async def _form(request: Request) -> Mapping[str, object]:
    """Return the fields of a small form; none for anything else."""
    if not request.headers.get("content-type", "").lower().startswith(FORM_TYPES):
        return {}
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM_BYTES:
            return {}

    async def replay() -> Message:
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    try:
        async with Request(request.scope, replay).form() as form:
            return dict(form)
    except (HTTPException, MultiPartException):
        return {}


def _page(server: Server, scope: Scope, *, title: str, has_stopped: bool) -> Response:
    frame = Frame(server.company, ANONYMOUS, None, width="phone")
    page = framed(
        frame,
        "console/stop.html",
        title=title,
        what=_words(scope),
        has_stopped=has_stopped,
        is_everything=scope == EVERYTHING,
    )
    page.headers.update(HEADERS)
    return page


def _words(scope: Scope) -> str:
    """Return in plain words what a scope holds."""
    purpose = PURPOSES.get(scope.purpose, f"messages for “{scope.purpose}”")
    channel = CHANNELS.get(scope.channel, f" by {scope.channel}")
    about = "" if scope.topic == "*" else f" about “{scope.topic}”"
    if scope == EVERYTHING:
        return "advertising, newsletters and surveys"
    return f"{purpose}{channel}{about}"
