import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from tests.core.plugins.conftest import SHORT, MakeHost
from tests.core.plugins.fakes import CUSTOMER, plugin

from regulars.clock import SettableClock
from regulars.customers.models import Customer
from regulars.plugins.calling.results import WrongResult
from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import Pages, Slot, SlotPart, SlotVisit
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.host import PluginHost
from regulars.plugins.pages.fragments import checked_fragment
from regulars.plugins.pages.slots import FilledSlot, SlotFiller
from regulars.plugins.states import PluginWithheld

TEMPLATES = "tests.core.plugins:slot_templates"
BUDGETS = replace(SHORT, slots_s=0.5)

Show = Callable[[PluginContext, SlotVisit], Awaitable[SlotPart | None]]


class Adding:
    """A plugin that adds a part to a page of somebody else."""

    def __init__(self, show: Show, place: str = "customer.scores", templates: str | None = TEMPLATES) -> None:
        self._pages = Pages(templates=templates, slots=[Slot(place, show)])

    @hookimpl
    def pages(self) -> Pages:
        return self._pages


async def points(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
    return SlotPart("points.html", {"points": f"<{visit.customer_id.int % 10}>"})


async def raising(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
    raise ValueError


async def leaving(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
    raise SystemExit


async def hanging(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
    await asyncio.Event().wait()
    return None


async def rambling(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
    return "<p>62</p>"  # type: ignore[return-value]  # as a plugin without types would


async def fill(host: PluginHost, clock: SettableClock, place: str = "customer.scores") -> Sequence[FilledSlot]:
    return await SlotFiller(host, "anonymous").fill(place, SlotVisit(CUSTOMER, "de", clock.now()))


async def host_with(make_host: MakeHost, *shows: Show) -> PluginHost:
    names = ["gold", "zinc"][: len(shows)]
    host = await make_host(
        *(plugin(name, Adding(show)) for name, show in zip(names, shows, strict=True)), budgets=BUDGETS
    )
    for name in names:
        await host.enable(name)
    return host


async def test_a_plugin_adds_its_part_to_a_place(make_host: MakeHost, clock: SettableClock) -> None:
    host = await host_with(make_host, points)

    (filled,) = await fill(host, clock)

    assert filled.plugin_id == "gold"
    assert filled.html == '<p lang="de">&lt;9&gt; points</p>'


async def test_a_place_that_nobody_fills_is_empty(make_host: MakeHost, clock: SettableClock) -> None:
    host = await host_with(make_host, points)

    assert await fill(host, clock, "customer.elsewhere") == []


async def test_a_plugin_with_nothing_to_say_adds_nothing(make_host: MakeHost, clock: SettableClock) -> None:
    async def silent(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
        return None

    host = await host_with(make_host, silent)

    assert await fill(host, clock) == []


async def test_a_disabled_plugin_adds_nothing(make_host: MakeHost, clock: SettableClock) -> None:
    host = await host_with(make_host, points)
    await host.disable("gold")

    assert await fill(host, clock) == []


@pytest.mark.row(13)
@pytest.mark.parametrize("failing", [raising, leaving, hanging, rambling])
async def test_a_part_that_fails_costs_the_page_a_line_and_nothing_else(
    make_host: MakeHost, clock: SettableClock, failing: Show
) -> None:
    host = await host_with(make_host, failing, points)

    broken, whole = await fill(host, clock)

    assert (broken.plugin_id, broken.html) == ("gold", None)
    assert whole.html is not None
    assert [problem.key for problem in host.problems.known("gold")] == ["slots"]


async def test_a_part_that_leaves_an_element_open_is_not_shown(make_host: MakeHost, clock: SettableClock) -> None:
    async def unclosed(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
        return SlotPart("open.html", {"points": 3})

    host = await host_with(make_host, unclosed)

    (filled,) = await fill(host, clock)

    assert filled.html is None
    assert "which is not the element that is open" in host.problems.known("gold")[0].message


async def test_a_part_that_keeps_failing_rests(make_host: MakeHost, clock: SettableClock) -> None:
    host = await host_with(make_host, raising)

    filled = [await fill(host, clock) for _ in range(7)]

    assert [one.html for (one,) in filled] == [None] * 7
    assert host.caller.is_open("gold", "slots")


async def test_a_part_writes_nothing(make_host: MakeHost, clock: SettableClock) -> None:
    async def writing(ctx: PluginContext, visit: SlotVisit) -> SlotPart | None:
        ctx.session.add(Customer(created_at=visit.now, updated_at=visit.now))
        await ctx.session.flush()
        return None

    host = await host_with(make_host, writing)

    (filled,) = await fill(host, clock)

    assert filled.html is None


@pytest.mark.parametrize(
    ("pages", "fault"),
    [
        (Adding(points, place="Scores"), "names no place such as customer.scores"),
        (Adding(points, templates=None), "needs a folder of templates"),
        (Adding(lambda ctx, visit: None), "is not shown by an async function"),  # type: ignore[arg-type, return-value]
    ],
)
async def test_a_slot_that_cannot_be_shown_is_refused(make_host: MakeHost, pages: Adding, fault: str) -> None:
    host = await make_host(plugin("gold", pages))

    with pytest.raises(PluginWithheld, match=fault):
        await host.enable("gold")


@pytest.mark.parametrize(
    "html",
    [
        "<p>at least <strong>62</strong> in 100</p>",
        '<svg viewBox="0 0 9 9" role="img" aria-label="62"><rect x="1" class="d1"/><text>6</text></svg>',
        '<p>a &lt; b<br>c</p><a href="/preferences#known">more</a>',
    ],
)
def test_a_whole_fragment_may_stand(html: str) -> None:
    assert checked_fragment(html) == html


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<p>62", "leaves <p> open"),
        ("62</section>", "closes <section>"),
        ('<p>62</p><a href="', "ends amid an element"),
        ("<script>1</script>", "holds <script>"),
        ('<form method="post"></form>', "holds <form>"),
        ("<h2>Scores</h2>", "holds <h2>"),
        ('<p style="color: red">62</p>', "attribute style"),
        ('<p onclick="go()">62</p>', "attribute onclick"),
        ('<a href="javascript:go()">go</a>', "leads to"),
        ("<!-- here -->", "a comment"),
    ],
)
def test_a_fragment_that_reaches_beyond_itself_may_not(html: str, fault: str) -> None:
    with pytest.raises(WrongResult, match=fault):
        checked_fragment(html)
