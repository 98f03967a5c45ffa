"""Deliver messages to programs outside: as files in a folder, or as a signed request to one address."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from regulars.clock import Clock
from regulars.messages.deliveries import DeliveryAway, HandoverResult, Outbound, Taken, Turned
from regulars.outgoing.client import Outgoing
from regulars.outgoing.refusals import RequestFailed, TargetRefused
from regulars.webhooks.signing import signed_headers

__all__ = ["FileDelivery", "SignedDelivery", "as_document"]

TOO_MANY = 429
FAULT = 500


def as_document(message: Outbound) -> bytes:
    """Return the message as JSON, for whoever sends it."""
    return orjson.dumps(
        {
            "id": str(message.id),
            "channel": message.channel,
            "customerId": None if message.customer_id is None else str(message.customer_id),
            "address": message.address,
            "language": message.language,
            "topic": message.topic,
            "subject": message.content.subject,
            "text": message.content.text,
            "html": message.content.html,
            "stopLink": message.stop_link,
        }
    )


class FileDelivery:
    """Lays each message into a folder as ``<channel>-<id>.json``, for a printer or a program that fetches it.

    A message that is laid there twice is one file.
    """

    name = "file"
    honours_keys = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @asynccontextmanager
    async def open(self) -> AsyncIterator["FileDelivery"]:
        """Make the folder; raises ``DeliveryAway`` when that cannot be."""
        try:
            await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            raise DeliveryAway(f"The folder for messages cannot be made: {error}") from error
        yield self

    async def send(self, message: Outbound) -> HandoverResult:
        """Write the file under another name first, so that nobody fetches half of it."""
        return await asyncio.to_thread(self._write, message)

    def _write(self, message: Outbound) -> HandoverResult:
        path = self._folder / f"{message.channel}-{message.id}.json"
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as file:
            file.write(as_document(message))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
        return Taken(path.name)


class SignedDelivery:
    """Posts each message to one address, signed by the rules of Standard Webhooks; its id is the ``webhook-id``."""

    name = "signed"
    honours_keys = True

    def __init__(self, outgoing: Outgoing, *, url: str, secret: bytes, clock: Clock) -> None:
        self._outgoing, self._url, self._secret, self._clock = outgoing, url, secret, clock

    @asynccontextmanager
    async def open(self) -> AsyncIterator["SignedDelivery"]:
        """Open nothing: each message is a request of its own."""
        yield self

    async def send(self, message: Outbound) -> HandoverResult:
        """Post one message; only an answer of 2xx takes it."""
        body = as_document(message)
        signed = signed_headers([self._secret], event_id=message.id, body=body, now=self._clock.now())
        headers = {"content-type": "application/json", **signed}
        try:
            reply = await self._outgoing.post(self._url, content=body, headers=headers)
        except TargetRefused as error:
            return Turned("failed", str(error))
        except RequestFailed as error:
            raise ConnectionError(str(error)) from error  # it may have arrived
        if reply.is_success:
            return Taken()
        is_passing = reply.status >= FAULT or reply.status == TOO_MANY
        return Turned("later" if is_passing else "failed", f"The receiver answered {reply.status}.")
