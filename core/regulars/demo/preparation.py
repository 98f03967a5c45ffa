"""Bring a running server to where the demo is complete; every step that is done already is passed over.

A start that was killed is completed by the next one: customers are written whole, a hundred at a time, and a step
begins only when the one before has ended.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from regulars.access.actors import SYSTEM
from regulars.demo.cdnow import SampleMissing, cdnow_purchases
from regulars.demo.loading import Telling, load_customers
from regulars.demo.marking import mark_as_demo
from regulars.demo.progress import Progress
from regulars.demo.purchases import Purchase, by_customer, ending_on
from regulars.demo.simulation import simulated_purchases
from regulars.errors import ConfigurationError
from regulars.events.deliveries import has_untold_events
from regulars.jobs.models import Job
from regulars.jobs.scheduler import enqueue_due
from regulars.jobs.service import list_jobs, read_job, repeat_job
from regulars.plugins.states import PluginState
from regulars.web.server import Server

__all__ = ["CDNOW", "SIMULATED", "History", "JobNotDone", "history_for_demo", "prepare_demo"]

PLUGIN = "clv"
PLUGIN_SETTINGS = {
    "margin": 0.35,
    "used_for": {
        "en": "We decide by it whom we thank first. It never changes a price.",
        "de": "Danach entscheiden wir, wem wir zuerst danken. Kein Preis ändert sich dadurch.",
        "ar": "نقرر بها من نشكره أولًا. ولا تغيّر أي سعر.",
    },
}
FIT = "clv.fit"
FITTING = "Fitting the model of lifetime value"
BATCH = 100
LOOK_S = 0.1

CDNOW, SIMULATED = "cdnow", "simulated"


@dataclass(frozen=True)
class History:
    """Purchases, and the source from which they come."""

    source: str
    purchases: Sequence[Purchase]

    @property
    def note(self) -> str:
        """Return what is invented about these customers."""
        if self.source == CDNOW:
            return "Days and amounts of orders are real (CDNOW, moved in time); all else about them is invented."
        return "All of it: the orders are simulated, and the rest is invented."


class JobNotDone(ConfigurationError):
    """A job without which the demo shows nothing did not succeed."""

    code = "DEMO_JOB_NOT_DONE"

    def __init__(self, job: Job) -> None:
        self.job_id, self.status = job.id, job.status
        super().__init__(
            f"The job {job.kind} ended as {job.status}: {job.problem or 'nobody said why'}."
            " Mend the cause and run `regulars demo` again, which repeats it."
        )


def history_for_demo() -> History:
    """Return the CDNOW sample, or a simulated history where the wheel that carries it is not installed."""
    try:
        return History(CDNOW, cdnow_purchases())
    except SampleMissing:
        return History(SIMULATED, simulated_purchases())


async def prepare_demo(server: Server, history: History, *, progress: Progress) -> None:
    """Load the customers, enable lifetime value, and have its model fitted by the server's own worker.

    Raises ``OtherCustomers`` for a database that is not the demo's, ``PluginWithheld`` where the operator keeps the
    plugin out, and ``JobNotDone``.
    """
    record = server.host.records.get(PLUGIN)
    if record is None or record.accepted_at is None:
        # The plugin's first enabling says that everything is loaded and told.
        await _load(server, history, progress)
        await _wait_until_told(server, progress)
        progress("Enabling lifetime value", 0, None)
        await server.host.configure(PLUGIN, PLUGIN_SETTINGS)
        await server.host.enable(PLUGIN)
        await server.refresh_schema()
        await _enqueue_fit(server)
        progress(FITTING, 0, None)
    if server.host.statuses[PLUGIN].state is PluginState.ENABLED:
        await _fit(server, progress)


async def _load(server: Server, history: History, progress: Progress) -> None:
    async with server.database.writing() as session:
        since = await mark_as_demo(session, now=server.clock.now())
    telling = _telling(history, since=since, zone=ZoneInfo(server.company.time_zone))
    histories = by_customer(ending_on(history.purchases, telling.last_day))
    names = list(histories)
    for first in range(0, len(names), BATCH):
        async with server.database.writing() as session:
            await load_customers(
                session,
                {name: histories[name] for name in names[first : first + BATCH]},
                telling=telling,
                types=server.touchpoint_types,
                registry=server.consent_registry,
                now=server.clock.now(),
            )
        progress("Loading customers and their purchases", min(first + BATCH, len(names)), len(names))


def _telling(history: History, *, since: datetime, zone: ZoneInfo) -> Telling:
    # The day of the first start counts, so that a start after midnight completes the same history.
    yesterday = since.astimezone(zone).date() - timedelta(days=1)
    return Telling(history.source, history.note, yesterday, zone)


async def _wait_until_told(server: Server, progress: Progress) -> None:
    # Else lifetime value would hear of every purchase after its fit, and call each score out of date.
    progress("Telling what happened", 0, None)
    while True:
        async with server.database.reading() as session:
            if not await has_untold_events(session):
                return
        await asyncio.sleep(LOOK_S)


async def _enqueue_fit(server: Server) -> None:
    zone = ZoneInfo(server.company.time_zone)
    await enqueue_due(server.database, server.job_kinds, zone=zone, now=server.clock.now())


async def _fit(server: Server, progress: Progress) -> None:
    """Wait for the first fit that succeeds: today's, which the scheduler would also start."""
    await _enqueue_fit(server)
    async with server.database.writing() as session:
        fits = await list_jobs(session, kind=FIT)
        if any(fit.status == "SUCCEEDED" for fit in fits):
            return
        job = fits[0]
        if job.status not in ("QUEUED", "RUNNING"):
            job = await repeat_job(session, id=job.id, actor=SYSTEM.label, now=server.clock.now())
    broken_off = job.attempts if job.status == "RUNNING" else None
    while job.status in ("QUEUED", "RUNNING"):
        if job.attempts == broken_off:
            progress("Waiting for the fit of a start that was broken off, a minute at most", 0, None)
        else:
            progress(job.message or FITTING, job.done, job.total)
        await asyncio.sleep(LOOK_S)
        async with server.database.reading() as session:
            job = await read_job(session, id=job.id)
    if job.status != "SUCCEEDED":
        raise JobNotDone(job)
