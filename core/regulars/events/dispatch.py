"""Tell events to handlers after they were committed, at least once, on whichever process is free."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from regulars.clock import Clock
from regulars.crash_points import CrashPoint, reach
from regulars.database import Database
from regulars.events.deliveries import (
    ClaimedDeliveries,
    TellFurther,
    claim_deliveries,
    fan_out,
    handlers_with_work,
    has_untold_events,
    is_last_attempt,
    mark_failed,
    mark_taken,
)
from regulars.events.envelope import EventEnvelope
from regulars.faults import in_one_line, log_fault
from regulars.rounds import end_soon, rest

__all__ = ["Dispatcher", "Followers", "Handle", "Handlers", "Pace", "ReportUndelivered", "running_dispatcher"]

Handle = Callable[[Sequence[EventEnvelope]], Awaitable[None]]
"""Takes events of one type, oldest first; an event may come again."""

Handlers = Mapping[str, Sequence[tuple[str, Handle]]]
"""The handlers of each type of event, each with a name that stays the same; read anew at every round.

A handler that is wanted but cannot be called at the moment must be in it all the same, as one that raises: events are
fanned out to the handlers that there are.
"""

Followers = Callable[[AsyncSession, datetime], Awaitable[TellFurther | None]]
"""Says, at each round, who else is told of all events, in the session in which they are fanned out; or nobody."""

ReportUndelivered = Callable[[str, str], None]
"""Is told a handler's name and in words which events it will not get any more."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Pace:
    """How patient a dispatcher is, and how many events it fans out at once.

    ``lease`` must outlast ``timeout``: a dead dispatcher's events are told again when it ends.
    """

    poll: timedelta = timedelta(milliseconds=500)
    timeout: timedelta = timedelta(seconds=30)
    lease: timedelta = timedelta(seconds=60)
    grace: timedelta = timedelta(seconds=5)
    handled_batch: int = 5_000
    unhandled_batch: int = 20_000


class Dispatcher:
    """The events that this process is telling at the moment."""

    def __init__(
        self,
        database: Database,
        handlers: Handlers,
        *,
        clock: Clock,
        report: ReportUndelivered,
        pace: Pace,
        followers: Followers | None = None,
    ) -> None:
        self._database, self._handlers, self._clock, self._report = database, handlers, clock, report
        self._pace, self._followers = pace, followers
        self._delivering: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Tell events until told to stop."""
        while not self._stopping.is_set():
            there_is_more = False
            try:
                there_is_more = await self._round()
            except Exception as error:  # a database that restarts, for one, must not end the dispatcher
                log_fault(log, "dispatcher.round_failed", error)
            if not there_is_more:
                await rest(self._stopping, most=self._pace.poll)

    async def stop(self, running: asyncio.Task[None]) -> None:
        """Let handlers end what they are at, for a moment; what is cut off is told again when its lease ends."""
        self._stopping.set()
        await end_soon({running, *self._delivering.values()}, grace=self._pace.grace)

    async def _round(self) -> bool:
        names = {type: [name for name, _ in handlers] for type, handlers in self._handlers.items()}
        async with self._database.reading() as session:
            is_untold = await has_untold_events(session)
            known = {name for of_type in names.values() for name in of_type}
            due = await handlers_with_work(session, known - self._delivering.keys(), now=self._clock.now())
        for name in due:
            self._delivering[name] = asyncio.create_task(self._deliver(name))
        if not is_untold:
            return False
        async with self._database.writing() as session:
            now = self._clock.now()
            further = None if self._followers is None else await self._followers(session, now)
            limit = self._pace.handled_batch if known or further else self._pace.unhandled_batch
            fanned_out = await fan_out(session, names, further=further, limit=limit, now=now)
            reach(CrashPoint.OUTBOX_FANNED_OUT)
            return fanned_out > 0

    async def _deliver(self, handler: str) -> None:
        try:
            while not self._stopping.is_set():
                async with self._database.writing() as session:
                    claimed = await claim_deliveries(session, handler, lease=self._pace.lease, now=self._clock.now())
                if claimed is None:
                    return
                await self._tell(claimed)
        except Exception as error:  # the lease of what was claimed ends, then it is told again
            log_fault(log, "dispatcher.delivery_failed", error, handler=handler)
        finally:
            del self._delivering[handler]

    async def _tell(self, claimed: ClaimedDeliveries) -> None:
        batches: dict[str, list[EventEnvelope]] = {}
        for event in claimed.events:
            batches.setdefault(event.type, []).append(event)
        told = await asyncio.gather(*(self._call(claimed.handler, *batch) for batch in batches.items()))
        problems = {type: problem for type, problem in zip(batches, told, strict=True) if problem is not None}
        reach(CrashPoint.OUTBOX_TOLD)
        taken = [event.id for event in claimed.events if event.type not in problems]
        async with self._database.writing() as session:
            if taken:
                await mark_taken(session, claimed.handler, taken)
            for type, problem in problems.items():
                ids = [event.id for event in batches[type]]
                await mark_failed(
                    session, claimed.handler, ids, attempt=claimed.attempt, problem=problem, now=self._clock.now()
                )
        for type, problem in problems.items():
            self._tell_operators(claimed, type, len(batches[type]), problem)

    async def _call(self, handler: str, type: str, events: Sequence[EventEnvelope]) -> str | None:
        handle = next((handle for name, handle in self._handlers.get(type, ()) if name == handler), None)
        if handle is None:  # a newer version of the plugin no longer asks for this type
            return None
        call = asyncio.ensure_future(_awaited(handle, events))
        await asyncio.wait({call}, timeout=self._pace.timeout.total_seconds())
        if not call.done():
            call.cancel()
            return f"It did not end within {self._pace.timeout.total_seconds():g} seconds."
        if call.cancelled():
            return "It broke itself off."
        error = call.exception()
        return None if error is None else in_one_line(error)

    def _tell_operators(self, claimed: ClaimedDeliveries, type: str, count: int, problem: str) -> None:
        facts = {"handler": claimed.handler, "type": type, "events": count, "attempt": claimed.attempt}
        if not is_last_attempt(claimed.attempt):
            log.warning("event.not_taken", problem=problem, **facts)
            return
        log.error("event.given_up", problem=problem, **facts)
        self._report(
            claimed.handler,
            f"{count} events of type {type} were given up after {claimed.attempt} attempts: {problem}"
            " Mend the handler, then have them told again.",
        )


async def _awaited(handle: Handle, events: Sequence[EventEnvelope]) -> None:
    await handle(events)


@asynccontextmanager
async def running_dispatcher(
    database: Database,
    handlers: Handlers,
    *,
    clock: Clock,
    report: ReportUndelivered | None = None,
    pace: Pace | None = None,
    followers: Followers | None = None,
) -> AsyncIterator[None]:
    """Tell events to handlers, and to ``followers``, while the block lasts.

    Any number of processes can do this, as long as they know the same handlers; a server in safe mode must not, for it
    would count events as told that its plugins have not heard of.
    """
    dispatcher = Dispatcher(
        database,
        handlers,
        clock=clock,
        report=report or (lambda handler, problem: None),
        pace=pace or Pace(),
        followers=followers,
    )
    running = asyncio.create_task(dispatcher.run())
    try:
        yield
    finally:
        await dispatcher.stop(running)
