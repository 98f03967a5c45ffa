from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import plugin

from regulars.plugins.contributions import Pages
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.states import PluginWithheld


async def show(request: Request) -> Response:
    """Show a page."""
    return PlainTextResponse("gold")


HOME = Route("/", show, name="home")


class Showing:
    """A plugin with the pages that a test gives it."""

    def __init__(self, routes: Any, permissions: Any, address: Any = None) -> None:
        self._pages = Pages(routes, permissions, address=address)

    @hookimpl
    def pages(self) -> Pages:
        return self._pages


@pytest.mark.parametrize("permission", ["customers:read", "public"])
async def test_a_page_names_who_may_see_it(make_host: MakeHost, permission: str) -> None:
    host = await make_host(plugin("gold", Showing([HOME], {"home": permission})))

    await host.enable("gold")

    assert host.plugins.plugins[0].contributions.pages == Pages([HOME], {"home": permission})


@pytest.mark.parametrize(
    ("routes", "permissions", "fault"),
    [
        ([HOME], {}, "the route home names no permission; write 'public'"),
        ([HOME], {"home": "gold:read"}, "needs the permission 'gold:read', which neither"),
        ([HOME], {"home": "public", "away": "public"}, "for the route away, which does not exist"),
        ([HOME, HOME], {"home": "public"}, "the route home is there twice"),
        ([show], {}, "a route of type function has no name"),
        (None, {}, "nothing where a sequence of object belongs"),
        ([HOME], None, "nothing where a mapping belongs"),
    ],
)
async def test_pages_that_nobody_guards_are_refused(
    make_host: MakeHost, routes: Any, permissions: Mapping[str, str], fault: str
) -> None:
    host = await make_host(plugin("gold", Showing(routes, permissions)))

    with pytest.raises(PluginWithheld, match=fault):
        await host.enable("gold")


@pytest.mark.parametrize("address", ["Gold", "gold/coins", "", "-gold", "gold--coins", "g" * 41, 7])
async def test_an_address_that_cannot_stand_at_the_root_is_refused(make_host: MakeHost, address: object) -> None:
    host = await make_host(plugin("gold", Showing([HOME], {"home": "public"}, address)))

    with pytest.raises(PluginWithheld, match="is no address"):
        await host.enable("gold")


@pytest.mark.parametrize("address", ["stop", "graphql", "plugins", "v1"])
async def test_an_address_of_the_core_is_refused(make_host: MakeHost, address: str) -> None:
    host = await make_host(plugin("gold", Showing([HOME], {"home": "public"}, address)))

    with pytest.raises(PluginWithheld, match=rf"gold.*the address /{address} is one of the core's own"):
        await host.enable("gold")


async def test_an_address_that_another_plugin_has_is_refused_naming_both(make_host: MakeHost) -> None:
    pages = Showing([HOME], {"home": "public"}, "coins")
    host = await make_host(plugin("gold", pages), plugin("silver", pages))
    await host.enable("gold")

    with pytest.raises(PluginWithheld, match="silver cannot be enabled: Its address /coins is taken by gold"):
        await host.enable("silver")

    assert host.plugins.ids == ("gold",)
