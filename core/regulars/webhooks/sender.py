"""Send what waits for webhooks, each webhook by itself, on whichever process is free."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import UUID

import structlog

from regulars.clock import Clock
from regulars.crash_points import CrashPoint, reach
from regulars.database import Database
from regulars.faults import in_one_line, log_fault
from regulars.outgoing.client import Outgoing
from regulars.outgoing.limits import RequestLimits
from regulars.rounds import end_soon, rest
from regulars.webhooks.queue import (
    ClaimedDelivery,
    Claims,
    Outcome,
    claim_deliveries,
    record_outcomes,
    webhooks_with_work,
)
from regulars.webhooks.sending import WEBHOOK_LIMITS, send_event
from regulars.webhooks.signing import derived_secret

__all__ = ["SenderPace", "running_webhooks"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SenderPace:
    """How patient the sender is; the ``lease`` must outlast an attempt within its ``limits``."""

    poll: timedelta = timedelta(milliseconds=500)
    lease: timedelta = timedelta(seconds=60)
    grace: timedelta = timedelta(seconds=5)
    limits: RequestLimits = WEBHOOK_LIMITS


class WebhookSender:
    """The deliveries that this process makes at the moment."""

    def __init__(
        self,
        database: Database,
        outgoing: Outgoing,
        *,
        server_secret: str,
        clock: Clock,
        chance: Random,
        pace: SenderPace,
    ) -> None:
        self._database, self._outgoing, self._server_secret = database, outgoing, server_secret
        self._clock, self._chance, self._pace = clock, chance, pace
        self._delivering: dict[UUID, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Send until told to stop."""
        while not self._stopping.is_set():
            try:
                await self._round()
            except Exception as error:  # a database that restarts, for one, must not end the sender
                log_fault(log, "webhooks.round_failed", error)
            await rest(self._stopping, most=self._pace.poll)

    async def stop(self, running: asyncio.Task[None]) -> None:
        """Let attempts end for a moment; what is cut off is sent again when its lease ends, under the same id."""
        self._stopping.set()
        await end_soon({running, *self._delivering.values()}, grace=self._pace.grace)

    async def _round(self) -> None:
        async with self._database.reading() as session:
            due = await webhooks_with_work(session, now=self._clock.now())
        for webhook_id in due:
            if webhook_id not in self._delivering:
                self._delivering[webhook_id] = asyncio.create_task(self._deliver(webhook_id))

    async def _deliver(self, webhook_id: UUID) -> None:
        try:
            while not self._stopping.is_set():
                async with self._database.writing() as session:
                    claims = await claim_deliveries(session, webhook_id, lease=self._pace.lease, now=self._clock.now())
                if claims is None:
                    return
                await self._send(claims)
        except Exception as error:  # the lease of what was claimed ends, then it is sent again
            log_fault(log, "webhooks.delivery_failed", error, webhook=str(webhook_id))
        finally:
            del self._delivering[webhook_id]

    async def _send(self, claims: Claims) -> None:
        reach(CrashPoint.WEBHOOK_CLAIMED)
        secrets = [derived_secret(self._server_secret, id) for id in claims.secret_ids]
        outcomes = await asyncio.gather(*(self._attempt(claims.url, secrets, each) for each in claims.deliveries))
        reach(CrashPoint.WEBHOOK_ANSWERED)
        async with self._database.writing() as session:
            disabled = await record_outcomes(session, claims, outcomes, chance=self._chance, now=self._clock.now())
            reach(CrashPoint.WEBHOOK_RECORDED)
        failures = [outcome.problem for outcome in outcomes if outcome.problem is not None]
        if failures:
            log.warning("webhooks.not_taken", webhook=str(claims.webhook_id), events=len(failures), problem=failures[0])
        if disabled is not None:
            log.error("webhooks.disabled", webhook=str(claims.webhook_id), reason=disabled)

    async def _attempt(self, url: str, secrets: list[bytes], delivery: ClaimedDelivery) -> Outcome:
        try:
            return await send_event(
                self._outgoing, url, secrets, delivery.event, limits=self._pace.limits, now=self._clock.now()
            )
        except Exception as error:  # a fault with one event must not hold up the others
            log_fault(log, "webhooks.attempt_failed", error, delivery=str(delivery.id))
            return Outcome(None, in_one_line(error))


@asynccontextmanager
async def running_webhooks(
    database: Database,
    outgoing: Outgoing,
    *,
    server_secret: str,
    clock: Clock,
    chance: Random | None = None,
    pace: SenderPace | None = None,
) -> AsyncIterator[None]:
    """Send what waits for webhooks while the block lasts; any number of processes can do this."""
    sender = WebhookSender(
        database,
        outgoing,
        server_secret=server_secret,
        clock=clock,
        chance=chance or Random(),  # noqa: S311  # spreads attempts, keeps no secret
        pace=pace or SenderPace(),
    )
    running = asyncio.create_task(sender.run())
    try:
        yield
    finally:
        await sender.stop(running)
