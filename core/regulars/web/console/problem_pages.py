"""Errors as pages, for people who look at them with a browser."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from regulars.access.actors import ANONYMOUS
from regulars.access.refusals import AllowanceSpent, CredentialsMissing
from regulars.plugins.pages.addresses import pages_path, plugin_at
from regulars.plugins.plugin_set import PluginSet
from regulars.web.console.frame import Frame, framed
from regulars.web.console.signing_in import sign_in_address
from regulars.web.problem_words import problem_words
from regulars.web.server import Server
from regulars.web.visitor_pages import visitor_language, visitor_page

__all__ = ["is_for_a_person", "problem_page"]

READING = frozenset({"GET", "HEAD"})
TITLES = {
    "FORM_REFUSED": "Nothing was changed",
    "RATE_LIMITED": "That was too much at once",
    "UNAUTHENTICATED": "You are not signed in",
}
NOT_SIGNED_IN = "Your visit has ended, or has not begun. Nothing was changed. Sign in, then repeat your change."
FOR_STAFF = ("/console", "/plugins")


def is_for_a_person(request: Request) -> bool:
    """Tell whether a browser asks for a page, and not a program for an answer."""
    return "text/html" in request.headers.get("accept", "")


def problem_page(
    request: Request, error: Exception, *, status: int, code: str, detail: str, headers: dict[str, str]
) -> Response:
    """Return the page that says what happened; whoever is not signed in is led to where one signs in.

    The staff's pages give the ``detail``, in English. All others speak the visitor's language.
    """
    server: Server = request.app.state.server
    if isinstance(error, CredentialsMissing) and request.method in READING:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(sign_in_address(f"{request.url.path}{query}"), 303)
    answer = (
        _for_staff(server, request, status, code, NOT_SIGNED_IN if isinstance(error, CredentialsMissing) else detail)
        if is_for_staff(request.url.path)
        else _for_visitors(server, request, error, status, code)
    )
    answer.headers.update(headers)
    return answer


def is_for_staff(path: str) -> bool:
    """Tell whether the pages at and below a path are for staff."""
    return path.startswith(FOR_STAFF)


def _for_staff(server: Server, request: Request, status: int, code: str, detail: str) -> Response:
    return framed(
        Frame(server.company, ANONYMOUS, None, width="narrow"),
        "console/problem.html",
        title=TITLES.get(code) or _title(status),
        status=status,
        detail=detail,
        request_id=request.state.request_id,
    )


def _for_visitors(server: Server, request: Request, error: Exception, status: int, code: str) -> Response:
    language = visitor_language(server, request)
    words = problem_words(code, status=status, language=language)
    wait_s = error.wait_s if isinstance(error, AllowanceSpent) else 0
    return visitor_page(
        server,
        "console/visitor_problem.html",
        language=language,
        width="narrow",
        title=words.title,
        status=status,
        words=words,
        text=words.text.format(wait=wait_s),
        back=_start_for_visitors(server.plugins, request.url.path),
        request_id=request.state.request_id,
    )


def _start_for_visitors(plugins: PluginSet, path: str) -> str | None:
    """Return where visitors can go on: the plugin's first page, else that of the one behind stop links, if any."""
    at_path = plugin_at(plugins, path)
    for plugin in plugins.plugins if at_path is None else (at_path,):
        pages = plugin.contributions.pages
        if pages is not None and (plugin is at_path or pages.stop_links is not None):
            return pages_path(plugin.id, pages)
    return None


def _title(status: int) -> str:
    if status == HTTPStatus.NOT_FOUND:
        return "There is no such page"
    if status == HTTPStatus.FORBIDDEN:
        return "This is not for you"
    return "This page cannot be shown" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "This did not work"
