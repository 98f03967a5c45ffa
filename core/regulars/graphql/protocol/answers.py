"""Write answers: data as it is, expected errors with their code, and everything else masked."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from graphql import ExecutionResult, GraphQLError

from regulars.errors import ExpectedError
from regulars.graphql.documents.pricing import Price

__all__ = ["answer_body", "codes_of", "told_errors"]

log = structlog.get_logger("regulars.graphql")
BAD_REQUEST, INTERNAL = "BAD_REQUEST", "INTERNAL"
SUGGESTION = re.compile(r" Did you mean .*?\?")


def told_errors(errors: Sequence[GraphQLError], *, request_id: str) -> list[dict[str, Any]]:
    """Return errors as clients may see them.

    An ``ExpectedError`` keeps its words and its code. A fault becomes "something went wrong" with the request's id, and
    goes to the log; nothing of the query or of its values does.
    """
    return [_told(error, request_id) for error in errors]


def _told(error: GraphQLError, request_id: str) -> dict[str, Any]:
    original = _original(error)
    if isinstance(original, ExpectedError):
        message, extensions = str(original), {"code": original.code}
        if original.path:
            extensions["argument"] = ".".join(original.path)
    elif original is None:
        message, extensions = SUGGESTION.sub("", error.message), {"code": BAD_REQUEST}
    else:
        log.error("graphql.fault", request_id=request_id, path=error.path, exc_info=original)
        message = f"Something went wrong on our side. Tell the operator the request id {request_id}."
        extensions = {"code": INTERNAL, "requestId": request_id}
    told: dict[str, Any] = {"message": message}
    if error.locations:
        told["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    if error.path:
        told["path"] = error.path
    return {**told, "extensions": extensions}


def codes_of(errors: Sequence[GraphQLError]) -> tuple[str, ...]:
    """Return the codes with which these errors are told, each once, in alphabetical order."""
    return tuple(sorted({_code(error) for error in errors}))


def _code(error: GraphQLError) -> str:
    original = _original(error)
    if isinstance(original, ExpectedError):
        return original.code
    return BAD_REQUEST if original is None else INTERNAL


def _original(error: GraphQLError) -> Exception | None:
    original = error.original_error
    while isinstance(original, GraphQLError):
        original = original.original_error
    return original


def answer_body(
    result: ExecutionResult,
    *,
    price: Price,
    limit: int,
    remaining: int | None,
    request_id: str,
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the answer of an operation that ran, as JSON in UTF-8.

    ``remaining`` are the points that its sender has left for now, None where nobody counts.
    """
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = told_errors(result.errors, request_id=request_id)
    body["extensions"] = {
        "cost": {"requested": price.requested, "limit": limit, "remaining": remaining},
        **(more or {}),
    }
    return orjson.dumps(body)
