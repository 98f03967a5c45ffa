"""A plugin that writes what tests put into its box, installed for the processes of a shop."""

from collections.abc import Sequence

from regulars import MessageContent, MessageTemplate, MessageToWrite, PluginContext, PluginManifest, hookimpl

manifest = PluginManifest(
    id="herald",
    version="0.1.0",
    title="Herald",
    summary="Sends what the tests want sent.",
    hook_api=">=1.0,<2",
    implementation="tests.real.herald",
)


async def _write(_ctx: PluginContext, message: MessageToWrite) -> MessageContent:
    return MessageContent("News", f"Number {message.payload['number']}")


TEMPLATES = (
    MessageTemplate("herald.news", "marketing", _write, contains_offer=True),
    MessageTemplate("herald.order", "transactional", _write),
)


@hookimpl
def message_templates() -> Sequence[MessageTemplate]:
    """Write news and orders."""
    return TEMPLATES
