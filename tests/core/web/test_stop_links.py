"""What plugins add to the page behind a stop link."""

from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from regulars import Pages, PluginContext, PluginManifest, StopLinks, hookimpl
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.plugins.states import PluginWithheld
from regulars.selfservice.down_tokens import DownToken, write_down_token
from regulars.testing.app import App
from regulars.testing.fixtures import MakeApp


async def show(_request: Request) -> Response:
    return PlainTextResponse("choices")


async def in_capitals(_ctx: PluginContext, topic: str, language: str) -> str | None:
    return f"{topic.upper()} ({language})"


async def broken(_ctx: PluginContext, _topic: str, _language: str) -> str | None:
    raise RuntimeError("no names")


def in_thread(_ctx: PluginContext, topic: str, _language: str) -> Any:
    return topic


def naming(links: Any) -> FoundPlugin:
    class Hooks:
        @hookimpl
        def pages(self) -> Pages:
            return Pages([Route("/", show, name="home")], {"home": "public"}, stop_links=links)

    manifest = PluginManifest(
        id="choosing",
        version="1.0",
        title="Choosing",
        summary="Names topics.",
        hook_api=">=1.0,<2",
        implementation="nowhere",
    )
    return found_plugin(manifest, hooks=Hooks())


@pytest.fixture
def plugins() -> Sequence[FoundPlugin]:
    return [naming(StopLinks("/by", in_capitals))]


async def page(app: App, **headers: str) -> str:
    token = write_down_token(DownToken(await app.add_customer("Anna"), topic="books"), secret=app.server.secret)
    async with app.browser() as client:
        answer = await client.get(
            f"/stop/{token}", headers={key.replace("_", "-"): value for key, value in headers.items()}
        )
    return answer.text


async def test_a_plugin_names_the_topic_and_the_way_to_more(app: App) -> None:
    text = await page(app, accept_language="de")

    assert "Nachrichten zu „BOOKS (de)“" in text
    assert 'href="/plugins/choosing/by/' in text


async def test_a_link_that_opens_nothing_leads_to_where_a_new_one_is_asked_for(app: App) -> None:
    async with app.browser() as client:
        answer = await client.get("/stop/forged", headers={"accept-language": "de"})

    assert answer.status_code == 404
    assert '<a href="/plugins/choosing">Zurück zum Anfang</a>' in answer.text


async def test_a_name_that_fails_leaves_the_topic_as_it_is(make_app: MakeApp) -> None:
    app = await make_app(naming(StopLinks("/by", broken)))

    text = await page(app)

    assert "no more messages about “books”" in text
    assert 'href="/plugins/choosing/by/' in text
    assert [problem.key for problem in app.problems("choosing")] == ["stop_links"]


@pytest.mark.parametrize(
    "links", [StopLinks("by", in_capitals), StopLinks("/", in_capitals), StopLinks("/by", in_thread)]
)
async def test_stop_links_that_cannot_be_followed_are_refused(make_app: MakeApp, links: StopLinks) -> None:
    with pytest.raises(PluginWithheld):
        await make_app(naming(links))


async def test_without_such_a_plugin_the_page_speaks_the_language_too(make_app: MakeApp) -> None:
    app = await make_app()

    text = await page(app, accept_language="ar")

    assert '<html lang="ar" dir="rtl">' in text
    assert "رسائل عن «books»" in text
