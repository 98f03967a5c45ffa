"""The pages behind the last sections: what an erasure does, that it has begun, and files to take along."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regulars_preference_centre.page import copies, past
from regulars_preference_centre.page.asking import show_ended
from regulars_preference_centre.page.opening import up_visit
from regulars_preference_centre.page.showing import HEADERS, show_around
from regulars_preference_centre.page.visit import Visit

__all__ = ["ROUTES"]


async def _erase(request: Request) -> Response:
    """Say what an erasure does, with the button that begins it."""
    visit = await up_visit(request)
    if visit is None:
        return show_ended(request)
    return show_around(request, "preferences/erase.html", "copies", visit=visit, title="erase_title")


async def _erased(request: Request) -> Response:
    """Say that an erasure has begun; of the address nothing is shown but a reference."""
    reference = _id(request.query_params.get("reference", ""))
    return show_around(request, "preferences/erased.html", "copies", title="erased_title", reference=reference or "")


def _file(give: Callable[[Visit, UUID], Awaitable[Response | None]]) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers with a file of the customer who has the page open, and to nobody else."""

    async def answer(request: Request) -> Response:
        visit, id = await up_visit(request), _id(request.path_params["id"])
        if visit is None:
            return show_ended(request)
        file = None if id is None else await give(visit, id)
        if file is None:
            raise HTTPException(404)
        file.headers.update(HEADERS)
        return file

    return answer


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


ROUTES = (
    Route("/erase", _erase, name="erase"),
    Route(f"/{copies.ERASED}", _erased, name="erased"),
    Route("/past/{id}", _file(past.receipt), name="receipt"),
    Route("/copies/{id}", _file(copies.archive), name="archive"),
)
