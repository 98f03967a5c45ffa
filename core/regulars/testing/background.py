"""Do the work in the background when a test says so, through the real worker and the real dispatcher."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

from regulars.access.actors import SYSTEM
from regulars.errors import UnknownValue
from regulars.events.deliveries import handlers_with_work, has_untold_events
from regulars.events.dispatch import Pace, running_dispatcher
from regulars.jobs.models import Job
from regulars.jobs.service import enqueue_job, list_jobs, read_job
from regulars.jobs.worker import Timings, running_worker
from regulars.messages.deliveries import Deliveries
from regulars.messages.dispatcher import Dispatcher, DispatchPace
from regulars.web.background import following_events
from regulars.web.server import Server
from regulars.webhooks.queue import webhooks_with_work
from regulars.webhooks.sender import SenderPace, running_webhooks

__all__ = ["deliver_events", "deliver_webhooks", "run_enqueued_job", "run_job", "send_messages"]

OFTEN = timedelta(milliseconds=10)
TIMINGS = Timings(poll=OFTEN, look=timedelta(milliseconds=50), grace=timedelta(seconds=2))
PACE = Pace(poll=OFTEN)


async def run_job(server: Server, kind: str, *, input: Any = None) -> Job:
    """Return the row of a new job of this kind after one attempt at it.

    A job that failed and would be tried again later is ``QUEUED`` then, with its ``problem``.
    Raises ``UnknownValue`` for a kind that nobody offers.
    """
    if kind not in server.job_kinds:
        raise UnknownValue("job", kind, server.job_kinds)
    async with server.database.writing() as session:
        job = await enqueue_job(session, kind=kind, actor=SYSTEM.label, input=input, now=server.clock.now())
    return await _attempt(server, job)


async def run_enqueued_job(server: Server, kind: str) -> Job:
    """Return the row of the newest job of this kind, which somebody enqueued, after one attempt at it."""
    async with server.database.reading() as session:
        (job,) = await list_jobs(session, kind=kind, limit=1)
    return await _attempt(server, job)


async def _attempt(server: Server, job: Job) -> Job:
    only = {job.kind: server.job_kinds[job.kind]}
    async with running_worker(
        server.database,
        only,
        clock=server.clock,
        company=lambda: server.company,
        slots=1,
        timings=TIMINGS,
        watch=server.watch,
    ):
        return await _ended(server, job.id)


async def _ended(server: Server, id: UUID) -> Job:
    while True:
        async with server.database.reading() as session:
            job = await read_job(session, id=id)
        is_waiting = job.status == "QUEUED" and (job.attempts == 0 or job.run_after <= server.clock.now())
        if not is_waiting and job.status != "RUNNING":
            return job
        await asyncio.sleep(OFTEN.total_seconds())


async def deliver_events(server: Server) -> None:
    """Tell every event that waits to the handlers of plugins, until none is left that can be told now.

    What a handler does not take waits for its next attempt, as on a real server.
    """
    while await _is_something_to_tell(server):
        async with running_dispatcher(
            server.database,
            server.handlers,
            clock=server.clock,
            report=server.report_undelivered,
            pace=PACE,
            followers=following_events,
        ):
            while await _is_something_to_tell(server):  # noqa: ASYNC110  what is told shows in the database alone
                await asyncio.sleep(OFTEN.total_seconds())


async def send_messages(server: Server, deliveries: Deliveries | None = None) -> None:
    """Send what is due, through the server's own deliveries or those that are given, until nothing is."""
    house = server.house if deliveries is None else replace(server.house, deliveries=deliveries)
    dispatcher = Dispatcher(house, pace=DispatchPace())
    while await dispatcher.round():
        pass


async def deliver_webhooks(server: Server) -> None:
    """Tell every event that waits, then send what is due to webhooks, each delivery once."""
    await deliver_events(server)
    async with running_webhooks(
        server.database,
        server.outgoing,
        server_secret=server.secret,
        clock=server.clock,
        chance=Random(server.clock.now().isoformat()),  # noqa: S311  a test that runs twice runs alike
        pace=SenderPace(poll=OFTEN),
    ):
        while await _is_something_to_send(server):  # noqa: ASYNC110  what is sent shows in the database alone
            await asyncio.sleep(OFTEN.total_seconds())


async def _is_something_to_send(server: Server) -> bool:
    async with server.database.reading() as session:
        return bool(await webhooks_with_work(session, now=server.clock.now()))


async def _is_something_to_tell(server: Server) -> bool:
    names = {name for handlers in server.handlers.values() for name, _ in handlers}
    async with server.database.reading() as session:
        return await has_untold_events(session) or bool(
            await handlers_with_work(session, names, now=server.clock.now())
        )
