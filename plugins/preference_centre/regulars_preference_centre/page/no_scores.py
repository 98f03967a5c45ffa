"""Opt out of scores and enrichment without being a customer: an address, a link to it, and one button."""

import hashlib
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regulars import InvalidInput, LinkUnknown, MessageDraft, PluginContext, read_identity
from regulars_preference_centre.mails import NO_SCORES
from regulars_preference_centre.page.asking import form_of, show_unknown_link
from regulars_preference_centre.page.opening import language_of
from regulars_preference_centre.page.showing import led_to, show_around

__all__ = ["PATH", "PURPOSE", "ROUTES"]

PATH = "no-scores"
PURPOSE = "no_scores"
PATIENCE = timedelta(minutes=15)
MAIL_LIFETIME = timedelta(minutes=30)
LONGEST_PROOF = 1500
LONGEST_ADDRESS = 254
UNPROCESSABLE = 422


async def _start(request: Request) -> Response:
    """Show the form that asks for an address."""
    return _asking(request)


async def _ask(request: Request) -> Response:
    """Send a link to the address, whoever has it; customers and strangers get the same mail and the same answer.

    Within a quarter of an hour a second wish for the same address is the same message, so that nobody is
    flooded.
    """
    ctx: PluginContext = request.state.ctx
    form = await form_of(request)
    try:
        address = read_identity("email", form["address"])
    except InvalidInput:
        return _asking(request, typed=form["address"][:LONGEST_ADDRESS], is_wrong=True)
    language, now = language_of(request), ctx.clock.now()
    turn = int(now.timestamp() // PATIENCE.total_seconds())
    name = hashlib.sha256(f"{address.normalised}\0{language}\0{turn}".encode()).hexdigest()
    ends = (turn + 1) * PATIENCE.total_seconds() + MAIL_LIFETIME.total_seconds()
    await ctx.messages.enqueue(
        MessageDraft(
            key=f"no-scores:{name}",
            template=NO_SCORES,
            channel="email",
            address=address.normalised,
            language=language,
            expires_at=now.fromtimestamp(ends, tz=now.tzinfo),
        )
    )
    return led_to(request, f"{PATH}/sent")


async def _sent(request: Request) -> Response:
    """Say that a link is on its way."""
    return show_around(request, "preferences/no_scores_said.html", "no_scores", title="sent_title", said="sent")


async def _look(request: Request) -> Response:
    """Show the page behind the link: one button, so that programs that look at links change nothing."""
    proof = request.query_params.get("proof", "")[:LONGEST_PROOF]
    return show_around(request, "preferences/no_scores_open.html", "no_scores", title="open_title", proof=proof)


async def _stop(request: Request) -> Response:
    """Keep a keyed hash of the address, so that nothing is computed of whoever has it; nobody is created."""
    ctx: PluginContext = request.state.ctx
    form, now = await form_of(request), ctx.clock.now()
    try:
        address = ctx.door.read_address_proof(form["proof"], purpose=PURPOSE, now=now)
    except LinkUnknown:
        return show_unknown_link(request)
    await ctx.rights.stop_scoring_of_address(
        ctx.session, address=address, reason="Asked for it by a link to the address", now=now
    )
    return led_to(request, f"{PATH}/done")


async def _done(request: Request) -> Response:
    """Say what holds from now on."""
    return show_around(request, "preferences/no_scores_said.html", "no_scores", title="done_title", said="done")


def _asking(request: Request, *, typed: str = "", is_wrong: bool = False) -> Response:
    return show_around(
        request,
        "preferences/no_scores.html",
        "no_scores",
        title="error_title" if is_wrong else "title",
        status=UNPROCESSABLE if is_wrong else 200,
        typed=typed,
        is_wrong=is_wrong,
    )


ROUTES = (
    Route(f"/{PATH}", _start, name="no_scores"),
    Route(f"/{PATH}/ask", _ask, methods=["POST"], name="no_scores_ask"),
    Route(f"/{PATH}/sent", _sent, name="no_scores_sent"),
    Route(f"/{PATH}/open", _look, name="no_scores_link"),
    Route(f"/{PATH}/open", _stop, methods=["POST"], name="no_scores_stop"),
    Route(f"/{PATH}/done", _done, name="no_scores_done"),
)
