"""The pages of plugins under `/plugins/<id>/`, each behind the permission that its route names."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

from starlette.datastructures import URL, Headers
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from regulars.access.actors import ANONYMOUS, Actor
from regulars.access.refusals import CredentialsMissing
from regulars.errors import Forbidden
from regulars.plugins.contributions import Pages

__all__ = ["PUBLIC", "HasPages", "PluginPages"]

PUBLIC = "public"
PATIENCE_S = 10.0


class HasPages(Protocol):
    """What serving pages needs of the server."""

    @property
    def pages(self) -> Mapping[str, Pages]:
        """Return the pages of the enabled plugins, by the id of the plugin."""
        ...

    async def actor(self, authorization: str | None) -> Actor:
        """Return who sends this Authorization header."""
        ...


class PluginPages:
    """Finds the page of an enabled plugin, at each request anew, since plugins come and go while the server runs.

    The page finds who asks in ``request.state.actor``. It has ten seconds.
    """

    def __init__(self, server: HasPages) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a WebSocket finds nothing here."""
        plugin_id, slash, _ = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/").partition("/")
        pages = self._server.pages.get(plugin_id)
        if pages is None or scope["type"] != "http":
            raise HTTPException(404)
        scope["state"]["log"]["plugin"] = plugin_id
        if not slash:
            url = URL(scope=scope)
            await RedirectResponse(url.replace(path=f"{url.path}/"))(scope, receive, send)
            return
        scope["root_path"] = f"{scope.get('root_path', '')}/{plugin_id}"
        route, matched = _route_for(pages, scope)
        scope["state"]["actor"] = await self._admit(scope, pages.permissions.get(_name_of(route)))
        scope.update(matched)
        async with asyncio.timeout(PATIENCE_S):
            await route.handle(scope, receive, send)

    async def _admit(self, scope: Scope, permission: str | None) -> Actor:
        actor = await self._server.actor(Headers(scope=scope).get("authorization"))
        if permission == PUBLIC:
            return actor
        if actor == ANONYMOUS:
            raise CredentialsMissing
        if permission is None or not actor.may(permission):
            raise Forbidden(permission or "that this page should name")
        return actor


def _route_for(pages: Pages, scope: Scope) -> tuple[BaseRoute, Mapping[str, Any]]:
    partial: tuple[BaseRoute, Mapping[str, Any]] | None = None
    for route in pages.routes:
        match, matched = route.matches(scope)
        if match is Match.FULL:
            return route, matched
        if match is Match.PARTIAL and partial is None:
            partial = (route, matched)  # the address is right, the method is not; the route itself says so
    if partial is None:
        raise HTTPException(404)
    return partial


def _name_of(route: BaseRoute) -> str:
    return str(getattr(route, "name", ""))
