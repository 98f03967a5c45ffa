from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import plugin

from regulars.clock import SettableClock
from regulars.events.envelope import EventEnvelope
from regulars.plugins.calling.hook_calls import handle_events
from regulars.plugins.context import PluginContext
from regulars.plugins.contributions import EventHandler
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.manifest import Grants
from regulars.plugins.states import PluginWithheld

LISTENS = Grants(events=("customer.created",))


class Listening:
    """A plugin with the handlers that a test gives it."""

    def __init__(self, handlers: Any) -> None:
        self._handlers = handlers

    @hookimpl
    def events(self) -> Mapping[str, EventHandler]:
        handlers: Mapping[str, EventHandler] = self._handlers
        return handlers


async def ignore(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
    """Take note of nothing."""


def not_async(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
    """Forget to be async."""


async def test_a_handler_gets_its_context_and_a_batch(make_host: MakeHost, clock: SettableClock) -> None:
    seen: list[tuple[str, str, tuple[EventEnvelope, ...]]] = []

    async def take(ctx: PluginContext, told: Sequence[EventEnvelope]) -> None:
        seen.append((ctx.plugin_id, ctx.actor, tuple(told)))

    events = [
        EventEnvelope(UUID(int=number), "customer.created", clock.now(), f"customer:{number}", "system", {})
        for number in (1, 2)
    ]
    host = await make_host(plugin("gold", Listening({"customer.created": take}), grants=LISTENS))
    await host.enable("gold")

    await handle_events(host, plugin_id="gold", event_type="customer.created", events=events)

    assert host.plugins.event_types == {"customer.created"}
    assert seen == [("gold", "system", tuple(events))]


async def test_a_plugin_that_was_disabled_meanwhile_takes_nothing(make_host: MakeHost) -> None:
    calls: list[str] = []

    async def take(ctx: PluginContext, events: Sequence[EventEnvelope]) -> None:
        calls.append("taken")

    host = await make_host(plugin("gold", Listening({"customer.created": take}), grants=LISTENS))
    await host.enable("gold")
    await host.disable("gold")

    await handle_events(host, plugin_id="gold", event_type="customer.created", events=[])

    assert calls == []


@pytest.mark.parametrize(
    ("handlers", "fault"),
    [
        ({"touchpoint.recorded": ignore}, "missing among the events of its grants"),
        ({"customer.created": not_async}, "the handler of customer.created is no async function"),
        ({"customer.created": "ignore"}, "is no async function"),
        ({7: ignore}, "a value of type int where str belongs"),
        ([ignore], "a value of type list where a mapping belongs"),
    ],
)
async def test_handlers_that_cannot_be_called_are_refused(make_host: MakeHost, handlers: Any, fault: str) -> None:
    host = await make_host(plugin("gold", Listening(handlers), grants=LISTENS))

    with pytest.raises(PluginWithheld, match=fault):
        await host.enable("gold")
