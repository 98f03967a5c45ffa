"""The frame around every page for staff: who is signed in, where one can go, and the company's name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from regulars.access.actors import ANONYMOUS, Actor
from regulars.languages import direction_of
from regulars.plugins.context import Company
from regulars.plugins.pages.addresses import pages_path
from regulars.plugins.plugin_set import EnabledPlugin
from regulars.web.visitors import FORM_FIELD, Visitor

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment

    from regulars.web.server import Server

__all__ = ["Frame", "PageLink", "framed", "page_links", "page_response", "staff_frame"]

START = "/console"
PUBLIC = "public"
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; script-src 'self';"
    " connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {"content-security-policy": POLICY, "cache-control": "no-store"}


@dataclass(frozen=True)
class PageLink:
    """A page that one can go to."""

    title: str
    href: str
    is_current: bool = False


@dataclass(frozen=True)
class Frame:
    """What stands around a page.

    ``width`` is the name of a width of the design: empty, ``medium``, ``narrow`` or ``phone``. ``templates`` is a
    plugin's folder of templates as ``package:folder``, None for the core's own pages.
    """

    company: Company
    actor: Actor
    form_token: str | None = field(repr=False)
    links: Sequence[PageLink] = ()
    width: str = ""
    templates: str | None = None
    language: str = "en"

    @property
    def is_signed_in(self) -> bool:
        """Tell whether somebody is signed in in this browser."""
        return self.form_token is not None and self.actor != ANONYMOUS

    @property
    def direction(self) -> str:
        """Return in which direction the page is read."""
        return direction_of(self.language)

    @property
    def form_field(self) -> Markup:
        """Return the hidden field that each form must hold."""
        return Markup('<input type="hidden" name="{}" value="{}">').format(FORM_FIELD, self.form_token or "")

    @property
    def role(self) -> str:
        """Return in a word what kind of visitor this is; empty for colleagues, whose name says enough."""
        return "with a key" if self.actor.key_id is not None else ""


def staff_frame(server: "Server", request: Request, visitor: Visitor, *, templates: str | None = None) -> Frame:
    """Return the frame of a page for this visitor: the pages they may see, and the one where they are."""
    path = request.scope.get("root_path", "") + request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    links = [PageLink("Start", START, path == START)] if visitor.form_token else []
    if visitor.form_token:
        links += [
            PageLink(link.title, link.href, link.href == path)
            for plugin in server.plugins.plugins
            for link in page_links(plugin, visitor.actor)
        ]
    return Frame(server.company, visitor.actor, visitor.form_token, links, templates=templates)


def page_links(plugin: EnabledPlugin, actor: Actor) -> Iterator[PageLink]:
    """Return the pages of a plugin that have a title and that this actor may see."""
    pages = plugin.contributions.pages
    if pages is None:
        return
    for route in pages.routes:
        name = str(getattr(route, "name", ""))
        permission = pages.permissions.get(name)
        is_open = permission is not None and (permission == PUBLIC or actor.may(permission))
        if name in pages.titles and isinstance(route, Route) and is_open:
            yield PageLink(pages.titles[name], f"{pages_path(plugin.id, pages)}{route.path}")


def framed(frame: Frame, template: str, *, title: str, status: int = 200, **values: Any) -> Response:
    """Return a page: a template that extends ``console/frame.html``, rendered in this frame."""
    text = _environment(frame.templates).get_template(template).render(frame=frame, title=title, **values)
    return HTMLResponse(text, status, headers=HEADERS)


def page_response(
    request: Request, template: str, values: Mapping[str, Any] | None = None, *, title: str, status: int = 200
) -> Response:
    """Return a page of a plugin inside the frame of the console.

    ``template`` lies in the folder that the plugin's ``Pages`` names. It begins with
    ``{% extends "console/frame.html" %}`` and fills the block ``content``. It gets the ``values``, ``title`` and
    ``frame``; each of its forms by POST holds ``{{ frame.form_field }}``.
    """
    frame: Frame = request.state.frame
    return framed(frame, template, title=title, status=status, **(values or {}))


@cache
def _environment(templates: str | None) -> "Environment":
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined  # slow, and only pages need it

    loaders: list[BaseLoader] = [PackageLoader("regulars.web.console", "templates")]
    if templates is not None:
        package, _, folder = templates.partition(":")
        loaders.append(PackageLoader(package, folder))
    return Environment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
