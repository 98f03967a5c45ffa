"""GraphiQL for whoever looks at the API with a browser, in development alone."""

from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["GraphiqlForBrowsers", "graphiql_files"]

FOLDER = Path(__file__).parent / "static" / "graphiql"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
JSON_TYPES = ("application/json", "application/graphql-response+json")


class GraphiqlForBrowsers:
    """Shows GraphiQL to a browser that goes to the endpoint, and leaves everything else to the endpoint."""

    def __init__(self, endpoint: ASGIApp) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if not _is_visit(Request(scope)):
            await self._endpoint(scope, receive, send)
            return
        page = FileResponse(FOLDER / "index.html", headers={"content-security-policy": POLICY, "vary": "accept"})
        await page(scope, receive, send)


def graphiql_files() -> BaseRoute:
    """Return the route of what the page needs; nothing comes from anywhere else."""
    return Mount("/graphiql", StaticFiles(directory=FOLDER), name="graphiql")


def _is_visit(request: Request) -> bool:
    accepted = _media_types(request.headers)
    return (
        request.method == "GET"
        and "query" not in request.query_params
        and "text/html" in accepted
        and not any(type in accepted for type in JSON_TYPES)
    )


def _media_types(headers: Headers) -> set[str]:
    return {part.partition(";")[0].strip().lower() for part in headers.get("accept", "").split(",")}
