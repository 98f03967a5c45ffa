"""GraphQL at `/graphql`: over HTTP, and subscriptions over a WebSocket."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from starlette.requests import Request
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from regulars.access.refusals import Unauthenticated
from regulars.errors import ExpectedError
from regulars.graphql.socket import GraphQLOverWebSocket
from regulars.graphql.transport import GraphQLAnswer, GraphQLOperation, GraphQLOverHttp, refusal_answer
from regulars.web.graphiql import GraphiqlForBrowsers, graphiql_files
from regulars.web.server import Server

__all__ = ["graphql_routes"]

PATH = "/graphql"
HASH_DIGITS = 16


def graphql_routes(server: Server) -> Sequence[BaseRoute]:
    """Return the routes of the GraphQL API, and in development of GraphiQL."""

    async def execute(operation: GraphQLOperation, request: Request) -> GraphQLAnswer:
        notes: dict[str, str] = request.state.log
        notes["hash"] = sha256(operation.query.encode()).hexdigest()[:HASH_DIGITS]
        if operation.operation_name is not None:
            notes["operation"] = operation.operation_name
        try:
            request.state.actor = await server.actor(request.headers.get("authorization"))
            executor = await server.executor()
            answer = await executor(operation, request)
        except Unauthenticated as error:
            notes["code"] = error.code
            return replace(refusal_answer(error), status=401, headers={"www-authenticate": "Bearer"})
        except ExpectedError as error:
            notes["code"] = error.code
            raise
        if answer.outcome == "request_error":
            notes["code"] = "REQUEST_ERROR"
        return answer

    subscriptions = GraphQLOverWebSocket(lambda: server.schema.executor, server.actor)

    async def follow(websocket: WebSocket) -> None:
        await subscriptions(websocket)

    over_http = GraphQLOverHttp(execute)
    is_development = server.settings.mode == "development"
    return [
        Route(PATH, GraphiqlForBrowsers(over_http) if is_development else over_http, name="graphql"),
        WebSocketRoute(PATH, follow, name="subscriptions"),
        *([graphiql_files()] if is_development else []),
    ]
