"""Figures for Prometheus at `/metrics`, for whoever may see them."""

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regulars.errors import Forbidden
from regulars.watch.figures import Reading
from regulars.watch.readings import pool_readings, read_waiting
from regulars.web.server import Server

__all__ = ["METRICS_READ", "metrics_route"]

METRICS_READ = "metrics:read"


def metrics_route(server: Server) -> Route:
    """Return the route; it needs a key with the permission ``metrics:read``."""

    async def show(request: Request) -> Response:
        actor = await server.actor(request.headers.get("authorization"))
        if not actor.may(METRICS_READ):
            raise Forbidden(METRICS_READ)
        readings = [*_plugin_readings(server), *_plan_readings(server), *pool_readings(server.database)]
        is_up = Reading("regulars_database_up", "Whether the database answers.", 1)
        try:
            async with server.database.reading() as session:
                readings += [is_up, *await read_waiting(session, now=server.clock.now())]
        except (SQLAlchemyError, OSError):
            readings.append(Reading(is_up.name, is_up.help, 0))
        return Response(server.watch.figures.text(readings), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", show, name="metrics")


def _plugin_readings(server: Server) -> Iterator[Reading]:
    help = "The state of each plugin."
    for plugin_id, status in server.host.statuses.items():
        labels = (("plugin", plugin_id), ("state", status.state.value))
        yield Reading("regulars_plugins", help, 1, labels)
    for breaker in server.host.caller.breakers.open_now():
        labels = (("plugin", breaker.plugin_id), ("hook", breaker.hook))
        yield Reading("regulars_plugin_paused", "Hooks that rest after many failures.", 1, labels)


def _plan_readings(server: Server) -> Iterator[Reading]:
    counts = server.schema.executor.planner.counts
    yield Reading("regulars_queries_planned", "Queries answered by a plan since the schema was built.", counts.planned)
    help = "Rows of mutations' payloads that were read by a plan since the schema was built."
    yield Reading("regulars_payloads_planned", help, counts.rows)
    help = "Queries and payloads that were executed instead, by the field because of which."
    for field, number in counts.by_field.items():
        yield Reading("regulars_queries_not_planned", help, number, (("field", field),))
    help = "Queries and payloads that were executed instead because their plan failed, by the kind of error."
    for error, number in counts.by_error.items():
        yield Reading("regulars_plans_failed", help, number, (("error", error),))
