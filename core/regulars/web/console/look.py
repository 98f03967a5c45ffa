"""The company's own look on every page: its colour and its logo."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from regulars.company.colours import accent_rules
from regulars.company.service import read_logo
from regulars.web.server import Server

__all__ = ["look_routes"]

KEPT = {"cache-control": "public, max-age=300"}
SEALED = {"content-security-policy": "default-src 'none'; sandbox"}


def look_routes(server: Server) -> list[BaseRoute]:
    """Return the routes of the style sheet with the company's colour, and of its logo."""

    async def colours(_request: Request) -> Response:
        accent = server.company.accent
        return Response("" if accent is None else accent_rules(accent), media_type="text/css", headers=KEPT)

    async def logo(_request: Request) -> Response:
        async with server.database.reading() as session:
            found = await read_logo(session)
        if found is None:
            raise HTTPException(404)
        type, content = found
        return Response(content, media_type=type, headers=KEPT | SEALED)

    return [
        Route("/company/colours.css", colours, name="company-colours"),
        Route("/company/logo", logo, name="company-logo"),
    ]
