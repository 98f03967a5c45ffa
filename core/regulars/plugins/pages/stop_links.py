"""What a plugin adds to the page behind a message's stop link: the name of the topic, and the way to more choices."""

from dataclasses import dataclass
from functools import partial

from regulars.plugins.calling.calls import HookCall, PluginCallFailed
from regulars.plugins.calling.results import instance_of
from regulars.plugins.calling.sessions import refuse_foreign_writes
from regulars.plugins.host import PluginHost
from regulars.plugins.pages.addresses import pages_path

__all__ = ["StopHelp", "stop_help"]

HOOK = "stop_links"
PATIENCE_S = 2.0


@dataclass(frozen=True)
class StopHelp:
    """Where whoever holds the link can do more, and what its topic is called; None where no plugin knows."""

    href: str | None = None
    topic_name: str | None = None


async def stop_help(host: PluginHost, *, token: str, topic: str, language: str) -> StopHelp:
    """Return what the first plugin that adds something says; a name that fails or is slow is left out."""
    for plugin in host.plugins.plugins:
        pages = plugin.contributions.pages
        if pages is None or pages.stop_links is None:
            continue
        links = pages.stop_links
        href = f"{pages_path(plugin.id, pages)}{links.path}/{token}"
        async with host.database.reading() as session:
            own = refuse_foreign_writes(session, plugin.manifest)
            ctx = host.context(plugin.id, session=own, actor="anonymous", settings=plugin.settings)
            named = partial(links.topic_name, ctx, topic, language)
            call = HookCall(plugin.id, HOOK, named, {}, PATIENCE_S, _check_name)
            try:
                return StopHelp(href, await host.caller.call(call))
            except PluginCallFailed:
                return StopHelp(href)
    return StopHelp()


def _check_name(result: object) -> str | None:
    return None if result is None else instance_of(str, result)
