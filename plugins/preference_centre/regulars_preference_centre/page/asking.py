"""The ways in: a form that asks for a link, the page that the link opens, and the way out."""

import hashlib
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from regulars import InvalidInput, MessageDraft, PluginContext, read_identity
from regulars_preference_centre.mails import LINK
from regulars_preference_centre.page.forms import Form
from regulars_preference_centre.page.opening import is_secure, language_of, sent_token, session_cookie, up_visit
from regulars_preference_centre.page.showing import led_to, show_around, show_page

__all__ = [
    "ask",
    "close",
    "form_of",
    "open_visit",
    "sent",
    "show_ended",
    "show_link",
    "show_nothing",
    "show_unknown_link",
    "start",
]

LINK_LIFETIME = timedelta(minutes=15)
PATIENCE = timedelta(minutes=3)
UNPROCESSABLE = 422
NOT_FOUND = 404
FORBIDDEN = 403


async def start(request: Request) -> Response:
    """Show the customer's page, or without an open session the form that asks for a link."""
    visit = await up_visit(request)
    return _asking(request) if visit is None else await show_page(request, visit)


async def ask(request: Request) -> Response:
    """Take a message with a link to an address, whether or not anybody has it.

    Who has it is found out when the message is written, so that this answers everybody alike. Within three minutes a
    second wish for the same address is the same message.
    """
    ctx: PluginContext = request.state.ctx
    form = await form_of(request)
    try:
        address = read_identity("email", form["address"])
    except InvalidInput:
        return _asking(request, typed=form["address"][:254], is_wrong=True)
    language, now = language_of(request), ctx.clock.now()
    turn = int(now.timestamp() // PATIENCE.total_seconds())
    name = hashlib.sha256(f"{address.normalised}\0{language}\0{turn}".encode()).hexdigest()
    expires_at = (turn * PATIENCE.total_seconds()) + PATIENCE.total_seconds() + LINK_LIFETIME.total_seconds()
    await ctx.messages.enqueue(
        MessageDraft(
            key=f"link:{name}",
            template=LINK,
            channel="email",
            address=address.normalised,
            language=language,
            expires_at=now.fromtimestamp(expires_at, tz=now.tzinfo),
        )
    )
    return led_to(request, "sent")


async def sent(request: Request) -> Response:
    """Say that a link is on its way if the address is known here, which this page does not tell."""
    return show_around(request, "preferences/sent.html", "asking", title="sent_title")


async def show_link(request: Request) -> Response:
    """Show the page behind a link: one button, so that programs that look at links open nothing."""
    link = request.query_params.get("link", "")
    return show_around(request, "preferences/open.html", "asking", title="open_title", link=link[:LONGEST_LINK])


LONGEST_LINK = 200


async def open_visit(request: Request) -> Response:
    """Spend the link, let the browser keep the session that it opens, and lead to the page."""
    ctx: PluginContext = request.state.ctx
    form, now = await form_of(request), ctx.clock.now()
    token, opened = await ctx.door.open_session(ctx.session, link=form["link"][:LONGEST_LINK], now=now)
    answer = led_to(request, "")
    answer.set_cookie(
        session_cookie(request),
        token,
        max_age=int((opened.expires_at - now).total_seconds()),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )
    return answer


async def close(request: Request) -> Response:
    """End the visit: the session is over, and the browser forgets it."""
    ctx: PluginContext = request.state.ctx
    form, token = await form_of(request), sent_token(request)
    if token and ctx.door.is_form_token(token, form["visit"]):
        await ctx.door.end_session(ctx.session, token=token, now=ctx.clock.now())
    answer = led_to(request, "")
    answer.delete_cookie(session_cookie(request), path="/", secure=is_secure(request), httponly=True, samesite="lax")
    return answer


def show_unknown_link(request: Request) -> Response:
    """Say that a link opens nothing, in the same words whatever is wrong with it."""
    return show_around(
        request, "preferences/nothing.html", "frame", title="not_found_title", status=NOT_FOUND, text="not_found_text"
    )


async def show_nothing(request: Request) -> Response:
    """Say that there is no such page, and where to begin."""
    return show_around(
        request, "preferences/nothing.html", "frame", title="nowhere_title", status=NOT_FOUND, text="nowhere_text"
    )


def show_ended(request: Request) -> Response:
    """Say that the visit has ended and nothing was changed."""
    return show_around(
        request, "preferences/nothing.html", "frame", title="ended_title", status=FORBIDDEN, text="ended_text"
    )


async def form_of(request: Request) -> Form:
    """Return the fields of the form that was sent."""
    async with request.form() as form:
        return Form([(name, value) for name, value in form.multi_items() if isinstance(value, str)])


def _asking(request: Request, *, typed: str = "", is_wrong: bool = False) -> Response:
    return show_around(
        request,
        "preferences/ask.html",
        "asking",
        title="error_title" if is_wrong else "title",
        status=UNPROCESSABLE if is_wrong else 200,
        typed=typed,
        is_wrong=is_wrong,
    )
