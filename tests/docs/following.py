"""Follow a subscription over the protocol that browsers speak, without a socket."""

import asyncio
from typing import Any

import orjson
from starlette.types import Message
from starlette.websockets import WebSocket

from regulars.graphql.protocol.socket import GraphQLOverWebSocket
from regulars.web.server import Server

PROTOCOL = "graphql-transport-ws"
PATIENCE_S = 30
SHORT_S = 0.02


class Following:
    """One connection with one subscription."""

    def __init__(self, server: Server) -> None:
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._endpoint = GraphQLOverWebSocket(
            lambda: server.schema.executor, server.actor, server.charge, server.trusted_documents.check
        )
        self._running: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, server: Server, headers: dict[str, str], query: str, variables: dict[str, Any]) -> "Following":
        """Return a connection whose subscription has begun."""
        following, already = cls(server), server.feed.followers
        await following._connect(headers)
        following._send({"type": "subscribe", "id": "1", "payload": {"query": query, "variables": variables}})
        async with asyncio.timeout(PATIENCE_S):
            while server.feed.followers == already:  # noqa: ASYNC110  the protocol does not say that it has begun
                await asyncio.sleep(SHORT_S)
        return following

    async def next_answer(self) -> dict[str, Any]:
        """Return what the subscription brings next."""
        message = await self._next_message()
        assert message["type"] == "next", message
        answer: dict[str, Any] = message["payload"]
        return {name: answer[name] for name in ("data", "errors") if answer.get(name)}

    async def stop(self) -> None:
        """End the connection."""
        self._received.put_nowait({"type": "websocket.disconnect", "code": 1000})
        if self._running is not None:
            await asyncio.wait_for(self._running, PATIENCE_S)

    async def _connect(self, headers: dict[str, str]) -> None:
        scope = {
            "type": "websocket",
            "path": "/graphql",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "subprotocols": [PROTOCOL],
        }
        self._received.put_nowait({"type": "websocket.connect"})
        self._send({"type": "connection_init"})
        self._running = asyncio.create_task(self._endpoint(WebSocket(scope, self._received.get, self._sent.put)))
        assert (await self._sent.get())["type"] == "websocket.accept"
        assert (await self._next_message())["type"] == "connection_ack"

    def _send(self, message: dict[str, Any]) -> None:
        self._received.put_nowait({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    async def _next_message(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            message: dict[str, Any] = orjson.loads((await self._sent.get())["text"])
        return message
