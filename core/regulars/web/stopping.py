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
from regulars.plugins.pages.stop_links import stop_help
from regulars.selfservice.down_tokens import DownToken, read_down_token
from regulars.selfservice.stopping import language_behind, stop_scope
from regulars.web.gpc import heed_gpc
from regulars.web.house import STOP_PATH
from regulars.web.server import Server
from regulars.web.stop_words import STOP_WORDS
from regulars.web.visitor_pages import visitor_language, visitor_page

__all__ = ["stop_route"]

LARGEST_FORM_BYTES = 16 * 1024
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
HEADERS = {"referrer-policy": "no-referrer", "cache-control": "no-store"}


def stop_route(server: Server) -> Route:
    """Return the route; only a POST by a real button or a mail program changes anything.

    It asks for no cookie, no origin and no allowance: whoever holds the link may stop, and a mail program that is
    turned away does not come back.
    """

    async def answer(request: Request) -> Response:
        token = read_down_token(request.path_params["token"], secret=server.secret)
        wanted = None if request.method in ("GET", "HEAD") else await _wanted(request, token)
        if wanted is None:
            return await _page(server, request, token, _scope(token), has_stopped=False)
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
            what = STOP_WORDS["en"].what(wanted, wanted.topic)
            return PlainTextResponse(f"Stopped: {what}.\n", headers=HEADERS)
        return await _page(server, request, token, wanted, has_stopped=True)

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


async def _page(server: Server, request: Request, token: DownToken, scope: Scope, *, has_stopped: bool) -> Response:
    async with server.database.reading() as session:
        known = await language_behind(session, customer_id=token.customer_id)
    language = visitor_language(server, request, known=known)
    written = request.path_params["token"]
    help = await stop_help(server.host, token=written, topic=scope.topic, language=language)
    words = STOP_WORDS[language]
    page = visitor_page(
        server,
        "console/stop.html",
        language=language,
        width="phone",
        title=words.title_done if has_stopped else words.title,
        words=words,
        what=words.what(scope, help.topic_name or scope.topic),
        more=help.href,
        has_stopped=has_stopped,
        is_everything=scope == EVERYTHING,
    )
    page.headers.update(HEADERS)
    return page
