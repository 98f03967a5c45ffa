from collections.abc import Sequence
from typing import Any

import pytest
from tests.core.plugins.conftest import MakeHost
from tests.core.plugins.fakes import Gold, plugin

from regulars.messages.templates import MessageContent, MessageTemplate, MessageToWrite
from regulars.plugins.calling.calls import PluginCallFailed
from regulars.plugins.calling.hook_calls import write_message
from regulars.plugins.context import PluginContext
from regulars.plugins.hookspecs import hookimpl
from regulars.plugins.states import PluginWithheld
from regulars.tables import new_id


def to_write() -> MessageToWrite:
    return MessageToWrite(
        id=new_id(),
        customer_id=None,
        channel="email",
        address="anna@example.org",
        language="en",
        topic="*",
        payload={"points": 7},
        stop_link=None,
    )


async def thank(ctx: PluginContext, message: MessageToWrite) -> MessageContent | None:
    return MessageContent(f"Thank you from {ctx.company.name}", f"You have {message.payload['points']} points.")


class GoldWithMessages(Gold):
    def __init__(self, *templates: Any) -> None:
        self._templates = templates

    @hookimpl
    def message_templates(self) -> Sequence[MessageTemplate]:
        return self._templates


def answering(result: Any) -> MessageTemplate:
    async def write(_ctx: PluginContext, _message: MessageToWrite) -> Any:
        return result

    return MessageTemplate("gold.thanks", "service", write)


async def test_a_plugin_writes_the_words_of_its_messages(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", GoldWithMessages(MessageTemplate("gold.thanks", "service", thank))))
    await host.enable("gold")

    words = await write_message(host, template="gold.thanks", message=to_write())

    assert words == MessageContent("Thank you from Your company", "You have 7 points.")


@pytest.mark.parametrize(
    "result",
    ["words", MessageContent("", "text"), MessageContent("two\nlines", "text"), MessageContent("x", "y" * 300_000)],
    ids=["no content", "no subject", "two lines", "too long"],
)
async def test_words_that_cannot_be_sent_are_the_plugins_failure(make_host: MakeHost, result: Any) -> None:
    host = await make_host(plugin("gold", GoldWithMessages(answering(result))))
    await host.enable("gold")

    with pytest.raises(PluginCallFailed, match="gold"):
        await write_message(host, template="gold.thanks", message=to_write())


async def test_nobody_writes_for_a_plugin_that_is_not_enabled(make_host: MakeHost) -> None:
    host = await make_host(plugin("gold", GoldWithMessages(answering(None))))

    with pytest.raises(PluginCallFailed, match="Nobody"):
        await write_message(host, template="gold.thanks", message=to_write())


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (MessageTemplate("thanks", "service", thank), "must start with 'gold.'"),
        (MessageTemplate("gold.thanks", "spam", thank), "no class of contact"),  # type: ignore[arg-type]
        (MessageTemplate("gold.thanks", "service", lambda ctx, message: None), "async"),  # type: ignore[arg-type,return-value]
    ],
    ids=["prefix", "class", "not async"],
)
async def test_a_template_that_is_none_keeps_the_plugin_out(
    make_host: MakeHost, template: MessageTemplate, problem: str
) -> None:
    host = await make_host(plugin("gold", GoldWithMessages(template)))

    with pytest.raises(PluginWithheld, match=problem):
        await host.enable("gold")
