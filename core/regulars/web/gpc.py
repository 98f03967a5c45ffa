"""Heed Global Privacy Control: a browser that asks for no sharing stops sharing at once.

Source: https://www.w3.org/TR/gpc/
"""

import orjson
from sqlalchemy import or_, select
from sqlmodel import col
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from regulars.access.actors import Actor
from regulars.consents.gpc import record_gpc_signal
from regulars.consents.models import GpcSignal
from regulars.web.server import Server

__all__ = ["asks_for_no_sharing", "gpc_route", "heed_gpc"]

HEADER = "sec-gpc"
HEEDED_SINCE = "2026-11-22"
"""The date on which what this server does about the signal was last changed."""


def asks_for_no_sharing(headers: Headers) -> bool:
    """Tell whether any ``Sec-GPC`` header says ``1``; every other value means the same as none."""
    return any(value.strip() == "1" for line in headers.getlist(HEADER) for value in line.split(","))


async def heed_gpc(server: Server, request: Request, actor: Actor) -> None:
    """Keep the first signal of a customer, which stops every partner; later ones are only noted in the log."""
    if actor.customer_id is None or not asks_for_no_sharing(request.headers):
        return
    request.state.log["gpc"] = "1"
    is_theirs = or_(col(GpcSignal.profile_id) == actor.customer_id, col(GpcSignal.customer_id) == actor.customer_id)
    async with server.database.reading() as session:
        if await session.scalar(select(col(GpcSignal.id)).where(is_theirs).limit(1)) is not None:
            return
    async with server.database.writing() as session:
        await record_gpc_signal(session, customer_id=actor.customer_id, actor=actor, now=server.clock.now())


def gpc_route() -> Route:
    """Return the route that says that this server heeds the signal."""
    return Route("/.well-known/gpc.json", _tell, name="gpc")


async def _tell(_request: Request) -> Response:
    told = orjson.dumps({"gpc": True, "lastUpdate": HEEDED_SINCE})
    return Response(told, media_type="application/json")
