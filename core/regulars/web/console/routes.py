"""All routes of the console, and the files that every page needs."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from regulars.web.console.look import look_routes
from regulars.web.console.signing_in import signing_in_routes
from regulars.web.console.start import start_routes
from regulars.web.kept_files import KeptFiles
from regulars.web.server import Server

__all__ = ["console_routes"]

FILES = Path(__file__).parents[1] / "static" / "pages"


def console_routes(server: Server) -> list[BaseRoute]:
    """Return the routes of the pages for staff."""

    async def home(_request: Request) -> Response:
        return RedirectResponse("/console", 303)

    return [
        Route("/", home, name="home"),
        *start_routes(server),
        *signing_in_routes(server),
        *look_routes(server),
        Mount("/static/pages", KeptFiles(directory=FILES), name="page-files"),
    ]
