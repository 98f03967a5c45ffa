"""The web application: its routes, and what lies around each request."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp

from regulars.clock import Clock
from regulars.database import Database
from regulars.errors import ConfigurationError, ExpectedError
from regulars.outgoing.client import Outgoing
from regulars.plugins.joining.discovery import FoundPlugin
from regulars.settings import Settings
from regulars.watch.spans import Spans
from regulars.web.console.routes import console_routes
from regulars.web.exports import export_routes
from regulars.web.gpc import gpc_route
from regulars.web.graphql_routes import graphql_routes
from regulars.web.metrics import metrics_route
from regulars.web.plugin_pages import PluginPages, RouteToAddresses
from regulars.web.privacy_archives import privacy_archive_route
from regulars.web.problems import answer_expected_error, answer_http_error
from regulars.web.request_frame import RequestFrame
from regulars.web.server import Server
from regulars.web.short_way import ShortWay
from regulars.web.stopping import stop_route
from regulars.web.tracking import tracking_routes
from regulars.web.uploads import upload_route

__all__ = ["create_app"]

REQUEST_HEADERS = ("anonymousid", "authorization", "content-type", "idempotency-key", "x-request-id", "x-strict-mode")


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    found: Sequence[FoundPlugin] | None = None,
    outgoing: Outgoing | None = None,
    spans: Spans | None = None,
    database: Database | None = None,
) -> Starlette:
    """Return the ASGI application; nothing is opened before its lifespan starts.

    ``found`` are the plugins that are installed; without it they are looked for. ``outgoing`` sends requests to other
    machines, ``spans`` keeps traces, and ``database`` is opened already; without them, as the settings say.
    ``app.state.server`` is the ``Server``; whoever runs the application without a lifespan starts and stops that.
    """
    server = Server(settings, clock=clock, found=found, outgoing=outgoing, spans=spans, database=database)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with server.running():
            yield

    app = Starlette(routes=_routes(server), lifespan=lifespan)
    app.state.server = server
    app.middleware_stack = _around(app.router, server)
    return app


def _routes(server: Server) -> list[BaseRoute]:
    pages = PluginPages(server)
    return [
        *graphql_routes(server),
        upload_route(server),
        privacy_archive_route(server),
        *export_routes(server),
        *tracking_routes(server),
        metrics_route(server),
        gpc_route(),
        stop_route(server),
        Route("/live", _live),
        Route("/ready", _ready),
        *console_routes(server),
        Mount("/plugins", pages, name="plugins"),
        RouteToAddresses(server, pages),
    ]


def _around(router: Router, server: Server) -> ASGIApp:
    """Return the routes with what lies around them; the frame answers faults, which Starlette's own layer would do."""
    doors = {path.split("/")[1] for route in router.routes if (path := getattr(route, "path", ""))}
    graphql = next(route for route in router.routes if isinstance(route, Route) and route.name == "graphql")
    handlers = {
        HTTPException: answer_http_error,
        ExpectedError: answer_expected_error,
        ConfigurationError: answer_expected_error,
    }
    inside = ShortWay(ExceptionMiddleware(router, handlers), path=graphql.path, endpoint=graphql.app)
    framed = RequestFrame(inside, watch=server.watch, doors=doors)
    if not server.settings.cors_origins:
        return framed
    return CORSMiddleware(
        framed,
        allow_origins=server.settings.cors_origins,
        allow_methods=("GET", "POST"),
        allow_headers=REQUEST_HEADERS,
        expose_headers=("x-request-id", "idempotency-replayed", "retry-after", "ratelimit", "ratelimit-policy"),
    )


async def _live(_request: Request) -> Response:
    return _json(200, {"status": "live"})


async def _ready(request: Request) -> Response:
    server: Server = request.app.state.server
    hindrances = await server.hindrances()
    if not hindrances:
        return _json(200, {"status": "ready"})
    return _json(503, {"status": "not ready", "reasons": dict(hindrances)})


def _json(status: int, content: object) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
