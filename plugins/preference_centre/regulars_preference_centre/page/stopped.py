"""The page after "stop everything": what stopped, what still comes, and how to take it back."""

from starlette.requests import Request
from starlette.responses import Response

from regulars_preference_centre.page.dates import moment_in_words
from regulars_preference_centre.page.showing import show_around
from regulars_preference_centre.page.stop import stop_of
from regulars_preference_centre.page.visit import Visit

__all__ = ["show_stopped"]


async def show_stopped(request: Request, visit: Visit) -> Response:
    """Return the page; the reference and the way back are for the browser that stopped it alone."""
    made = await stop_of(visit)
    is_undone = made is not None and made.undone_at is not None
    shown = None if is_undone else made
    return show_around(
        request,
        "preferences/stopped.html",
        "stop",
        title="stopped_title",
        visit=visit,
        here=visit.path("stopped"),
        reference=None if shown is None else str(shown.event_id),
        when=None if shown is None else moment_in_words(shown.stopped_at, visit.language, visit.zone),
        until=None if shown is None else f"{shown.undo_until.astimezone(visit.zone):%H:%M}",
        can_undo=shown is not None and visit.now < shown.undo_until,
    )
