"""The routes of the page: the ways in, the page itself, and the addresses of its forms."""

from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from regulars import ExpectedError, LinkUnknown, Pages, StopLinks
from regulars_preference_centre.page import asking, confirming, leaving, no_scores
from regulars_preference_centre.page.forms import Form
from regulars_preference_centre.page.names import topic_name
from regulars_preference_centre.page.opening import down_visit, sent_token, up_visit
from regulars_preference_centre.page.partners import note_no_sharing
from regulars_preference_centre.page.section import Done, Section
from regulars_preference_centre.page.sections import section_named
from regulars_preference_centre.page.showing import HEADERS, Sent, show_page
from regulars_preference_centre.page.stopped import show_stopped
from regulars_preference_centre.page.visit import ADDRESS, FORM_TOKEN, Visit

__all__ = ["PAGES"]

Answer = Callable[[Request], Awaitable[Response]]


def _known_links_only(answer: Answer) -> Answer:
    """Let the page say that a link opens nothing, instead of a problem that only programs read."""

    @wraps(answer)
    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except LinkUnknown:
            return asking.show_unknown_link(request)

    return answered


@_known_links_only
async def _look(request: Request) -> Response:
    """Show the page to whoever holds the link of a message."""
    return await show_page(request, await down_visit(request, request.path_params["token"]))


@_known_links_only
async def _act_by_link(request: Request) -> Response:
    """Do what a form of a down visit says."""
    visit = await down_visit(request, request.path_params["token"])
    return await _act(request, visit, await asking.form_of(request))


@_known_links_only
async def _stopped_by_link(request: Request) -> Response:
    """Say to whoever holds the link of a message that all is stopped."""
    return await show_stopped(request, await down_visit(request, request.path_params["token"]))


async def _stopped(request: Request) -> Response:
    """Say that all is stopped; whoever has no session any more is led to the start."""
    visit = await up_visit(request)
    return await asking.start(request) if visit is None else await show_stopped(request, visit)


async def _act_in_session(request: Request) -> Response:
    """Do what a form of an up visit says; without the session and the form's own token nothing is done."""
    visit, form = await up_visit(request), await asking.form_of(request)
    if visit is None or not visit.ctx.door.is_form_token(sent_token(request), form[FORM_TOKEN]):
        return asking.show_ended(request)
    return await _act(request, visit, form)


async def _act(request: Request, visit: Visit, form: Form) -> Response:
    section = section_named(request.path_params["section"])
    action = None if section is None else section.action_for(visit, request.path_params["action"])
    if section is None or action is None:
        return await asking.show_nothing(request)
    await note_no_sharing(visit)
    try:
        async with visit.ctx.session.begin_nested():
            done = await action(visit, form)
    except LinkUnknown:
        raise
    except ExpectedError as error:
        return await show_page(request, visit, Sent(section, form, error=error))
    if isinstance(done, Response):
        done.headers.update(HEADERS)
        return done
    if done.kept:
        visit.memory.clear()
        return await show_page(request, visit, Sent(section, form, done=done))
    return _back_to(visit, section, done)


def _back_to(visit: Visit, section: Section, done: Done) -> Response:
    """Lead back to the section, which says what was done."""
    back = f"{visit.path(said=f'{section.name}.{done.said}')}#{section.name}"
    return RedirectResponse(back, 303, headers=HEADERS)


ROUTES: tuple[Route, ...] = (
    Route("/", asking.start, name="start"),
    Route("/ask", asking.ask, methods=["POST"], name="ask"),
    Route("/sent", asking.sent, name="sent"),
    Route("/open", asking.show_link, name="link"),
    Route("/open", _known_links_only(asking.open_visit), methods=["POST"], name="open"),
    Route("/confirm", _known_links_only(confirming.show_confirmation), name="confirmation"),
    Route("/confirm", _known_links_only(confirming.confirm), methods=["POST"], name="confirm"),
    Route("/close", asking.close, methods=["POST"], name="close"),
    Route("/stopped", _stopped, name="stopped"),
    *leaving.ROUTES,
    *no_scores.ROUTES,
    Route("/by/{token}", _look, name="look"),
    Route("/by/{token}/stopped", _stopped_by_link, name="stopped_by_link"),
    Route("/by/{token}/{section}/{action}", _act_by_link, methods=["POST"], name="act_by_link"),
    Route("/{section}/{action}", _act_in_session, methods=["POST"], name="act"),
    Route("/{rest:path}", asking.show_nothing, name="nowhere"),
)

PAGES = Pages(
    routes=ROUTES,
    permissions={route.name: "public" for route in ROUTES},
    templates="regulars_preference_centre:templates",
    static="regulars_preference_centre:static",
    address=ADDRESS,
    stop_links=StopLinks("/by", topic_name),
)
