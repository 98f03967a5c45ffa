"""The short way to the address that most requests go to, past the search among all routes."""

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from regulars.errors import ConfigurationError, ExpectedError
from regulars.web.problems import answer_expected_error

__all__ = ["ShortWay"]


class ShortWay:
    """Hands HTTP requests for exactly ``path`` to its ``endpoint``, which answers any method; the rest goes on.

    An expected error that the endpoint lets pass is answered as it would be behind the routes.
    """

    def __init__(self, app: ASGIApp, *, path: str, endpoint: ASGIApp) -> None:
        self._app, self._path, self._endpoint = app, path, endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        try:
            await self._endpoint(scope, receive, send)
        except (ConfigurationError, ExpectedError) as error:
            answer = await answer_expected_error(Request(scope, receive), error)
            await answer(scope, receive, send)
