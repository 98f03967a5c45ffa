"""What plugins of other authors show on the page, and what the page does when they cannot."""

import asyncio
from collections.abc import Sequence

import pytest
from tests.plugins.preference_centre.page import Page, down_link, opened, somebody

from regulars import Pages, PluginContext, PluginManifest, Slot, SlotPart, SlotVisit, hookimpl
from regulars.plugins.joining.discovery import FoundPlugin, found_plugin
from regulars.testing.app import App
from regulars_loyalty_card.manifest import manifest as loyalty_card
from regulars_preference_centre.manifest import manifest

BROKEN = PluginManifest(
    id="broken",
    version="0.1.0",
    title="Guesswork",
    summary="Shows nothing, sooner or later.",
    hook_api=">=1.0,<2",
    implementation="nowhere",
)


async def hang(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
    await asyncio.Event().wait()
    return None


class Hanging:
    """The hooks of a plugin whose part never comes."""

    @hookimpl
    def pages(self) -> Pages:
        return Pages(templates="regulars_loyalty_card:templates", slots=[Slot("customer.scores", hang)])


@pytest.fixture
def plugins() -> Sequence[PluginManifest | FoundPlugin]:
    return [manifest, loyalty_card, found_plugin(BROKEN, hooks=Hanging())]


async def test_a_plugin_of_another_author_shows_its_part_and_one_that_hangs_leaves_a_line(app: App) -> None:
    anna = await somebody(app)
    await app.add_touchpoint(anna, amount="12.50")
    await app.deliver_events()

    async with opened(app, anna) as page:
        assert "Loyalty card 10 points, level green." in page.text
        assert "“Guesswork” could not be shown just now." in page.text
        assert "Your past choices" in page.text
    assert [problem.key for problem in app.problems("broken")] == ["slots"]


async def test_parts_of_other_plugins_are_not_shown_to_whoever_holds_the_link_of_a_message(app: App) -> None:
    anna = await somebody(app)
    await app.add_touchpoint(anna, amount="12.50")
    await app.deliver_events()

    async with app.browser() as client:
        page = Page(client)
        await page.get(down_link(app, anna))

    assert "points" not in page.text
    assert app.problems("broken") == ()
