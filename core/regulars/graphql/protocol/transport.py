"""GraphQL over HTTP: read a request, have it executed, and answer with the status that the draft asks for.

Source: https://graphql.github.io/graphql-over-http/draft/
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from urllib.parse import parse_qsl

import orjson
from graphql import OperationDefinitionNode, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from regulars.errors import ExpectedError
from regulars.graphql.documents.inputs import check_text, check_variables
from regulars.graphql.documents.limits import Limits
from regulars.graphql.documents.parsing import check_document_size, parse_document
from regulars.graphql.documents.refusals import DocumentRefused
from regulars.graphql.protocol.bad_requests import (
    BadRequest,
    BatchRefused,
    ContentTypeRefused,
    CrossSiteRequest,
    MethodRefused,
    MutationByGet,
    NotAcceptable,
    ParameterRefused,
)
from regulars.graphql.protocol.bodies import read_body, read_json
from regulars.graphql.protocol.negotiation import (
    GRAPHQL_RESPONSE,
    JSON,
    AnswerType,
    SentHeaders,
    answer_type,
    is_json_in_utf8,
    is_sent_on_purpose,
)
from regulars.trusted_documents.hashes import hash_asked_for

__all__ = ["Execute", "FindDocument", "GraphQLAnswer", "GraphQLOperation", "GraphQLOverHttp", "refusal_answer"]

_PARAMETERS = ("query", "documentId", "operationName", "variables", "extensions")
_CONTENT_TYPES = {kind: (b"content-type", f"{kind}; charset=utf-8".encode()) for kind in (GRAPHQL_RESPONSE, JSON)}
_STATUSES = {"IDEMPOTENCY_CONFLICT": 422, "IDEMPOTENCY_IN_FLIGHT": 409, "IDEMPOTENCY_ANSWER_ERASED": 410}


@dataclass(slots=True)
class GraphQLOperation:
    """What a client asks for: the text of a document, which operation of it, its variables, and a key of its own."""

    query: str
    operation_name: str | None
    variables: Mapping[str, object]
    extensions: Mapping[str, object]
    idempotency_key: str | None = None


@dataclass(slots=True)
class GraphQLAnswer:
    """A finished answer: JSON in UTF-8, and whether the operation ran or the request was in error.

    An answer to a request in error has no ``data``. ``status`` stands in for the status that follows from the outcome.
    ``codes`` are those of the errors of an operation that ran, each once.
    """

    body: bytes
    outcome: Literal["executed", "request_error"]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    codes: Sequence[str] = ()


class Execute(Protocol):
    """Whatever runs operations."""

    async def __call__(self, operation: GraphQLOperation, request: Request) -> GraphQLAnswer:
        """Answer one operation; an ``ExpectedError`` raised from here is answered as a request in error."""
        ...


class FindDocument(Protocol):
    """Whatever knows documents by their hashes."""

    async def __call__(self, sha256: str, given: str | None, request: Request) -> str:
        """Return the text of a document, which is the one that was ``given`` if there was one."""
        ...


class GraphQLOverHttp:
    """The endpoint, an ASGI application for ``starlette.routing.Route``.

    It takes one operation by POST as JSON, or one query by GET. What a form, link or script of a foreign page could
    send is refused, as are lists of operations, repeated keys and everything longer than ``limits`` allow.
    ``find`` knows documents that are asked for by their hash.
    """

    def __init__(self, execute: Execute, *, find: FindDocument | None = None, limits: Limits | None = None) -> None:
        self._execute = execute
        self._find = find
        self._limits = limits or Limits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        try:
            answer, kind = await self._answer(request)
        except ClientDisconnect:
            return
        await send({"type": "http.response.start", "status": _status(answer, kind), "headers": _headers(answer, kind)})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, request: Request) -> tuple[GraphQLAnswer, AnswerType]:
        headers: SentHeaders = dict(reversed(request.scope["headers"]))
        accept = headers.get(b"accept")
        kind = answer_type(None if accept is None else accept.decode("latin-1"))
        try:
            if kind is None:
                raise NotAcceptable
            operation = await self._read(request, headers)
            answer = await self._execute(operation, request)
        except ExpectedError as error:
            answer = refusal_answer(error)
        return answer, kind or JSON

    async def _read(self, request: Request, headers: SentHeaders) -> GraphQLOperation:
        method: str = request.scope["method"]
        if method == "GET":
            if not is_sent_on_purpose(request.headers):
                raise CrossSiteRequest
            operation = await self._operation(_query_parameters(request), request)
            self._refuse_changes(operation)
            return operation
        if method != "POST":
            raise MethodRefused(method)
        if not is_json_in_utf8([value for name, value in request.scope["headers"] if name == b"content-type"]):
            raise ContentTypeRefused
        body = await read_body(request.receive, headers, allowed=self._limits.body_bytes)
        key = headers.get(b"idempotency-key")
        parameters = _members(read_json(body, what="The body"))
        return await self._operation(parameters, request, None if key is None else key.decode("latin-1"))

    async def _operation(
        self, parameters: Mapping[str, object], request: Request, idempotency_key: str | None = None
    ) -> GraphQLOperation:
        operation_name, query = parameters.get("operationName"), parameters.get("query")
        if isinstance(query, str):
            check_document_size(query, self._limits)
        if "documentId" in parameters or "extensions" in parameters:
            query = await self._found(query, parameters, request)
        if not isinstance(query, str):
            raise ParameterRefused("query", expected="the text of a GraphQL document")
        if operation_name is not None and not isinstance(operation_name, str):
            raise ParameterRefused("operationName", expected="a string or null")
        variables, extensions = _object(parameters, "variables"), _object(parameters, "extensions")
        if operation_name:
            check_text(operation_name)
        for given in (variables, extensions):
            if given:
                check_variables(given)
        return GraphQLOperation(query, operation_name or None, variables, extensions, idempotency_key)

    async def _found(self, query: object, parameters: Mapping[str, object], request: Request) -> object:
        """Return the text of the document that is asked for by its hash, else what was given as ``query``."""
        asked = hash_asked_for(parameters.get("documentId"), _object(parameters, "extensions"))
        if asked is not None and self._find is not None and (query is None or isinstance(query, str)):
            return await self._find(asked, query or None, request)
        return query

    def _refuse_changes(self, operation: GraphQLOperation) -> None:
        """Refuse all but queries, here and not in the executor, so that no executor can forget it."""
        for node in parse_document(operation.query, self._limits).definitions:
            if not isinstance(node, OperationDefinitionNode) or node.operation is OperationType.QUERY:
                continue
            if operation.operation_name is None or (node.name and node.name.value == operation.operation_name):
                raise MutationByGet


def refusal_answer(error: ExpectedError) -> GraphQLAnswer:
    """Return the answer to a request in error: message and code, and where in the document if that is known."""
    told: dict[str, object] = {"message": str(error), "extensions": {"code": error.code}}
    if isinstance(error, DocumentRefused) and error.locations:
        told["locations"] = [{"line": line, "column": column} for line, column in error.locations]
    body = orjson.dumps({"errors": [told]})
    if isinstance(error, BadRequest):
        return GraphQLAnswer(body, "request_error", status=error.status, headers=error.headers)
    return GraphQLAnswer(body, "request_error", status=_STATUSES.get(error.code))


def _status(answer: GraphQLAnswer, kind: AnswerType) -> int:
    """Return the status; a request in error is a 400 to those who speak the new media type, else a 200."""
    if answer.status is not None:
        return answer.status
    return 400 if answer.outcome == "request_error" and kind == GRAPHQL_RESPONSE else 200


def _headers(answer: GraphQLAnswer, kind: AnswerType) -> list[tuple[bytes, bytes]]:
    """Return the headers as they are sent: those of every answer, and what this one brings."""
    given = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    return [_CONTENT_TYPES[kind], (b"content-length", b"%d" % len(answer.body)), *given]


def _members(body: object) -> Mapping[str, object]:
    if isinstance(body, list):
        raise BatchRefused
    if not isinstance(body, dict):
        raise ParameterRefused("query", expected="a member of an object, which the body is not")
    return body


def _query_parameters(request: Request) -> Mapping[str, object]:
    """Return the parameters of a GET, of which two are JSON texts."""
    text: bytes = request.scope["query_string"]
    try:
        pairs = parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise ParameterRefused("query", expected="percent-encoded UTF-8, among at most 20 parameters") from error
    given = [(name, value) for name, value in pairs if name in _PARAMETERS]
    parameters: dict[str, object] = {}
    for name, value in given:
        if name in parameters:
            raise ParameterRefused(name, expected="given once")
        if name in ("variables", "extensions"):
            parameters[name] = read_json(value, what=f"The parameter {name!r}") if value else None
        else:
            parameters[name] = value
    return parameters


def _object(parameters: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ParameterRefused(name, expected="an object or null")
    return value
