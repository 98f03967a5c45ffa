"""Real processes that send messages until none is left, or until they are killed at a named point."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col
from tests.core.forking import fork_on_demand

from regulars.clock import Clock, SystemClock
from regulars.consents.registry import ConsentRegistry, core_consent_registry
from regulars.contact.rule_set import ContactRules
from regulars.crash_points import CrashPoint, listening
from regulars.database import Database
from regulars.messages.deliveries import Delivery, HandoverResult, Outbound, Taken
from regulars.messages.dispatcher import Dispatcher, DispatchPace
from regulars.messages.models import Message
from regulars.messages.templates import MessageContent, MessageToWrite

PACE = DispatchPace(lease=timedelta(milliseconds=100), most=3)
A_MOMENT_S = 0.02


@dataclass
class Pile:
    """A delivery that notes the id of each message that it took in a file, as often as it took it."""

    file: Path
    honours_keys: bool
    name: str = "pile"

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Pile"]:
        yield self

    async def send(self, message: Outbound) -> HandoverResult:
        with self.file.open("a") as file:
            file.write(f"{message.id}\n")
        return Taken()


@dataclass
class SmallHouse:
    """A server that has one template and one delivery."""

    database: Database
    delivery: Delivery
    clock: Clock = field(default_factory=SystemClock)
    consent_registry: ConsentRegistry = field(default_factory=core_consent_registry)
    contact_rules: ContactRules = field(default_factory=ContactRules)
    language: str = "en"

    def delivery_of(self, _channel: str) -> Delivery:
        return self.delivery

    def stop_link(self, _message: Message) -> None:
        return None

    async def write_message(self, _template: str, message: MessageToWrite) -> MessageContent:
        return MessageContent("Your order", f"It left the shop: {message.payload['order']}")


async def be_sender(database: Database, folder: Path) -> None:
    """Send all there is, with what ``life.json`` says: the point at which to die, and whether keys are honoured."""
    life = json.loads((folder / "life.json").read_text())
    house = SmallHouse(database, Pile(folder / "taken", life["honours_keys"]))
    dispatcher = Dispatcher(house, pace=PACE)
    with ExitStack() as stack:
        if life["point"] is not None:
            stack.enter_context(listening(die_at(life["point"], life["passing"], folder / "killed")))
        while await messages_left(database):
            await dispatcher.round()
            await asyncio.sleep(A_MOMENT_S)


async def messages_left(database: Database) -> int:
    async with database.reading() as session:
        return (
            await session.scalar(select(func.count()).select_from(Message).where(col(Message.ended_at).is_(None))) or 0
        )


def die_at(point: str, passing: int, killed: Path) -> Any:
    """Return a listener that kills this process when it passes the point for the given time."""
    passed = 0

    def listen(reached: CrashPoint) -> None:
        nonlocal passed
        passed += reached == point
        if passed == passing:
            with killed.open("a") as file:
                file.write(f"{reached}\n")
            os.kill(os.getpid(), signal.SIGKILL)

    return listen


if __name__ == "__main__":
    fork_on_demand({"sender": be_sender})
