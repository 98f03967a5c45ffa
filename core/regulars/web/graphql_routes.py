"""GraphQL at `/graphql`: over HTTP, and subscriptions over a WebSocket."""

from collections.abc import Sequence
from dataclasses import replace

from starlette.requests import Request
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from regulars.access.actors import ANONYMOUS
from regulars.access.refusals import AllowanceSpent, Unauthenticated
from regulars.errors import ExpectedError
from regulars.graphql.protocol.transport import GraphQLAnswer, GraphQLOperation, GraphQLOverHttp, refusal_answer
from regulars.trusted_documents.hashes import document_hash
from regulars.trusted_documents.known import DocumentUnknown
from regulars.web.gpc import heed_gpc
from regulars.web.graphiql import GraphiqlForBrowsers, graphiql_files
from regulars.web.rates import RequestCharge, refused_rate_headers
from regulars.web.server import Server
from regulars.web.visitors import api_actor

__all__ = ["graphql_routes"]

PATH = "/graphql"
HASH_DIGITS = 16
REFUSAL_POINTS = 1
CHALLENGE = {"www-authenticate": "Bearer"}
MOST_CODES = 3


def graphql_routes(server: Server) -> Sequence[BaseRoute]:
    """Return the routes of the GraphQL API, and in development of GraphiQL."""

    async def execute(operation: GraphQLOperation, request: Request) -> GraphQLAnswer:
        state = request.scope["state"]
        notes: dict[str, str] = state["log"]
        notes["hash"] = document_hash(operation.query)[:HASH_DIGITS]
        if operation.operation_name is not None:
            notes["operation"] = operation.operation_name
        charge: RequestCharge | None = None
        try:
            actor = await api_actor(server, request)
            charge = server.charge(actor, request)
            notes["actor"] = actor.label
            if actor.customer_id is not None:
                await heed_gpc(server, request, [actor.customer_id], actor=actor)
            await server.trusted_documents.check(operation.query, actor)
            executor = await server.executor()
            answer = await executor.answer(operation, actor=actor, request_id=state["request_id"], charge=charge)
        except AllowanceSpent as error:
            notes["code"] = error.code
            return replace(refusal_answer(error), status=429, headers=refused_rate_headers(error))
        except Unauthenticated as error:
            notes["code"] = error.code
            answer = replace(refusal_answer(error), status=401, headers=CHALLENGE)
            return _charged(answer, charge or server.charge(ANONYMOUS, request))
        except ExpectedError as error:
            notes["code"] = error.code
            return _charged(refusal_answer(error), charge or server.charge(ANONYMOUS, request))
        if answer.outcome == "request_error":
            notes["code"] = "REQUEST_ERROR"
        if answer.codes:
            notes["codes"] = ",".join(answer.codes[:MOST_CODES])
        return _charged(answer, charge)

    async def find(sha256: str, given: str | None, request: Request) -> str:
        try:
            return await server.trusted_documents.text(sha256, given)
        except DocumentUnknown:
            server.charge(ANONYMOUS, request)(REFUSAL_POINTS)  # it asked the database
            raise

    async def follow(websocket: WebSocket) -> None:
        from regulars.graphql.protocol.socket import GraphQLOverWebSocket  # strawberry's sockets are for these alone

        subscriptions = GraphQLOverWebSocket(
            lambda: server.schema.executor, server.actor, server.charge, server.trusted_documents.check
        )
        await subscriptions(websocket)

    over_http = GraphQLOverHttp(execute, find=find)
    is_development = server.settings.mode == "development"
    return [
        Route(PATH, GraphiqlForBrowsers(over_http) if is_development else over_http, name="graphql"),
        WebSocketRoute(PATH, follow, name="subscriptions"),
        *([graphiql_files()] if is_development else []),
    ]


def _charged(answer: GraphQLAnswer, charge: RequestCharge) -> GraphQLAnswer:
    """Return the answer with what is left to its sender; what was refused before it was priced costs a point."""
    try:
        if not charge.is_taken:
            charge(REFUSAL_POINTS)
    except AllowanceSpent as error:
        return replace(refusal_answer(error), status=429, headers=refused_rate_headers(error))
    answer.headers = {**answer.headers, **charge.headers}
    return answer
