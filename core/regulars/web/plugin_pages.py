"""The pages of plugins, under `/plugins/<id>/` or an address of their own, each behind its route's permission."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Match
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from regulars.access.actors import ANONYMOUS, Actor
from regulars.access.refusals import CredentialsMissing
from regulars.errors import ExpectedError, Forbidden
from regulars.plugins.calling.calls import HookCall, PluginCallFailed, PluginPaused
from regulars.plugins.calling.sessions import refuse_foreign_writes
from regulars.plugins.contributions import Pages
from regulars.plugins.pages.addresses import plugin_at
from regulars.plugins.plugin_set import EnabledPlugin
from regulars.web.console.frame import staff_frame
from regulars.web.gpc import asks_for_no_sharing, heed_gpc
from regulars.web.kept_files import KeptFiles
from regulars.web.server import Server
from regulars.web.visitors import Visitor, after_form_check, visitor_of

__all__ = ["PUBLIC", "PageFailed", "PagePaused", "PluginPages", "RouteToAddresses"]

PUBLIC = "public"
PATIENCE_S = 10.0
PAGE_POINTS = 1
STATIC = "/static/"
READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class PageFailed(ExpectedError):
    """A plugin's page raised or hung; everything else goes on."""

    code = "PLUGIN_FAILED"

    def __init__(self, plugin_id: str, reference: str | None) -> None:
        self.plugin_id, self.reference = plugin_id, reference
        super().__init__(
            f"The plugin {plugin_id} could not show this page."
            f" Tell the operator of this server; the log has the reason under {reference}."
        )


class PagePaused(ExpectedError):
    """A plugin's pages failed so often that they rest."""

    code = "PLUGIN_PAUSED"

    def __init__(self, plugin_id: str) -> None:
        self.plugin_id = plugin_id
        super().__init__(f"The pages of the plugin {plugin_id} failed too often and rest for a while. Try again later.")


class PluginPages:
    """Finds the page of an enabled plugin, at each request anew, since plugins come and go while the server runs.

    Whoever is signed in in a browser comes in as well; what they change by a form must carry the form's token.
    The page finds who asks in ``request.state.actor`` and a ``PluginContext`` in ``request.state.ctx``. It has ten
    seconds. What it writes is committed before the answer to its request is sent; a GET writes nothing. Only that the
    browser of a customer whom the page knows asks for no sharing is kept at a GET, too, before the answer is sent.
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a WebSocket finds nothing here."""
        root: str = scope.get("root_path", "")
        plugin_id, slash, _ = scope["path"].removeprefix(root).removeprefix("/").partition("/")
        plugin = self._server.plugins.get(plugin_id)
        pages = None if plugin is None else plugin.contributions.pages
        if plugin is None or pages is None or pages.address is not None or scope["type"] != "http":
            raise HTTPException(404)
        if not slash:
            scope["state"]["log"]["plugin"] = plugin_id
            url = URL(scope=scope)
            await RedirectResponse(url.replace(path=f"{url.path}/"))(scope, receive, send)
            return
        scope["root_path"] = f"{root}/{plugin_id}"
        await self.answer(plugin, pages, scope, receive, send)

    async def answer(self, plugin: EnabledPlugin, pages: Pages, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request of which ``root_path`` is where the pages of the plugin are."""
        scope["state"]["log"]["plugin"] = plugin.id
        if pages.static is not None and scope["path"].startswith(f"{scope['root_path']}{STATIC}"):
            scope["root_path"] += STATIC.rstrip("/")
            await _static_files(pages.static)(scope, receive, send)
            return
        route, matched = _route_for(pages, scope)
        visitor = await self._admit(scope, pages.permissions.get(_name_of(route)))
        if visitor.form_token is not None and scope["method"] not in READING_METHODS:
            receive = await after_form_check(scope, receive, expected=visitor.form_token)
        scope["state"]["frame"] = staff_frame(self._server, Request(scope), visitor, templates=pages.templates)
        scope.update(matched)
        await self._show(plugin, route, visitor.actor, scope, receive, send)

    async def _admit(self, scope: Scope, permission: str | None) -> Visitor:
        connection = HTTPConnection(scope)
        visitor = await visitor_of(self._server, connection)
        self._server.charge(visitor.actor, connection)(PAGE_POINTS)
        if permission == PUBLIC:
            return visitor
        if visitor.actor == ANONYMOUS:
            raise CredentialsMissing
        if permission is None or not visitor.actor.may(permission):
            raise Forbidden(permission or "that this page should name")
        return visitor

    async def _show(
        self, plugin: EnabledPlugin, route: BaseRoute, actor: Actor, scope: Scope, receive: Receive, send: Send
    ) -> None:
        host = self._server.host
        request = Request(scope)
        is_changing = scope["method"] not in READING_METHODS
        held = _HeldAnswer(send, is_held=is_changing or asks_for_no_sharing(request.headers))

        async def show() -> HTTPException | ExpectedError | None:
            try:
                async with self._session(plugin, scope) as session:
                    context = host.context(plugin.id, session=session, actor=actor.label, settings=plugin.settings)
                    scope["state"] |= {"actor": actor, "ctx": context}
                    await route.handle(scope, receive, held.take)
            except (HTTPException, ExpectedError) as error:
                return error  # the page means it
            return None

        call = HookCall(plugin.id, "pages", show, {}, PATIENCE_S, lambda deliberate: deliberate)
        try:
            deliberate = await host.caller.call(call)
        except PluginPaused as paused:
            raise PagePaused(plugin.id) from paused
        except PluginCallFailed as failure:
            raise PageFailed(plugin.id, failure.reference) from failure
        customer_id = scope["state"].get("customer_id")
        if isinstance(customer_id, UUID):
            themselves = Actor("customer", customer_id, customer_id=customer_id)
            await heed_gpc(self._server, request, [customer_id], actor=themselves)
        if deliberate is not None:
            raise deliberate
        await held.release()

    @asynccontextmanager
    async def _session(self, plugin: EnabledPlugin, scope: Scope) -> AsyncIterator[AsyncSession]:
        database = self._server.database
        if scope["method"] in READING_METHODS:
            async with database.reading() as session:
                yield refuse_foreign_writes(session, plugin.manifest)
        else:
            async with database.writing() as session:
                yield refuse_foreign_writes(session, plugin.manifest)


class RouteToAddresses(BaseRoute):
    """Leads to the pages that have an address of their own, such as `/preferences`; other paths it lets pass."""

    def __init__(self, server: Server, pages: PluginPages) -> None:
        self._server, self._pages = server, pages

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match what lies at or below the address of an enabled plugin."""
        is_there = scope["type"] == "http" and plugin_at(self._server.plugins, _path_in(scope)) is not None
        return (Match.FULL if is_there else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        plugin = plugin_at(self._server.plugins, _path_in(scope))
        pages = None if plugin is None else plugin.contributions.pages
        if plugin is None or pages is None:
            raise HTTPException(404)
        scope["root_path"] = f"{scope.get('root_path', '')}/{pages.address}"
        if scope["path"] == scope["root_path"]:
            scope["path"] += "/"  # the address itself is the route `/`
        await self._pages.answer(plugin, pages, scope, receive, send)


def _path_in(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


class _HeldAnswer:
    """Keeps an answer back until what it tells of is committed."""

    def __init__(self, send: Send, *, is_held: bool) -> None:
        self._send, self._is_held = send, is_held
        self._messages: list[Message] = []

    async def take(self, message: Message) -> None:
        if self._is_held:
            self._messages.append(message)
        else:
            await self._send(message)

    async def release(self) -> None:
        for message in self._messages:
            await self._send(message)


@cache
def _static_files(location: str) -> StaticFiles:
    package, _, folder = location.partition(":")
    return KeptFiles(packages=[(package, folder)])


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
