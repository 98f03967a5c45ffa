"""The page of the demo's customers: the preference centre with a few streams, its links laid into a folder as files."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from regulars.access.actors import SYSTEM, Actor
from regulars.access.permissions import permissions_of_role
from regulars.demo.progress import Progress
from regulars.errors import ConfigurationError
from regulars.plugins.states import PluginState
from regulars.web.server import Server

__all__ = ["StreamRefused", "open_customers_page"]

PLUGIN = "preference_centre"
STREAMS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "arrivals": {
        "en": ("New arrivals", "What came in this week."),
        "de": ("Neu eingetroffen", "Was diese Woche kam."),
        "ar": ("وصل حديثًا", "ما وصل هذا الأسبوع."),
    },
    "concerts": {
        "en": ("Concerts near you", "Who plays, and where."),
        "de": ("Konzerte bei Ihnen", "Wer wo spielt."),
        "ar": ("حفلات قريبة منك", "من يعزف وأين."),
    },
    "offers": {
        "en": ("Offers", "What costs less this week."),
        "de": ("Angebote", "Was diese Woche weniger kostet."),
        "ar": ("عروض", "ما ينخفض سعره هذا الأسبوع."),
    },
}
"""By topic the title and the description in each language."""

KNOWN = "{ streams(first: 1) { nodes { topic } } }"
BEST = """{
  customers(first: 1, orderBy: [{field: CLV_VALUE, direction: DESC}]) { nodes { identities { kind value } } }
}"""
DEFINE = "mutation ($input: StreamDefineInput!) { streamDefine(input: $input) { errors { message } } }"


class StreamRefused(ConfigurationError):
    """The demo's page has nothing that customers could choose."""

    code = "DEMO_STREAM_REFUSED"

    def __init__(self, topic: str, answer: Mapping[str, Any]) -> None:
        self.topic, self.answer = topic, answer
        super().__init__(
            f"The stream {topic} was refused: {answer}. Run `regulars plugin doctor {PLUGIN}`, mend what it names, and"
            " start the demo again."
        )


async def open_customers_page(server: Server, address: str, *, progress: Progress) -> str | None:
    """Enable the preference centre, with streams to choose from and links that begin with ``address``.

    Returns the e-mail address of a customer whose page is worth a look, or None where there is no page: what a visitor
    switched off stays off, and what is not installed is not missed. Raises ``StreamRefused``, and ``PluginWithheld``
    where the operator keeps the plugin out.
    """
    if PLUGIN not in server.host.found:
        return None
    record = server.host.records.get(PLUGIN)
    if record is None or record.settings.get("public_url") != address:
        await server.host.configure(PLUGIN, {"public_url": address})
    if record is None or record.accepted_at is None:
        progress("Opening the customers' page", 0, None)
        await server.host.enable(PLUGIN)
        await server.refresh_schema()
    if server.host.statuses[PLUGIN].state is not PluginState.ENABLED:
        return None
    admin = replace(SYSTEM, permissions=permissions_of_role("admin", server.permissions))
    await _define_streams(server, admin)
    [best] = (await server.ask(BEST, {}, admin))["data"]["customers"]["nodes"]
    return next(str(each["value"]) for each in best["identities"] if each["kind"] == "email")


async def _define_streams(server: Server, admin: Actor) -> None:
    """Offer the demo's streams, unless there are some, or there were."""
    if (await server.ask(KNOWN, {}, admin))["data"]["streams"]["nodes"]:
        return
    for position, (topic, told) in enumerate(STREAMS.items(), start=1):
        words = [
            {"language": language, "title": title, "description": description}
            for language, (title, description) in told.items()
        ]
        stream = {"topic": topic, "channels": ["email"], "position": position, "words": words}
        answer = await server.ask(DEFINE, {"input": stream}, admin)
        if answer.get("errors") or answer["data"]["streamDefine"]["errors"]:
            raise StreamRefused(topic, answer)
