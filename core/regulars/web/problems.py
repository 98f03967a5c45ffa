"""Errors of pages and routes outside GraphQL: a page for people, JSON for programs.

Source: RFC 9457, Problem Details for HTTP APIs.
"""

from http import HTTPStatus

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from regulars.access.refusals import AllowanceSpent, Unauthenticated
from regulars.errors import ConfigurationError, ExpectedError
from regulars.web.console.problem_pages import is_for_a_person, problem_page
from regulars.web.rates import refused_rate_headers

__all__ = ["INTERNAL", "answer_expected_error", "answer_fault", "answer_http_error", "problem_response"]

INTERNAL = "INTERNAL"

STATUSES = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "LINK_UNKNOWN": 404,
    "CONFLICT": 409,
    "IDEMPOTENCY_CONFLICT": 422,
    "IDEMPOTENCY_IN_FLIGHT": 409,
    "IDEMPOTENCY_ANSWER_ERASED": 410,
    "RATE_LIMITED": 429,
    "FORM_REFUSED": 403,
    "TOO_LARGE": 413,
    "ISSUER_SILENT": 503,
    "PLUGIN_FAILED": 500,
    "PLUGIN_PAUSED": 503,
}
DETAILS = {
    404: "There is nothing at this address. Check it; GraphQL is at /graphql.",
    405: "This address does not take this method. Use one of those in the header Allow.",
}
PAGE_DETAILS = {
    404: "Check the address. The page may belong to a plugin that is off.",
    405: "This page cannot be used like that. Go back and use its buttons.",
}
FAULT_FOR_STAFF = "Try again in a moment. If it happens again, tell the operator of this server the reference below."
FAULT_FOR_PROGRAMS = "Something went wrong here. Tell the operator of this server the requestId."

log = structlog.get_logger("regulars.requests")


def problem_response(
    status: int, *, code: str, detail: str, request_id: str, headers: dict[str, str] | None = None
) -> Response:
    """Return a problem document: what happened, and the id by which the operator finds it in the log."""
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": request_id,
    }
    return Response(orjson.dumps(problem), status, headers=headers, media_type="application/problem+json")


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: no such address, no such method."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = status.name
    request.state.log["code"] = code
    headers = dict(error.headers or {})
    if is_for_a_person(request):
        detail = PAGE_DETAILS.get(status, error.detail)
        return problem_page(request, error, status=status, code=code, detail=detail, headers=headers)
    return problem_response(
        status,
        code=code,
        detail=DETAILS.get(status, error.detail),
        request_id=request.state.request_id,
        headers=headers,
    )


async def answer_expected_error(request: Request, error: Exception) -> Response:
    """Answer an expected error that a route let pass, with the status that fits it."""
    assert isinstance(error, ExpectedError | ConfigurationError)
    request.state.log["code"] = error.code
    if is_for_a_person(request):
        return problem_page(
            request,
            error,
            status=_status_of(error),
            code=error.code,
            detail=str(error),
            headers=_headers_of(error) or {},
        )
    return problem_response(
        _status_of(error),
        code=error.code,
        detail=str(error),
        request_id=request.state.request_id,
        headers=_headers_of(error),
    )


def answer_fault(scope: Scope, error: Exception, *, request_id: str) -> Response:
    """Answer what nobody expected, without a word about it: a page for people, even if that is the page's own fault."""
    request = Request(scope)
    if scope["type"] == "http" and is_for_a_person(request):
        try:
            return problem_page(request, error, status=500, code=INTERNAL, detail=FAULT_FOR_STAFF, headers={})
        except Exception as another:
            log.error("fault.page", requestId=request_id, exc_info=another)
    return problem_response(500, code=INTERNAL, detail=FAULT_FOR_PROGRAMS, request_id=request_id)


def _headers_of(error: ExpectedError | ConfigurationError) -> dict[str, str] | None:
    if isinstance(error, AllowanceSpent):
        return refused_rate_headers(error)
    return {"www-authenticate": "Bearer"} if isinstance(error, Unauthenticated) else None


def _status_of(error: ExpectedError | ConfigurationError) -> int:
    if isinstance(error, ConfigurationError):
        return 503
    return STATUSES.get(error.code, 400)
