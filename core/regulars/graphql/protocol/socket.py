"""Serve subscriptions over a WebSocket, by the protocol graphql-transport-ws and no other.

The protocol itself is strawberry's; who may do what, what it costs and how errors read is as over HTTP.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
from graphql import ExecutionResult, GraphQLError, subscribe
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.exceptions import ConnectionRejectionError
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.types.execution import ExecutionResult as StrawberryResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.unset import UNSET

from regulars.access.actors import ANONYMOUS, Actor
from regulars.errors import ExpectedError
from regulars.graphql.documents.inputs import check_variables
from regulars.graphql.documents.preparation import InvalidDocument
from regulars.graphql.execution import Executor
from regulars.graphql.protocol.answers import told_errors
from regulars.graphql.protocol.transport import GraphQLOperation

__all__ = ["GraphQLOverWebSocket"]

Authenticate = Callable[[str | None], Awaitable[Actor]]
Charge = Callable[[int], int | None]
Check = Callable[[str, Actor], Awaitable[None]]

SUBSCRIPTIONS_PER_CONNECTION = 20
PATIENCE = timedelta(seconds=10)
WRONG_PROTOCOL = 4406
LONGEST_REASON_BYTES = 123
"""RFC 6455: a control frame carries 125 bytes, of which two are the code."""


class _Socket(ASGIWebSocketAdapter):
    """Says in closing why somebody was refused, instead of the protocol's one word."""

    refusal: ExpectedError | None = None

    async def close(self, code: int, reason: str) -> None:
        """Close the connection."""
        await super().close(code, reason if self.refusal is None else _short(str(self.refusal)))


class _Connection:
    """What one connection knows about whoever opened it."""

    def __init__(self, websocket: WebSocket, socket: _Socket) -> None:
        self.websocket, self.socket = websocket, socket
        self.connection_params: Mapping[str, object] = {}
        self.actor = ANONYMOUS


class GraphQLOverWebSocket:
    """The endpoint for a ``WebSocketRoute``.

    The key comes in the connection's ``Authorization`` header, or, from a browser, as ``authorization`` in the payload
    of ``connection_init``, in small or capital letters. ``check`` refuses documents that this actor may not run.
    """

    def __init__(
        self,
        executor: Callable[[], Executor],
        authenticate: Authenticate,
        charging: Callable[[Actor, WebSocket], Charge],
        check: Check,
    ) -> None:
        self._executor, self._authenticate, self._charging, self._check = executor, authenticate, charging, check

    async def __call__(self, websocket: WebSocket) -> None:
        """Serve one connection until either side ends it."""
        if GRAPHQL_TRANSPORT_WS_PROTOCOL not in websocket.scope.get("subprotocols", ()):
            await websocket.accept()
            await websocket.close(WRONG_PROTOCOL, "Subprotocol not acceptable; use graphql-transport-ws")
            return
        await websocket.accept(subprotocol=GRAPHQL_TRANSPORT_WS_PROTOCOL)
        view: Any = self
        schema: Any = self
        socket = _Socket(view, websocket, websocket)
        handler = BaseGraphQLTransportWSHandler[_Connection, None](
            view=view,
            websocket=socket,
            context=_Connection(websocket, socket),
            root_value=None,
            schema=schema,
            connection_init_wait_timeout=PATIENCE,
            max_subscriptions_per_connection=SUBSCRIPTIONS_PER_CONNECTION,
        )
        await handler.handle()

    # What the protocol asks of its view

    async def on_ws_connect(self, connection: _Connection) -> object:
        """Find out who it is; credentials that do not hold close the connection, with the reason."""
        params = {name.lower(): value for name, value in connection.connection_params.items()}
        given = params.get("authorization", connection.websocket.headers.get("authorization"))
        try:
            connection.actor = await self._authenticate(None if given is None else str(given))
        except ExpectedError as error:
            connection.socket.refusal = error
            raise ConnectionRejectionError from error
        return UNSET

    @staticmethod
    def decode_json(text: str) -> object:
        """Read one message."""
        return orjson.loads(text)

    @staticmethod
    def encode_json(message: Mapping[str, object]) -> str:
        """Write one message."""
        return orjson.dumps(message).decode()

    # What the protocol asks of its schema

    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None,
        context_value: _Connection,
        root_value: None,
        operation_name: str | None,
    ) -> AsyncIterator[StrawberryResult]:
        """Return the results of an operation, one after another."""
        operation = GraphQLOperation(query or "", operation_name, variable_values or {}, {})
        charge = self._charging(context_value.actor, context_value.websocket)
        return self._results(operation, context_value.actor, charge)

    async def _results(self, operation: GraphQLOperation, actor: Actor, charge: Charge) -> AsyncIterator[Any]:
        request_id = uuid4().hex
        executor = self._executor()
        try:
            check_variables(operation.variables)
            prepared = executor.prepare(operation)
            if isinstance(prepared, InvalidDocument):
                raise prepared
            await self._check(operation.query, actor)
            executor.check_schema_reading(prepared, actor)
            price = prepared.price.price(operation.variables, cost_limit=executor.cost_limit(actor))
            charge(price.requested)
        except InvalidDocument as error:
            yield PreExecutionError(data=None, errors=_shown(error.errors, request_id))
            return
        except ExpectedError as error:
            yield PreExecutionError(data=None, errors=_shown_refusal(error, request_id))
            return
        if not prepared.is_subscription:
            try:
                answer = orjson.loads((await executor.answer(operation, actor=actor, request_id=request_id)).body)
            except ExpectedError as error:
                yield PreExecutionError(data=None, errors=_shown_refusal(error, request_id))
                return
            errors = [
                GraphQLError(each["message"], extensions=each.get("extensions")) for each in answer.get("errors", [])
            ]
            yield StrawberryResult(data=answer.get("data"), errors=errors or None)
            return
        async with executor.reading_session() as session:
            results = subscribe(
                executor.schema.graphql,
                prepared.document,
                context_value=executor.context(session, actor, request_id),
                variable_values=dict(operation.variables),
                operation_name=operation.operation_name,
                executor_class=StrawberryGraphQLCoreExecutionContext,
                hide_suggestions=True,
                operation_extensions={},
            )
            found: Any = await results if isinstance(results, Awaitable) else results
            if isinstance(found, ExecutionResult):
                yield PreExecutionError(data=None, errors=_shown(found.errors or [], request_id))
                return
            try:
                async for result in found:
                    yield StrawberryResult(data=result.data, errors=_shown(result.errors or [], request_id) or None)
            except Exception as error:  # of a core's or a plugin's generator; the protocol would end without a word
                yield PreExecutionError(data=None, errors=_shown_refusal(error, request_id))
            finally:
                await found.aclose()


def _short(text: str) -> str:
    """Return as much of a text as a closing frame holds."""
    written = text.encode()
    if len(written) <= LONGEST_REASON_BYTES:
        return text
    return f"{written[: LONGEST_REASON_BYTES - 3].decode(errors='ignore')}…"


def _shown_refusal(error: Exception, request_id: str) -> list[GraphQLError]:
    return _shown([GraphQLError(str(error), original_error=error)], request_id)


def _shown(errors: list[GraphQLError], request_id: str) -> list[GraphQLError]:
    told = told_errors(errors, request_id=request_id)
    return [GraphQLError(each["message"], path=each.get("path"), extensions=each["extensions"]) for each in told]
