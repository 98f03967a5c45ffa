"""What a client hears over a WebSocket when a subscription cannot be."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from starlette.types import Message

from regulars.access.refusals import MalformedKey, WrongScheme
from regulars.testing.app import App

FOLLOW = "subscription ($types: [String!], $customer: ID) { events(types: $types, customerId: $customer) { type } }"


class Line:
    """One end of an open WebSocket."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Message] = asyncio.Queue()
        self.received: asyncio.Queue[Message] = asyncio.Queue()

    def say(self, **message: Any) -> None:
        self.received.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def hear(self) -> dict[str, Any]:
        heard: dict[str, Any] = orjson.loads((await self.sent.get())["text"])
        return heard


@asynccontextmanager
async def opened(app: App, credentials: Mapping[str, str]) -> AsyncIterator[Line]:
    """Open a connection that nobody has greeted on yet."""
    line = Line()
    headers = [(name.encode(), value.encode()) for name, value in credentials.items()]
    scope = {
        "type": "websocket",
        "path": "/graphql",
        "query_string": b"",
        "headers": headers,
        "subprotocols": ["graphql-transport-ws"],
    }
    line.received.put_nowait({"type": "websocket.connect"})
    connection = asyncio.create_task(app.web(scope, line.received.get, line.sent.put))
    await line.sent.get()
    yield line
    line.received.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await connection


@asynccontextmanager
async def connected(app: App) -> AsyncIterator[Line]:
    """Open a connection for an admin; it is acknowledged."""
    async with opened(app, await app.key("admin")) as line:
        line.say(type="connection_init")
        await line.hear()
        yield line


@pytest.mark.parametrize(
    ("variables", "code", "words"),
    [
        ({"customer": "x"}, "INVALID", "'x' is no id. Give the `id` or the `databaseId` of a Customer."),
        ({"types": []}, "INVALID", "Name 1 to 100 types of events; '*' means all of them."),
        ({"types": ["C"]}, "INVALID", "'C' names no type of event. Write customer.created, customer.* or *."),
    ],
)
async def test_a_subscription_that_cannot_be_says_why(
    app: App, variables: dict[str, Any], code: str, words: str
) -> None:
    async with connected(app) as line:
        line.say(id="1", type="subscribe", payload={"query": FOLLOW, "variables": variables})
        answer = await line.hear()

    assert (answer["id"], answer["type"]) == ("1", "error")
    (error,) = answer["payload"]
    assert (error["message"], error["extensions"]["code"]) == (words, code)


@pytest.mark.parametrize("name", ["authorization", "Authorization"])
async def test_a_key_in_the_payload_counts_however_its_name_is_written(app: App, name: str) -> None:
    key = (await app.key("admin"))["authorization"]
    async with opened(app, {}) as line:
        line.say(type="connection_init", payload={name: key})
        acknowledged = await line.hear()
        line.say(id="1", type="subscribe", payload={"query": FOLLOW, "variables": {"types": []}})
        answer = await line.hear()

    assert acknowledged["type"] == "connection_ack"
    assert answer["payload"][0]["extensions"]["code"] == "INVALID", "and not FORBIDDEN, as for nobody"


@pytest.mark.parametrize(
    ("credentials", "reason"),
    [("rgl_x", str(WrongScheme())), ("Bearer rgl_x", str(MalformedKey())), (5, str(WrongScheme()))],
)
async def test_whoever_is_refused_reads_why_when_the_connection_is_closed(
    app: App, credentials: object, reason: str
) -> None:
    async with opened(app, {}) as line:
        line.say(type="connection_init", payload={"authorization": credentials})
        closing = await line.sent.get()

    assert closing == {"type": "websocket.close", "code": 4403, "reason": reason}
