"""Send what is due, on whichever process is free: decide, reserve, write, confirm, hand over, report."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from regulars.clock import Clock
from regulars.consents.registry import ConsentRegistry
from regulars.contact.rule_set import ContactRules
from regulars.crash_points import CrashPoint, reach
from regulars.database import Database
from regulars.faults import in_one_line, log_fault
from regulars.messages import steps
from regulars.messages.addressing import address_of, language_of
from regulars.messages.deliveries import Delivery, DeliveryAway, Handover, HandoverResult, Outbound
from regulars.messages.models import Message
from regulars.messages.steps import Claimed
from regulars.messages.templates import MessageContent, MessageToWrite
from regulars.rounds import end_soon, rest

__all__ = ["DispatchPace", "House", "TemplateAway", "running_messages"]

log = structlog.get_logger(__name__)


class TemplateAway(Exception):
    """A template cannot be written for now, because its plugin does not work or is not there."""


class House(Protocol):
    """What the dispatcher needs of the server that it works for."""

    @property
    def database(self) -> Database:
        """Return the database."""
        ...

    @property
    def clock(self) -> Clock:
        """Return the clock."""
        ...

    @property
    def consent_registry(self) -> ConsentRegistry:
        """Return the known purposes and channels."""
        ...

    @property
    def contact_rules(self) -> ContactRules:
        """Return the rules that every contact must pass."""
        ...

    @property
    def language(self) -> str:
        """Return the language of those whose language nobody knows."""
        ...

    def delivery_of(self, channel: str) -> Delivery | None:
        """Return what takes messages of a channel out of the house."""
        ...

    def stop_link(self, message: Message) -> str | None:
        """Return the address at which the reader stops the message's stream."""
        ...

    async def write_message(self, template: str, message: MessageToWrite) -> MessageContent | None:
        """Return the words of a message, or None when its source withdraws it; raises ``TemplateAway``."""
        ...


@dataclass(frozen=True)
class DispatchPace:
    """How patient the dispatcher is; the ``lease`` must outlast a hand-over."""

    poll: timedelta = timedelta(milliseconds=500)
    lease: timedelta = timedelta(seconds=120)
    grace: timedelta = timedelta(seconds=5)
    wait_for_delivery: timedelta = timedelta(minutes=1)
    wait_for_template: timedelta = timedelta(minutes=5)
    most: int = 50


class Dispatcher:
    """The messages that this process is sending at the moment."""

    def __init__(self, house: House, *, pace: DispatchPace) -> None:
        self._house, self._pace = house, pace
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Send until told to stop."""
        while not self._stopping.is_set():
            found = 0
            try:
                found = await self.round()
            except Exception as error:  # a database that restarts, for one, must not end the dispatcher
                log_fault(log, "messages.round_failed", error)
            if not found:
                await rest(self._stopping, most=self._pace.poll)

    async def stop(self, running: asyncio.Task[None]) -> None:
        """Let hand-overs end for a moment; what is cut off is looked at again when its lease ends."""
        self._stopping.set()
        await end_soon({running}, grace=self._pace.grace)

    async def round(self) -> int:
        """Look at what is due, and return how many messages that was."""
        house = self._house
        async with house.database.writing() as session:
            claimed = await steps.claim_messages(
                session, most=self._pace.most, lease=self._pace.lease, now=house.clock.now()
            )
        by_channel = {channel: [each for each in claimed if each.channel == channel] for channel in _channels(claimed)}
        await asyncio.gather(*(self._channel(channel, each) for channel, each in by_channel.items()))
        return len(claimed)

    async def _channel(self, channel: str, claimed: Sequence[Claimed]) -> None:
        delivery = self._house.delivery_of(channel)
        async with AsyncExitStack() as stack:
            way = _Way(delivery, stack)
            for each in claimed:
                if self._stopping.is_set():
                    return
                try:
                    await self._message(each, way)
                except Exception as error:  # a fault with one message must not hold up the others
                    log_fault(log, "messages.not_sent", error, message=str(each.id))

    async def _message(self, claimed: Claimed, way: "_Way") -> None:
        house, delivery = self._house, way.delivery
        if claimed.state == "sending" and (delivery is None or not delivery.honours_keys):
            await self._write(steps.doubt, claimed, "The process ended while it was handed over.")
            return
        if delivery is None:
            reason = f"Nothing takes messages by {claimed.channel} out of the house yet. Set up a delivery."
            await self._give_back(claimed, reason, wait=self._pace.wait_for_delivery)
            return
        if claimed.state != "sending":
            async with house.database.writing() as session:
                reserved = await steps.reserve_message(
                    session,
                    claimed,
                    rules=house.contact_rules,
                    registry=house.consent_registry,
                    now=house.clock.now(),
                )
            if reserved is None:
                return
        outbound = await self._words(claimed)
        if outbound is None:
            return
        reach(CrashPoint.MESSAGE_WRITTEN)
        try:
            handover = await way.open()
        except DeliveryAway as error:
            await self._give_back(claimed, str(error), wait=self._pace.wait_for_delivery)
            return
        if claimed.state != "sending":
            async with house.database.writing() as session:
                is_confirmed = await steps.confirm_message(
                    session,
                    claimed,
                    delivery=delivery.name,
                    rules=house.contact_rules,
                    registry=house.consent_registry,
                    now=house.clock.now(),
                )
            if not is_confirmed:
                return
            reach(CrashPoint.MESSAGE_ON_ITS_WAY)
        await self._hand_over(claimed, delivery, handover, outbound)

    async def _hand_over(self, claimed: Claimed, delivery: Delivery, handover: Handover, outbound: Outbound) -> None:
        try:
            result: HandoverResult = await handover.send(outbound)
        except Exception as error:
            log.warning(
                "messages.in_doubt", message=str(claimed.id), delivery=delivery.name, problem=type(error).__name__
            )
            if not delivery.honours_keys:
                await self._write(steps.doubt, claimed, f"The hand-over ended in doubt: {in_one_line(error)}")
            return  # else it stays on its way, and is handed over again under the same key when the lease ends
        reach(CrashPoint.MESSAGE_HANDED_OVER)
        async with self._house.database.writing() as session:
            await steps.settle(session, claimed, result, now=self._house.clock.now())

    async def _words(self, claimed: Claimed) -> Outbound | None:
        house = self._house
        async with house.database.reading() as session:
            message = await session.get_one(Message, claimed.id)
            address = await address_of(session, message)
            language = await language_of(session, message, usual=house.language)
        stop_link = house.stop_link(message)
        to_write = MessageToWrite(
            id=message.id,
            customer_id=message.customer_id,
            channel=message.channel,
            address=address,
            language=language,
            topic=message.topic,
            payload=message.payload,
            stop_link=stop_link,
        )
        try:
            content = await house.write_message(message.template, to_write)
        except TemplateAway as error:
            if claimed.state != "sending":
                await self._give_back(claimed, str(error), wait=self._pace.wait_for_template)
            return None
        if content is None and claimed.state == "sending":
            await self._write(steps.doubt, claimed, "The process ended while it was handed over.")
            return None
        if content is None:
            await self._give_back(claimed, "Its source withdrew it.", state="cancelled", wait=timedelta())
            return None
        return Outbound(
            message.id,
            message.channel,
            message.customer_id,
            address,
            language,
            message.topic,
            content,
            stop_link if message.topic != "*" else None,
        )

    async def _give_back(self, claimed: Claimed, reason: str, *, state: str | None = None, wait: timedelta) -> None:
        async with self._house.database.writing() as session:
            await steps.give_back(session, claimed, reason, state=state, wait=wait, now=self._house.clock.now())

    async def _write(self, step: Callable[..., Awaitable[None]], claimed: Claimed, reason: str) -> None:
        async with self._house.database.writing() as session:
            await step(session, claimed, reason, now=self._house.clock.now())


class _Way:
    """The delivery of a channel, opened when the first message needs it."""

    def __init__(self, delivery: Delivery | None, stack: AsyncExitStack) -> None:
        self.delivery, self._stack = delivery, stack
        self._open: Handover | None = None

    async def open(self) -> Handover:
        """Return the open way."""
        assert self.delivery is not None
        if self._open is None:
            self._open = await self._stack.enter_async_context(self.delivery.open())
        return self._open


def _channels(claimed: Sequence[Claimed]) -> list[str]:
    return list(dict.fromkeys(each.channel for each in claimed))


@asynccontextmanager
async def running_messages(house: House, *, pace: DispatchPace | None = None) -> AsyncIterator[None]:
    """Send what is due while the block lasts; any number of processes can do this."""
    dispatcher = Dispatcher(house, pace=pace or DispatchPace())
    running = asyncio.create_task(dispatcher.run())
    try:
        yield
    finally:
        await dispatcher.stop(running)
