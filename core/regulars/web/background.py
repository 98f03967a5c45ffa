"""The work in the background of one process: jobs, their clock, and events for handlers and webhooks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from regulars.audit.sealing import running_sealer
from regulars.events.deliveries import TellFurther
from regulars.events.dispatch import Pace, running_dispatcher
from regulars.jobs.scheduler import running_scheduler
from regulars.jobs.worker import Timings, running_worker
from regulars.messages.dispatcher import DispatchPace, running_messages
from regulars.messages.waking import messages_following
from regulars.webhooks.queue import webhooks_following
from regulars.webhooks.sender import SenderPace, running_webhooks

if TYPE_CHECKING:
    from regulars.web.server import Server

__all__ = ["following_events", "running_background"]

GRACE = timedelta(seconds=2)
"""How long work may go on after the server was told to end; what is cut off is taken up again elsewhere."""


@asynccontextmanager
async def running_background(server: "Server") -> AsyncIterator[None]:
    """Run jobs, enqueue timed ones, tell events to handlers and webhooks, send messages, seal the audit log.

    In safe mode no event is told, for it would count as told to plugins that never heard of it, and nothing is sent,
    for the rules of plugins would not be asked.
    """
    database, clock = server.database, server.clock
    async with AsyncExitStack() as stack:
        if not server.settings.safe_mode:
            await stack.enter_async_context(
                running_dispatcher(
                    database,
                    server.handlers,
                    clock=clock,
                    report=server.report_undelivered,
                    pace=Pace(grace=GRACE),
                    followers=following_events,
                )
            )
        await stack.enter_async_context(
            running_webhooks(
                database,
                server.outgoing,
                server_secret=server.secret,
                clock=clock,
                pace=SenderPace(grace=GRACE),
            )
        )
        if not server.settings.safe_mode:
            await stack.enter_async_context(running_messages(server.house, pace=DispatchPace(grace=GRACE)))
        await stack.enter_async_context(
            running_worker(
                database,
                server.job_kinds,
                clock=clock,
                company=lambda: server.company,
                timings=Timings(grace=GRACE),
                watch=server.watch,
            )
        )
        await stack.enter_async_context(
            running_scheduler(database, server.job_kinds, clock=clock, time_zone=lambda: server.company.time_zone)
        )
        await stack.enter_async_context(running_sealer(database, server.audit_heads, clock=clock))
        yield


async def following_events(session: AsyncSession, now: datetime) -> TellFurther | None:
    """Return what queues events for webhooks and wakes messages, in this session; None when nobody wants to know."""
    followers = [await webhooks_following(session, now), await messages_following(session, now)]
    wanting = [follow for follow in followers if follow is not None]
    if not wanting:
        return None

    async def tell(events: Sequence[tuple[UUID, str]]) -> None:
        for follow in wanting:
            await follow(events)

    return tell
