"""Heed Global Privacy Control: a browser that asks for no sharing stops sharing at once.

Source: https://www.w3.org/TR/gpc/
"""

from collections.abc import Collection
from contextlib import suppress
from uuid import UUID

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
from regulars.errors import NotFound
from regulars.web.server import Server

__all__ = ["asks_for_no_sharing", "gpc_route", "heed_gpc"]

HEADER = "sec-gpc"
HEEDED_SINCE = "2026-11-22"
"""The date on which what this server does about the signal was last changed."""


def asks_for_no_sharing(headers: Headers) -> bool:
    """Tell whether any ``Sec-GPC`` header says ``1``; every other value means the same as none."""
    return any(value.strip() == "1" for line in headers.getlist(HEADER) for value in line.split(","))


async def heed_gpc(server: Server, request: Request, customers: Collection[UUID], *, actor: Actor) -> None:
    """Keep the first signal of each customer whose browser sent this, which stops every partner.

    Later signals are only noted in the log, and so is what nobody is known to have sent.
    """
    if not customers or not asks_for_no_sharing(request.headers):
        return
    request.state.log["gpc"] = "1"
    told = select(col(GpcSignal.profile_id), col(GpcSignal.customer_id))
    is_theirs = or_(col(GpcSignal.profile_id).in_(customers), col(GpcSignal.customer_id).in_(customers))
    async with server.database.reading() as session:
        known = {id for row in await session.execute(told.where(is_theirs)) for id in row}
    first = sorted(set(customers) - known)
    if first:
        async with server.database.writing() as session:
            for customer_id in first:
                with suppress(NotFound):  # somebody erased them meanwhile
                    await record_gpc_signal(session, customer_id=customer_id, actor=actor, now=server.clock.now())


def gpc_route() -> Route:
    """Return the route that says that this server heeds the signal."""
    return Route("/.well-known/gpc.json", _tell, name="gpc")


async def _tell(_request: Request) -> Response:
    told = orjson.dumps({"gpc": True, "lastUpdate": HEEDED_SINCE})
    return Response(told, media_type="application/json")
