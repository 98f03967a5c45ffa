"""Errors as pages, for people who look at them with a browser."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from regulars.access.actors import ANONYMOUS
from regulars.access.refusals import CredentialsMissing
from regulars.web.console.frame import Frame, framed
from regulars.web.console.signing_in import sign_in_address
from regulars.web.server import Server

__all__ = ["is_for_a_person", "problem_page"]

READING = frozenset({"GET", "HEAD"})


def is_for_a_person(request: Request) -> bool:
    """Tell whether a browser asks for a page, and not a program for an answer."""
    return "text/html" in request.headers.get("accept", "")


def problem_page(request: Request, error: Exception, *, status: int, detail: str, headers: dict[str, str]) -> Response:
    """Return the page that says what happened; whoever is not signed in is led to where one signs in."""
    server: Server = request.app.state.server
    if isinstance(error, CredentialsMissing) and request.method in READING:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(sign_in_address(f"{request.url.path}{query}"), 303)
    frame = Frame(server.company, ANONYMOUS, None, width="narrow")
    answer = framed(
        frame,
        "console/problem.html",
        title=_title(status),
        status=status,
        detail=detail,
        request_id=request.state.request_id,
    )
    answer.headers.update(headers)
    return answer


def _title(status: int) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return "There is no such page"
    if status == HTTPStatus.FORBIDDEN:
        return "This is not for you"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "That was too much at once"
    return "This page cannot be shown" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "This did not work"
